//! When a deposit is seen, and that none is missed by what is kept in memory.

use roborent::base::Usdt;
use roborent::gateway::sieve::Sieve;
use roborent::gateway::{lease, scan};
use roborent::on_both_engines;
use roborent::wallet::custody::Custody;
use serde_json::json;
use tron::node::{Node, Provider, Reply, Request, Transport};

use crate::{address_of, available, chain};

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
        let node = node(app);
        let read = crate::gateway(app, &crate::admin_of(app, "root@example.com").await).await["block"].as_u64().unwrap();
        let mut blocks = Vec::new();
        for number in read + 1..=node.solid_tip().await.unwrap().number() {
            blocks.push(node.solid_block(number).await.unwrap());
        }
        let custody = Custody::of(&app.app.dispatcher.config.chain).unwrap();
        let batch = old.sift(&custody, blocks);
        app.advance(roborent::base::Span::seconds(31));
        let dispatcher = &app.app.dispatcher;
        let token = dispatcher.system(|cx| lease::take(cx, uuid::Uuid::from_u128(9), false)).await.unwrap().unwrap();
        dispatcher.system(move |cx| scan::record_blocks(cx, token, &batch)).await.unwrap();
        assert_eq!((available(app, &first).await, available(app, &second).await), (json!(10.0), json!(10.0)));
    }
}

fn usdt(whole: i64) -> serde_json::Value {
    serde_json::to_value(Usdt::from_micro(whole * 1_000_000)).unwrap()
}

fn node(app: &roborent::testing::TestApp) -> Node {
    let chain = app.devnet().clone();
    let transport: Transport = std::sync::Arc::new(move |request: Request| {
        let answer = chain.request(0, &request.url, request.body.as_bytes());
        Box::pin(std::future::ready(Ok(Reply { status: answer.status, retry_after_seconds: None, body: answer.body.into_bytes() })))
    });
    Node::new(Provider { name: "p".into(), full_url: String::new(), solid_url: String::new(), api_key: None }, transport)
}
