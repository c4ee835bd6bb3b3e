//! When a deposit is seen, and that none is missed by what is kept in memory.

use roborent::base::{Span, Usdt};
use roborent::gateway::sieve::Sieve;
use roborent::gateway::{lease, scan};
use roborent::on_both_engines;
use roborent::testing::TestApp;
use roborent::wallet::custody::Custody;
use serde_json::json;
use tron::node::{Block, Node, Provider, Reply, Request, Transport};

use crate::{OUTSIDE, address_of, available, chain};

on_both_engines! {
    async fn a_deposit_is_seen_with_the_first_poll_after_its_block_is_solid(app) {
        let bot = app.bot().await;
        let address = address_of(app, &bot).await;
        for n in 1..=5 {
            chain(app, "faucet", &json!({ "address": address, "usdt": "10" }));
            // In a block, and then below two others: solid.
            for _ in 0..2 {
                chain(app, "mine", &json!({ "blocks": 1 }));
                app.gateway().round().await;
                assert_eq!(available(app, &bot).await, usdt(10 * (n - 1)), "not solid yet");
            }
            chain(app, "mine", &json!({ "blocks": 1 }));
            app.gateway().round().await;
            assert_eq!(available(app, &bot).await, usdt(10 * n), "one poll");
        }
    }

    async fn a_long_way_behind_is_one_poll_too(app) {
        let bot = app.bot().await;
        let address = address_of(app, &bot).await;
        for _ in 0..5 {
            chain(app, "faucet", &json!({ "address": address, "usdt": "10" }));
            chain(app, "mine", &json!({ "blocks": 61 }));
        }
        app.gateway().round().await;
        assert_eq!(available(app, &bot).await, 50.0);
    }

    async fn an_address_that_was_given_away_while_its_block_was_fetched_is_seen(app) {
        // Nobody has an address yet, and this is how the blocks are looked through.
        let old = Sieve::default();
        let first = app.bot().await;
        let mut addresses = vec![address_of(app, &first).await];
        app.gateway().round().await;
        let second = app.bot().await;
        addresses.push(address_of(app, &second).await);
        for address in &addresses {
            chain(app, "faucet", &json!({ "address": address, "usdt": "10" }));
        }
        chain(app, "mine", &json!({ "blocks": 3 }));
        let blocks = unread(app).await;
        record(app, &old, blocks).await;
        assert_eq!((available(app, &first).await, available(app, &second).await), (json!(10.0), json!(10.0)));
    }

    async fn a_payout_that_was_not_shown_is_found_by_reading_again(app) {
        let (bot, admin) = (app.rich_bot(100).await, crate::admin_of(app, "root@example.com").await);
        let id = crate::let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        app.gateway().round().await;
        chain(app, "mine", &json!({ "blocks": 1 }));
        app.advance(Span::minutes(8));
        chain(app, "mine", &json!({ "blocks": 3 }));
        let mut blocks = unread(app).await;
        let shown = blocks.iter().map(|block| block.transactions.len()).sum::<usize>();
        for block in &mut blocks {
            block.transactions.clear();
        }
        record(app, &Sieve::default(), blocks).await;
        app.advance(Span::seconds(31));
        app.gateway().round().await;
        assert_eq!(shown, 1);
        let state = crate::gateway(app, &admin).await;
        assert!(crate::frozen(&state).contains(&"disagreement"), "{state}");
        let order = crate::order(app, &admin, "needs_operator", &id).await.unwrap();
        assert_eq!(order["problem"], "nodes disagree about its transaction");
        assert_eq!(app.gateway().rescan(1, None).await.unwrap().deposits, 0);
        assert_eq!(app.gateway().rescan(1, None).await.unwrap().deposits, 0);
        assert_eq!((crate::status(app, &bot, &id).await.as_str(), crate::on_chain(app, OUTSIDE)), ("completed", 23_500_000));
        let state = crate::gateway(app, &admin).await;
        assert_eq!((&state["hot_usdt"], &state["difference"]), (&json!(99_976.5), &json!(0.0)), "{state}");
    }
}

/// The solid blocks that the gateway has not read yet.
async fn unread(app: &TestApp) -> Vec<Block> {
    let node = node(app);
    let read = crate::gateway(app, &crate::admin_of(app, "reader@example.com").await).await["block"].as_u64().unwrap();
    let mut blocks = Vec::new();
    for number in read + 1..=node.solid_tip().await.unwrap().number() {
        blocks.push(node.solid_block(number).await.unwrap());
    }
    blocks
}

/// Another gateway reads them.
async fn record(app: &TestApp, sieve: &Sieve, blocks: Vec<Block>) {
    let custody = Custody::of(&app.app.dispatcher.config.chain).unwrap();
    let batch = sieve.sift(&custody, blocks);
    app.advance(Span::seconds(31));
    let dispatcher = &app.app.dispatcher;
    let token = dispatcher.system(|cx| lease::take(cx, uuid::Uuid::from_u128(9), false)).await.unwrap().unwrap();
    dispatcher.system(move |cx| scan::record_blocks(cx, token, &batch)).await.unwrap();
}

fn usdt(whole: i64) -> serde_json::Value {
    serde_json::to_value(Usdt::from_micro(whole * 1_000_000)).unwrap()
}

fn node(app: &TestApp) -> Node {
    let chain = app.devnet().clone();
    let transport: Transport = std::sync::Arc::new(move |request: Request| {
        let answer = chain.request(0, &request.url, request.body.as_bytes());
        Box::pin(std::future::ready(Ok(Reply { status: answer.status, retry_after_seconds: None, body: answer.body.into_bytes() })))
    });
    Node::new(Provider { name: "p".into(), full_url: String::new(), solid_url: String::new(), api_key: None }, transport)
}
