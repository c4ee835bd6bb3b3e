//! Whatever comes in that is not right gets one clear error, and changes nothing.

use roborent::on_both_engines;
use roborent::testing::Answered;

fn problem(answer: &Answered, status: u16, code: &str) {
    let body = String::from_utf8_lossy(&answer.body).chars().take(300).collect::<String>();
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{body}");
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    for member in ["type", "title", "detail", "hint", "request_id"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {body}");
    }
    assert_eq!(problem["status"], status);
    assert_eq!(answer.header("x-request-id"), problem["request_id"].as_str());
}

on_both_engines! {
    async fn bodies_that_are_not_right_are_refused(app, |config| config.limits.register = "1000/h".parse().unwrap()) {
        let deep = format!("{{\"agent_name\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let long = format!("{{\"agent_name\":\"{}\"}}", "x".repeat(65));
        let cases: Vec<(&[u8], u16, &str)> = vec![
            (b"{", 400, "invalid_json"),
            (b"[]", 400, "invalid_json"),
            (b"\"text\"", 400, "invalid_json"),
            (b"agent_name=MyBot", 400, "invalid_json"),
            (b"\xff\xfe", 400, "invalid_json"),
            (b"{\"agent_name\":\"a\"} trailing", 400, "invalid_json"),
            (b"{\"agent_name\":NaN}", 400, "invalid_json"),
            (b"{\"agent_name\":\"\\ud800\"}", 400, "invalid_json"),
            (b"{\"agent_name\":1e999}", 400, "invalid_json"),
            (deep.as_bytes(), 400, "invalid_json"),
            (b"{\"agent_name\":\"a\",\"agent_name\":\"b\"}", 400, "field_twice"),
            (b"{\"agent_name\":1}", 422, "invalid_field"),
            (b"{\"agent_name\":123456789012345678901234567890}", 422, "invalid_field"),
            (b"{\"agent_name\":[]}", 422, "invalid_field"),
            (b"{\"agent_name\":\"\"}", 422, "invalid_field"),
            (b"{\"agent_name\":\"   \"}", 422, "invalid_field"),
            (b"{\"agent_name\":\"a\\u0000b\"}", 422, "invalid_field"),
            (b"{\"agent_name\":\"a\\nb\"}", 422, "invalid_field"),
            (long.as_bytes(), 422, "invalid_field"),
            (b"{\"is_admin\":true}", 422, "unknown_field"),
            (b"{\"is_bot\":false}", 422, "unknown_field"),
            (b"{\"balance\":1000}", 422, "unknown_field"),
            (b"{\"user_id\":\"00000000-0000-7000-8000-000000000001\"}", 422, "unknown_field"),
        ];
        for (body, status, code) in cases {
            problem(&app.post("/api/v1/agent/register").body(body).send().await, status, code);
        }
        drop(app.post("/api/v1/agent/register").body("{\"agent_name\":null}").send().await.expect(201));
    }

    async fn unknown_paths_and_methods_are_problems(app) {
        problem(&app.get("/api/v1/nothing").send().await, 404, "not_found");
        problem(&app.get("/api").header("accept", "text/html").send().await, 404, "not_found");
        problem(&app.get("/auth/v1/nothing").header("accept", "text/html").send().await, 404, "not_found");
        problem(&app.get("/nothing").send().await, 404, "not_found");
        let page = app.get("/nothing").header("accept", "text/html,*/*").send().await.expect(404);
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        let wrong = app.get("/api/v1/agent/register").send().await;
        problem(&wrong, 405, "method_not_allowed");
        assert_eq!(wrong.header("allow"), Some("POST"));
        problem(&app.ask("TRACE", "/api/v1/agent/balance").send().await, 405, "method_not_allowed");
        problem(&app.ask("DELETE", "/healthz").send().await, 405, "method_not_allowed");
        problem(&app.get("/auth/v1/token").send().await, 405, "method_not_allowed");
        problem(&app.get("/api/v1/users/%ff%fe").send().await, 404, "not_found");
    }

    async fn a_body_over_the_limit_is_refused_before_it_is_read(app) {
        problem(&app.post("/api/v1/agent/register").body(vec![b' '; 256 * 1024 + 1]).send().await, 413, "body_too_large");
        problem(&app.post("/api/v1/agent/register").header("content-length", "999999999999").send().await, 413, "body_too_large");
        drop(app.post("/api/v1/agent/register").body(vec![b' '; 256 * 1024]).send().await.expect(201));
    }

    async fn amounts_are_exact_or_refused(app, |config| config.chain.deposit_min = roborent::base::Usdt::from_micro(1)) {
        let bot = app.bot().await;
        for amount in ["-1", "0", "0.0000001", "1e-7", "1e308", "1e400", "9223372036854775807", "1000001", "25.0000000000000001", "\"25.0000000000000001\"", "-0", "99999999999999999999", "12345678901234567890", "0.1000000000000000055511151231257827", "1e-400", "\"1,5\"", "\"NaN\"", "true", "null", "[]", "\"\"", "\" 5\""] {
            let answer = app.post("/sandbox/faucet").body(format!("{{\"user_id\":\"{}\",\"usdt\":{amount}}}", bot.user_id)).send().await;
            assert!(matches!((answer.status, answer.code().as_str()), (422, "invalid_field") | (400, "invalid_json")), "{amount}: {}", answer.code());
        }
        for (amount, balance) in [("1e-6", 0.000_001), ("\"0.1\"", 0.100_001), ("0.2", 0.300_001), ("1e1", 10.300_001), ("1.0000000000000000000000", 11.300_001)] {
            drop(app.post("/sandbox/faucet").body(format!("{{\"user_id\":\"{}\",\"usdt\":{amount}}}", bot.user_id)).send().await.expect(200));
            assert_eq!(app.get("/api/v1/finance/balance").key(&bot).send().await.json()["available_balance"], balance, "{amount}");
        }
    }

    async fn a_number_that_would_be_rounded_is_refused_by_its_field(app) {
        let bot = app.bot().await;
        let change = |number: &str| app.ask("PATCH", "/api/v1/agent/profile").key(&bot).body(format!("{{\"max_hourly_spend_usd\":{number}}}"));
        for number in ["25.0000000000000001", "99999999999999999999", "1e-7", "-0"] {
            let answer = change(number).send().await;
            problem(&answer, 422, "invalid_field");
            assert!(answer.json()["detail"].as_str().unwrap().contains("max_hourly_spend_usd"), "{number}");
        }
        for (number, kept) in [("0.1", 0.1), ("1e-6", 0.000_001), ("999999999.999999", 999_999_999.999_999), ("2500000000000e-11", 25.0)] {
            assert_eq!(change(number).send().await.expect(200).json()["max_hourly_spend_usd"], kept, "{number}");
        }
        for number in ["99999999999999999999", "1e1", "1.0", "-0", "1e400", "10.0000000000000000001"] {
            problem(&app.get(&format!("/api/v1/finance/transactions?limit={number}")).key(&bot).send().await, 422, "invalid_field");
        }
    }

    async fn a_field_is_given_once_and_in_one_place(app) {
        let bot = app.bot().await;
        let path = "/api/v1/agent/keys/00000000-0000-7000-8000-0000000000ff/rotate";
        problem(&app.post(path).key(&bot).body(format!("{{\"key_id\":\"{}\"}}", bot.user_id)).send().await, 400, "field_twice");
        problem(&app.get("/api/v1/finance/transactions?limit=1&limit=2").key(&bot).send().await, 400, "field_twice");
        problem(&app.get("/api/v1/finance/transactions?limit=ten").key(&bot).send().await, 422, "invalid_field");
        problem(&app.get("/api/v1/finance/transactions?limit=0").key(&bot).send().await, 422, "invalid_field");
        problem(&app.get("/api/v1/finance/transactions?limit=201").key(&bot).send().await, 422, "invalid_field");
        problem(&app.get("/api/v1/finance/transactions?from=yesterday").key(&bot).send().await, 422, "invalid_field");
        problem(&app.get("/api/v1/finance/transactions?offset=10").key(&bot).send().await, 422, "unknown_field");
        problem(&app.get("/api/v1/finance/transactions?cursor=%00").key(&bot).send().await, 422, "invalid_field");
        problem(&app.post("/api/v1/agent/keys/not-an-id/rotate").key(&bot).send().await, 422, "invalid_field");
        problem(&app.get(&format!("/api/v1/agent/balance?api_key={}", bot.key)).send().await, 401, "authentication_required");
        problem(&app.get("/api/v1/finance/transactions?limit=0").send().await, 401, "authentication_required");
    }

    async fn any_text_that_is_stored_comes_back_as_it_was(app, |config| config.limits.register = "1000/h".parse().unwrap()) {
        for name in ["\u{202e}gnp.exe", "<script>alert(1)</script>", "'; drop table users; --", "e\u{301}", "\u{e9}", "👩‍👩‍👧", "𝕏", "=cmd|' /C calc'!A0", "%00", "{{7*7}}"] {
            let answer = app.post("/api/v1/agent/register").json(&serde_json::json!({ "agent_name": name })).send().await.expect(201).json();
            assert_eq!(answer["agent_name"], name);
            let seen = app.get(&format!("/api/v1/users/{}", answer["user_id"].as_str().unwrap())).send().await.expect(200).json();
            assert_eq!(seen["name"], name);
        }
    }

    async fn other_sites_may_call_but_get_no_cookies(app) {
        let preflight = app.ask("OPTIONS", "/api/v1/agent/balance").header("origin", "https://elsewhere.example").header("access-control-request-method", "GET").header("access-control-request-headers", "x-api-key").send().await.expect(200);
        assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
        assert_eq!(preflight.header("access-control-allow-credentials"), None);
        let answer = app.post("/api/v1/agent/register").header("origin", "https://elsewhere.example").send().await.expect(201);
        assert!(answer.header("access-control-expose-headers").unwrap().contains("idempotency-replayed"));
        assert_eq!(answer.header("set-cookie"), None);
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}
