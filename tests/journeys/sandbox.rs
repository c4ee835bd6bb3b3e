//! The sandbox: a clock that moves, play money, and nobody from outside.

use roborent::base::config::Network;
use roborent::base::installation;
use roborent::on_both_engines;
use roborent::testing::{Engine, TestApp};
use serde_json::json;

use crate::profiles::join;

on_both_engines! {
    async fn the_clock_moves_and_what_is_due_has_run(app) {
        let bot = app.rich_bot(2).await;
        let before = app.now();
        let answer = app.post("/sandbox/clock").json(&json!({ "advance_seconds": 3600 })).send().await.expect(200).json();
        assert_eq!(answer["now"], json!(before.plus(roborent::base::Span::hours(1))));
        let list = app.get("/api/v1/agent/keys").key(&bot).send().await.expect(200).json();
        assert!(list["items"][0]["last_used_at"].is_null());
        assert!(app.audit().await.to_string().contains("M4"), "the books were sealed");
        for wrong in ["{}", "{\"advance_seconds\":-1}", "{\"advance_seconds\":1e300}", "{\"advance_seconds\":\"1\"}", "{\"advance_seconds\":1,\"x\":1}"] {
            drop(app.post("/sandbox/clock").body(wrong).send().await.expect(422));
        }
    }

    async fn moves_at_once_follow_one_another(app) {
        let before = app.app.dispatcher.clock.ahead();
        let moves = join((0..20).map(|n| app.post("/sandbox/clock").json(&json!({ "advance_seconds": n })).send())).await;
        assert!(moves.iter().all(|answer| answer.status == 200));
        let after = app.app.dispatcher.clock.ahead();
        assert_eq!(after.as_milliseconds() - before.as_milliseconds(), 190_000);
        assert_eq!(app.app.dispatcher.look(installation::clock_ahead).await.unwrap(), after, "the next start finds the same time");
    }

    async fn other_machines_are_kept_out(app, |config| {
        config.server.listen = "0.0.0.0:8080".parse().unwrap();
        config.server.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    }) {
        let bot = app.bot().await;
        let body = json!({ "user_id": bot.user_id, "usdt": 1 });
        let clock = || app.post("/sandbox/clock").body("{\"advance_seconds\":1}");
        let faucet = || app.post("/sandbox/faucet").json(&body);
        for ask in [clock(), faucet(), app.get("/sandbox")] {
            assert_eq!(ask.from([172, 17, 0, 1]).send().await.expect(403).code(), "sandbox_is_local");
        }
        for ask in [clock(), faucet(), app.get("/sandbox")] {
            assert_eq!(ask.header("x-forwarded-for", "9.9.9.9").send().await.expect(403).code(), "sandbox_is_local", "behind a proxy");
        }
        for ask in [clock(), faucet(), app.get("/sandbox")] {
            drop(ask.header("x-forwarded-for", "127.0.0.1").send().await.expect(200));
        }
    }

    async fn a_setting_lets_other_machines_in(app, |config| {
        config.server.listen = "0.0.0.0:8080".parse().unwrap();
        config.server.sandbox_for_other_machines = true;
    }) {
        drop(app.get("/sandbox").from([172, 17, 0, 1]).send().await.expect(200));
        drop(app.ask_without_host("GET", "/sandbox").header("host", "evil.example").from([172, 17, 0, 1]).send().await.expect(403));
    }

    async fn the_setting_alone_lets_nobody_in(app, |config| config.server.sandbox_for_other_machines = true) {
        drop(app.get("/sandbox").from([172, 17, 0, 1]).send().await.expect(403));
    }

    async fn other_hosts_and_origins_are_kept_out(app) {
        let bot = app.bot().await;
        let body = json!({ "user_id": bot.user_id, "usdt": 1 });
        for (name, value) in [("host", "evil.example"), ("origin", "https://evil.example"), ("origin", "null"), ("host", "127.0.0.1.evil.example:8080")] {
            let clock = app.ask_without_host("POST", "/sandbox/clock").header(name, value).body("{\"advance_seconds\":1}").send().await;
            assert_eq!((clock.status, clock.code().as_str()), (403, "sandbox_is_local"), "{name}: {value}");
            let faucet = app.ask_without_host("POST", "/sandbox/faucet").header(name, value).json(&body).send().await;
            assert_eq!((faucet.status, faucet.code().as_str()), (403, "sandbox_is_local"), "{name}: {value}");
            drop(app.ask_without_host("GET", "/sandbox").header(name, value).send().await.expect(403));
        }
        let named_in_the_line = app.ask_without_host("POST", "http://evil.example/sandbox/clock").header("host", "127.0.0.1").body("{\"advance_seconds\":1}").send().await;
        assert_eq!(named_in_the_line.code(), "sandbox_is_local", "HTTP/2 names the host in the request line");
        drop(app.ask_without_host("POST", "/sandbox/clock").body("{\"advance_seconds\":1}").send().await.expect(403));
        for host in ["localhost:8080", "[::1]:8080", "127.0.0.1"] {
            drop(app.ask_without_host("POST", "/sandbox/faucet").header("host", host).header("origin", "http://localhost:3000").json(&body).send().await.expect(200));
        }
    }

    async fn the_faucet_refuses_nobody_and_nothing(app) {
        let nobody = json!({ "user_id": "00000000-0000-7000-8000-0000000000ff", "usdt": 1 });
        assert_eq!(app.post("/sandbox/faucet").json(&nobody).send().await.expect(404).code(), "not_found");
        assert_eq!(app.post("/sandbox/faucet").send().await.expect(422).code(), "invalid_field");
    }
}

#[tokio::test]
async fn on_a_real_network_there_is_no_sandbox() {
    let app = TestApp::start_with(Engine::Sqlite, |config| config.installation.network = Network::Nile).await.unwrap();
    for path in ["/sandbox/clock", "/sandbox/faucet", "/sandbox"] {
        assert_eq!(app.post(path).send().await.expect(404).code(), "not_found");
    }
    let key = app.post("/api/v1/agent/register").send().await.expect(201).json()["api_key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("rr_live_"));
    drop(app.get("/api/v1/agent/balance").bearer(&key).send().await.expect(200));
    app.finish().await;
}
