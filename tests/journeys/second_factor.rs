//! Money leaves, keys are made and factors change only where a second factor was shown lately, over every door.

use roborent::base::Span;
use roborent::on_both_engines;
use roborent::testing::{Answered, Bot, TestApp};
use roborent::users::people::factors::code_of;
use serde_json::{Value, json};

use crate::site::{PASSWORD, base32, cookie_of, join, page, post};

pub const EMAIL: &str = "ann@example.com";

/// Where a form is sent to, its fields, and the page that it stands on.
type Sent<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

/// A person with money, a session and a key of hers.
pub struct Person {
    pub token: String,
    cookie: String,
    key: Bot,
}

pub async fn person(app: &TestApp) -> Person {
    let cookie = join(app, EMAIL).await;
    let signed_in = app.sign_in(EMAIL, PASSWORD).await.expect(200).json();
    let token = text(&signed_in["access_token"]);
    let user_id = roborent::base::UserId(text(&signed_in["user"]["id"]).parse().unwrap());
    let key = app.post("/api/v1/agent/keys").bearer(&token).json(&json!({})).send().await.expect(201).json();
    app.pour(user_id, 500).await;
    Person { token, cookie, key: Bot { user_id, key: text(&key["api_key"]) } }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

async fn ask(app: &TestApp, token: &str, path: &str, body: Value) -> Answered {
    app.post(&format!("/auth/v1/factors{path}")).bearer(token).json(&body).send().await
}

/// Shows a fresh code; answers the token of the session afterwards.
pub async fn show(app: &TestApp, token: &str, (factor, secret): &(String, Vec<u8>)) -> String {
    let challenge = ask(app, token, &format!("/{factor}/challenge"), json!({})).await.expect(200).json();
    let code = code_of(secret, app.now().as_seconds() / 30);
    let shown = ask(app, token, &format!("/{factor}/verify"), json!({ "challenge_id": challenge["id"], "code": code })).await;
    text(&shown.expect(200).json()["access_token"])
}

pub async fn enroll(app: &TestApp, token: &str) -> (String, Vec<u8>) {
    let made = ask(app, token, "", json!({ "factor_type": "totp", "friendly_name": "phone" })).await.expect(200).json();
    (text(&made["id"]), base32(&text(&made["totp"]["secret"])))
}

/// Signs in on the site with a code; answers the cookie.
async fn enter(app: &TestApp, (_, secret): &(String, Vec<u8>)) -> String {
    let half = cookie_of(&post(app, "/login", "", &[("email", EMAIL), ("password", PASSWORD)]).await.expect(303));
    step_up(app, "/login/2fa", &half, secret).await
}

/// Types a fresh code into a page that asks for one; answers the cookie afterwards.
async fn step_up(app: &TestApp, path: &str, cookie: &str, secret: &[u8]) -> String {
    let code = code_of(secret, app.now().as_seconds() / 30);
    cookie_of(&post(app, path, cookie, &[("code", &code)]).await.expect(303))
}

fn order(n: u32) -> Value {
    json!({ "amount": 25, "address": "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH", "idempotency_key": format!("order-number-{n}") })
}

/// A withdrawal over REST and over MCP, with a token or a key; both are answered alike.
async fn withdraw(app: &TestApp, header: (&str, &str), n: &mut u32) -> Result<(), String> {
    *n += 2;
    let mut body = order(*n);
    let key = text(&body.as_object_mut().unwrap().remove("idempotency_key").unwrap());
    let over_rest =
        app.post("/api/v1/finance/withdraw").header(header.0, header.1).header("idempotency-key", &key).json(&body).send().await;
    let call =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "create_withdrawal", "arguments": order(*n + 1) } });
    let over_mcp = app.post("/api/v1/mcp").header(header.0, header.1).json(&call).send().await.expect(200).json();
    if over_rest.status == 201 {
        assert_eq!(over_mcp["result"]["isError"], json!(false), "{over_mcp}");
        return Ok(());
    }
    assert_eq!((over_rest.status, &over_mcp["result"]["isError"]), (403, &json!(true)), "{over_mcp}");
    let words = text(&over_mcp["result"]["content"][0]["text"]);
    assert!(words.contains(&over_rest.code()), "{words}");
    assert!(words.contains("/auth/v1/factors"), "it says what to do: {words}");
    Err(over_rest.code())
}

