//! Gateways of several processes over one database: one acts, whoever was it before stores nothing, and everything is paid
//! once. And providers that tell different things.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use roborent::base::Span;
use roborent::base::call::Dispatcher;
use roborent::base::limit::Limit;
use roborent::gateway::runner::{Gateway, Keys};
use roborent::on_both_engines;
use roborent::start::books;
use roborent::testing::TestApp;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tron::node::{Node, Pool, Provider, Reply, Request, Transport};

use crate::{OUTSIDE, admin_of, available, chain, frozen, gateway, let_out, on_chain, order, settle, status};

/// Longer than a lease lasts.
const LEASE: Span = Span::seconds(31);

/// The gateway of another process.
pub(crate) struct Rival {
    dispatcher: Arc<Dispatcher>,
    pub(crate) gateway: Arc<Gateway>,
    gate: Arc<Gate>,
}

/// Keeps the next question of one kind until it is opened.
#[derive(Default)]
struct Gate {
    closed: AtomicBool,
    reached: Notify,
    opened: Notify,
}

impl Rival {
    pub(crate) async fn of(app: &TestApp, providers: usize, quorum: usize, gated: &'static str) -> Self {
        let (dispatcher, gate, chain) = (app.another_node().await, Arc::new(Gate::default()), app.devnet().clone());
        let way = Arc::clone(&gate);
        let transport: Transport = Arc::new(move |request: Request| {
            let (chain, gate) = (chain.clone(), Arc::clone(&way));
            Box::pin(async move {
                let (provider, path) = request.url.split_at(1);
                if path.ends_with(gated) && gate.closed.swap(false, Ordering::SeqCst) {
                    gate.reached.notify_one();
                    gate.opened.notified().await;
                }
                let answer = chain.request(provider.parse().unwrap(), path, request.body.as_bytes());
                Ok(Reply { status: answer.status, retry_after_seconds: None, body: answer.body.into_bytes() })
            })
        });
        let node = |n: usize| {
            let provider = Provider { name: format!("p{n}"), full_url: n.to_string(), solid_url: n.to_string(), api_key: None };
            Node::new(provider, transport.clone())
        };
        let pool = Pool::new((0..providers).map(node).collect(), quorum);
        let (keys, books) = (Keys::load(&dispatcher.config).unwrap(), books(app.engine.clone(), &dispatcher.config));
        let gateway = Gateway::new(Arc::clone(&dispatcher), pool, keys, books, None, false).unwrap();
        Self { dispatcher, gateway: Arc::new(gateway), gate }
    }

    /// Both clocks move on, so that the lease is free.
    pub(crate) fn outlast_the_lease(&self, app: &TestApp) {
        app.advance(LEASE);
        self.dispatcher.clock.advance(LEASE);
    }

    /// Goes round until the gate, and stays there.
    async fn get_stuck(&self) -> tokio::task::JoinHandle<()> {
        self.gate.closed.store(true, Ordering::SeqCst);
        let gateway = Arc::clone(&self.gateway);
        let stuck = tokio::spawn(async move { gateway.round().await });
        self.gate.reached.notified().await;
        stuck
    }

    async fn go_on(&self, stuck: tokio::task::JoinHandle<()>) {
        self.gate.opened.notify_one();
        stuck.await.unwrap();
    }
}

/// Transfers out of the hot wallet.
async fn debits(app: &TestApp) -> usize {
    let info = app.get("/sandbox").send().await.expect(200).json();
    let truth: Value = serde_json::from_str(&app.devnet().request(0, "/devnet/truth", b"").body).unwrap();
    truth["transfers"].as_array().unwrap().iter().filter(|moved| moved["from"] == info["hot_address"]).count()
}