on_both_engines! {
    async fn a_session_withdraws_when_its_second_factor_was_shown_lately(app, |config| {
        config.limits.sign_in = "1000/min".parse().unwrap();
        config.limits.withdraw = "1000/h".parse().unwrap();
    }) {
        let Person { token, key, .. } = person(app).await;
        let bearer = |token: &str| format!("Bearer {token}");
        let mut n = 0;
        let required = Err("second_factor_required".to_owned());
        assert_eq!(withdraw(app, ("authorization", &bearer(&token)), &mut n).await, Ok(()), "nobody has a factor yet");
        let factor = enroll(app, &token).await;
        assert_eq!(withdraw(app, ("authorization", &bearer(&token)), &mut n).await, Ok(()), "one that was never right does not count");
        let raised = show(app, &token, &factor).await;
        assert_eq!(withdraw(app, ("authorization", &bearer(&raised)), &mut n).await, Ok(()));
        // The session of a stolen password has shown nothing.
        let stolen = text(&app.sign_in(EMAIL, PASSWORD).await.expect(200).json()["access_token"]);
        assert_eq!(withdraw(app, ("authorization", &bearer(&stolen)), &mut n).await, required);
        app.advance(Span::minutes(15));
        assert_eq!(withdraw(app, ("authorization", &bearer(&raised)), &mut n).await, required, "15 minutes later it is not fresh");
        let again = show(app, &raised, &factor).await;
        assert_eq!(withdraw(app, ("authorization", &bearer(&again)), &mut n).await, Ok(()));
        // A key carries none: its owner decides.
        assert_eq!(withdraw(app, ("x-api-key", &key.key), &mut n).await, Ok(()));
    }

    async fn keys_and_factors_change_with_a_fresh_code_only(app, |config| config.limits.sign_in = "1000/min".parse().unwrap()) {
        let Person { token, key, .. } = person(app).await;
        let factor = enroll(app, &token).await;
        let raised = show(app, &token, &factor).await;
        let keys = app.get("/api/v1/agent/keys").bearer(&raised).send().await.expect(200).json();
        let rotate = format!("/api/v1/agent/keys/{}/rotate", text(&keys["items"][0]["key_id"]));
        app.advance(Span::minutes(15));
        for path in ["/api/v1/agent/keys", &rotate] {
            let refused = app.post(path).bearer(&raised).json(&json!({})).send().await.expect(403);
            assert_eq!(refused.code(), "second_factor_required", "{path}");
        }
        let another = ask(app, &raised, "", json!({ "factor_type": "totp", "friendly_name": "theirs" })).await.expect(403);
        assert_eq!(another.header("x-sb-error-code"), Some("insufficient_aal"));
        let remove = || app.ask("DELETE", &format!("/auth/v1/factors/{}", factor.0)).bearer(&raised).send();
        assert_eq!(remove().await.expect(422).header("x-sb-error-code"), Some("insufficient_aal"));
        let change = json!({ "email": "thief@example.com", "current_password": PASSWORD });
        let change = app.ask("PUT", "/auth/v1/user").bearer(&raised).json(&change).send().await.expect(401);
        assert_eq!(change.header("x-sb-error-code"), Some("insufficient_aal"));
        // Ends of keys are never kept from anybody, and a key manages keys as before.
        drop(app.post("/api/v1/agent/keys").key(&key).json(&json!({})).send().await.expect(201));
        let fresh = show(app, &raised, &factor).await;
        drop(app.post("/api/v1/agent/keys").bearer(&fresh).json(&json!({})).send().await.expect(201));
        drop(app.ask("DELETE", &format!("/auth/v1/factors/{}", factor.0)).bearer(&fresh).send().await.expect(200));
    }

    async fn no_door_is_needed_to_refuse_a_change_without_a_code(app, |config| config.limits.sign_in = "1000/min".parse().unwrap()) {
        use roborent::users::people::account::{self, Change};
        use roborent::users::second_factor::lock_keys;
        let Person { token, key, .. } = person(app).await;
        let factor = enroll(app, &token).await;
        drop(show(app, &token, &factor).await);
        let me = key.user_id;
        let session = app.app.dispatcher.look(move |cx| roborent::users::session::open_sessions(cx, me)).await.unwrap()[0].id;
        let changes = [
            Change { email: Some("new@example.com".into()), ..Change::default() },
            Change { password: Some(("a hash".into(), 1)), ..Change::default() },
            Change { metadata: Some(serde_json::Map::new()), ..Change::default() },
        ];
        for (minutes, refused) in [(15, true), (0, false)] {
            app.advance(Span::minutes(minutes));
            if !refused {
                drop(show(app, &token, &factor).await);
            }
            for change in changes.clone() {
                let needs_code = change.metadata.is_none();
                let done = app.app.dispatcher.system(move |cx| account::change(cx, session, &change)).await;
                let code = done.err().map(|error| error.code());
                assert_eq!(code == Some("second_factor_required"), refused && needs_code, "{code:?}");
            }
            for locked in [true, false] {
                let done = app.app.dispatcher.system(move |cx| lock_keys(cx, session, locked)).await;
                assert_eq!(done.err().map(|error| error.code()), (refused && !locked).then_some("second_factor_required"));
            }
        }
    }

    async fn the_site_asks_for_a_code_and_leads_back_to_the_form(app, |config| {
        config.limits.sign_in = "1000/min".parse().unwrap();
        config.limits.sign_in_failure = "1000/h".parse().unwrap();
    }) {
        let Person { token, .. } = person(app).await;
        let factor = enroll(app, &token).await;
        let raised = show(app, &token, &factor).await;
        let keys = app.get("/api/v1/agent/keys").bearer(&raised).send().await.expect(200).json();
        let rotate = format!("/keys/{}/rotate", text(&keys["items"][0]["key_id"]));
        let remove = format!("/profile/second-factor/{}/remove", factor.0);
        app.advance(Span::seconds(30));
        let cookie = enter(app, &factor).await;
        app.advance(Span::minutes(15));
        let changed = [("current_password", PASSWORD), ("password", "another horse battery")];
        let moved = [("email", "new@example.com"), ("password_for_email", PASSWORD)];
        let forms: [Sent<'_>; 7] = [
            ("/profile/email", &moved, "/profile"),
            ("/profile/password", &changed, "/profile"),
            ("/profile/second-factor/keys", &[("locked", "no")], "/profile/second-factor"),
            ("/profile/second-factor", &[("name", "theirs")], "/profile/second-factor"),
            ("/keys", &[("name", "theirs"), ("scopes", "read")], "/keys"),
            (&rotate, &[], &rotate),
            (&remove, &[], "/profile/second-factor"),
        ];
        for (path, fields, back) in forms {
            let asked = post(app, path, &cookie, fields).await.expect(303);
            let back = back.replace('/', "%2F");
            assert_eq!(asked.header("location"), Some(format!("/step-up?next={back}").as_str()), "{path}");
        }
        drop(post(app, "/profile/second-factor/keys", &cookie, &[("locked", "yes")]).await.expect(303));
        // The form opens again where the code leads back to, and nothing of all that has happened.
        let fresh = step_up(app, "/step-up", &cookie, &factor.1).await;
        for (path, fields, back) in forms {
            assert_eq!(page(app, back, &fresh).await.status, 200, "{back}");
            let done = post(app, path, &fresh, fields).await;
            assert!(matches!(done.status, 200 | 303), "{path}: {}", done.status);
            assert!(!done.header("location").unwrap_or_default().starts_with("/step-up"), "{path}");
        }
        assert_eq!(app.sign_in(EMAIL, "another horse battery").await.status, 200);
    }

    async fn what_an_admin_decides_about_money_needs_a_fresh_code_over_every_door(app, |config| {
        config.limits.sign_in = "1000/min".parse().unwrap();
    }) {
        let token = app.admin(EMAIL).await;
        let factor = enroll(app, &token).await;
        let raised = show(app, &token, &factor).await;
        let made = app.post("/api/v1/agent/keys").bearer(&raised).json(&json!({})).send().await.expect(201).json();
        let key = text(&made["api_key"]);
        app.advance(Span::minutes(15));
        let id = "00000000-0000-7000-8000-000000000001";
        let why = json!({ "reason": "A reason that is long enough." });
        let with = |name: &str, value: &str| {
            let mut body = why.clone();
            body[name] = value.into();
            body
        };
        let mut float = with("address", "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH");
        float["amount"] = 1.into();
        let decisions = [
            ("admin_approve_withdrawal", why.clone()),
            ("admin_reject_withdrawal", why.clone()),
            ("admin_decide_dispute", with("decision", "pay")),
            ("admin_freeze_payouts", why.clone()),
            ("admin_unfreeze_payouts", with("freeze", "operator")),
            ("admin_retry_order", why.clone()),
            ("admin_refund_order", why.clone()),
            ("admin_confirm_order", with("txid", &"a".repeat(64))),
            ("admin_float_out", float),
        ];
        for (name, body) in decisions {
            let Some(operation) = app.app.operations.iter().find(|one| one.name == name) else {
                assert!(app.app.gateway.is_none(), "{name}");
                continue;
            };
            let path = operation.routes[0].1.split('/').map(|part| if part.starts_with('{') { id } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            let refused = app.post(&path).bearer(&raised).json(&body).send().await.expect(403);
            assert_eq!(refused.code(), "second_factor_required", "{name}");
            let by_key = app.post(&path).header("x-api-key", &key).json(&body).send().await;
            assert_ne!(by_key.status, 403, "{name}");
        }
    }

    async fn an_owner_keeps_keys_from_withdrawing(app) {
        let Person { token, cookie, key } = person(app).await;
        let mut n = 0;
        drop(post(app, "/profile/second-factor/keys", &cookie, &[("locked", "yes")]).await.expect(303));
        assert_eq!(withdraw(app, ("x-api-key", &key.key), &mut n).await, Err("second_factor_required".into()));
        assert_eq!(withdraw(app, ("authorization", &format!("Bearer {token}")), &mut n).await, Ok(()), "a session is not a key");
        let html = String::from_utf8(page(app, "/profile/second-factor", &cookie).await.expect(200).body).unwrap();
        assert!(html.contains("Let keys withdraw again"));
        // The key cannot undo it.
        let factor = enroll(app, &token).await;
        drop(show(app, &token, &factor).await);
        let asked = post(app, "/profile/second-factor/keys", &cookie, &[("locked", "no")]).await.expect(303);
        assert!(asked.header("location").unwrap().starts_with("/login"), "the weaker session has ended: {asked:?}");
        assert_eq!(withdraw(app, ("x-api-key", &key.key), &mut n).await, Err("second_factor_required".into()));
    }

    async fn where_people_need_one_nobody_withdraws_without(app, |config| {
        config.withdrawals.require_2fa = true;
        config.limits.sign_in = "1000/min".parse().unwrap();
    }) {
        let Person { token, key, .. } = person(app).await;
        let bot = app.rich_bot(100).await;
        let mut n = 0;
        for header in [("authorization", format!("Bearer {token}")), ("x-api-key", key.key.clone())] {
            assert_eq!(withdraw(app, (header.0, &header.1), &mut n).await, Err("second_factor_required".into()));
        }
        assert_eq!(withdraw(app, ("x-api-key", &bot.key), &mut n).await, Ok(()), "bots are not people");
        let factor = enroll(app, &token).await;
        let raised = show(app, &token, &factor).await;
        assert_eq!(withdraw(app, ("authorization", &format!("Bearer {raised}")), &mut n).await, Ok(()));
    }

    async fn wrong_codes_are_counted_for_the_user_over_every_door(app, |config| {
        config.limits.sign_in = "1000/min".parse().unwrap();
        config.limits.second_factor_failure = "6/h".parse().unwrap();
    }) {
        let Person { token, .. } = person(app).await;
        let factor = enroll(app, &token).await;
        let raised = show(app, &token, &factor).await;
        app.advance(Span::seconds(30));
        let half = cookie_of(&post(app, "/login", "", &[("email", EMAIL), ("password", PASSWORD)]).await.expect(303));
        let guess = async |token: &str| {
            let challenge = ask(app, token, &format!("/{}/challenge", factor.0), json!({})).await.expect(200).json();
            ask(app, token, &format!("/{}/verify", factor.0), json!({ "challenge_id": challenge["id"], "code": "x" })).await.status
        };
        for _ in 0..2 {
            assert_eq!(guess(&raised).await, 422);
            for wrong in ["000000", "ABCDEFGHJK"] {
                assert_eq!(post(app, "/login/2fa", &half, &[("code", wrong)]).await.status, 422, "{wrong}");
            }
        }
        assert_eq!(guess(&raised).await, 429);
        let code = code_of(&factor.1, app.now().as_seconds() / 30);
        assert_eq!(post(app, "/login/2fa", &half, &[("code", &code)]).await.status, 429, "a right one, too");
        app.advance(Span::hours(1));
        // What is right costs nothing.
        let mut whole = text(&app.sign_in(EMAIL, PASSWORD).await.expect(200).json()["access_token"]);
        for _ in 0..8 {
            app.advance(Span::seconds(30));
            whole = show(app, &whole, &factor).await;
        }
        assert_eq!(guess(&whole).await, 422);
    }
}