/// What one gateway is stuck in while another one takes over and pays.
async fn overtaken(app: &TestApp, endpoint: &'static str, stored: bool) {
    let (bot, admin) = (app.rich_bot(100).await, admin_of(app, "root@example.com").await);
    let rival = Rival::of(app, 1, 1, endpoint).await;
    rival.outlast_the_lease(app);
    let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
    let stuck = rival.get_stuck().await;
    assert_eq!(status(app, &bot, &id).await, if stored { "sending" } else { "queued" }, "{endpoint}");
    app.gateway().round().await;
    assert_eq!(debits(app).await, 0, "another one holds the lease");
    rival.outlast_the_lease(app);
    app.gateway().round().await;
    rival.go_on(stuck).await;
    let attempts = order(app, &admin, "in_flight", &id).await.unwrap()["attempts"].clone();
    assert_eq!((attempts.as_array().unwrap().len(), &attempts[0]["sends"]), (1, &json!(1)), "{endpoint}: who was overtaken writes nothing");
    settle(app).await;
    settle(app).await;
    assert_eq!(status(app, &bot, &id).await, "completed", "{endpoint}");
    assert_eq!((debits(app).await, on_chain(app, OUTSIDE)), (1, 23_500_000), "{endpoint}");
    assert_eq!(order(app, &admin, "confirmed", &id).await.unwrap()["attempts"].as_array().unwrap().len(), 1, "{endpoint}");
}

on_both_engines! {
    async fn two_at_once_pay_everything_once(app, |config| {
        config.limits.withdraw = Limit::per_hour(1_000);
        config.withdrawals.daily_count = 1_000;
    }) {
        const PAYOUTS: usize = 12;
        let (bot, admin) = (app.rich_bot(1_000).await, admin_of(app, "root@example.com").await);
        let rival = Rival::of(app, 1, 1, "nowhere").await;
        let mut ids = Vec::new();
        for turn in 0..PAYOUTS {
            ids.push(let_out(app, &bot, &admin, &format!("w{turn}"), "20", OUTSIDE).await);
            rival.outlast_the_lease(app);
            for _ in 0..2 {
                // Whoever comes first has the lease for this turn.
                if turn % 2 == 0 {
                    tokio::join!(rival.gateway.round(), app.gateway().round());
                } else {
                    tokio::join!(app.gateway().round(), rival.gateway.round());
                }
                chain(app, "mine", &json!({ "blocks": 1 }));
            }
        }
        rival.outlast_the_lease(app);
        settle(app).await;
        settle(app).await;
        for id in ids {
            assert_eq!(status(app, &bot, &id).await, "completed");
        }
        assert_eq!((debits(app).await, on_chain(app, OUTSIDE)), (PAYOUTS, 18_500_000 * i64::try_from(PAYOUTS).unwrap()));
        assert_eq!(frozen(&gateway(app, &admin).await), [""; 0]);
    }

    async fn one_that_was_overtaken_before_it_signed_stores_nothing(app) {
        overtaken(app, "/wallet/triggerconstantcontract", false).await;
    }

    async fn one_that_was_overtaken_before_it_sent_sends_the_same_bytes(app) {
        overtaken(app, "/broadcasthex", true).await;
    }

    async fn providers_that_disagree_while_blocks_are_fetched_stop_payouts(app) {
        let (bot, admin) = (app.rich_bot(100).await, admin_of(app, "root@example.com").await);
        let rival = Rival::of(app, 2, 2, "nowhere").await;
        rival.outlast_the_lease(app);
        let id = let_out(app, &bot, &admin, "w1", "25", OUTSIDE).await;
        chain(app, "faucet", &json!({ "address": crate::address_of(app, &bot).await, "usdt": "50" }));
        chain(app, "mine", &json!({ "blocks": 30 }));
        chain(app, "faults", &json!({ "rules": [{ "kind": "other_id", "provider": 1, "endpoint": "getblockbynum" }] }));
        rival.gateway.round().await;
        assert_eq!(frozen(&gateway(app, &admin).await), ["disagreement"]);
        assert_eq!((status(app, &bot, &id).await, available(app, &bot).await), ("queued".to_owned(), json!(75.0)), "nothing is believed");
        chain(app, "faults", &json!({ "rules": [] }));
        for _ in 0..3 {
            rival.outlast_the_lease(app);
            rival.gateway.round().await;
            chain(app, "mine", &json!({ "blocks": 3 }));
        }
        assert_eq!(frozen(&gateway(app, &admin).await), ["disagreement"], "it does not lift by itself");
        assert_eq!((status(app, &bot, &id).await, available(app, &bot).await), ("queued".to_owned(), json!(125.0)), "deposits go on");
        let lift = json!({ "freeze": "disagreement", "reason": "one of them was mended" });
        drop(app.post("/api/v1/admin/gateway/unfreeze").key(&admin).json(&lift).send().await.expect(200));
        rival.outlast_the_lease(app);
        settle(app).await;
        settle(app).await;
        assert_eq!(status(app, &bot, &id).await, "completed");
    }
}
