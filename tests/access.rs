//! Who may call what: walks the table of operations, so that a new one is covered the moment it exists.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::sync::Arc;

use roborent::base::context::Scope;
use roborent::base::operation::{Access, Effect, Method, Operation};
use roborent::on_both_engines;
use roborent::testing::{Answered, Ask, Bot, TestApp};
use serde_json::json;

const NOBODY: &str = "00000000-0000-7000-8000-0000000000ff";

/// A call that is well-formed as far as the table tells: ids that nothing has, the example as body.
fn ask<'t>(app: &'t TestApp, operation: &Operation) -> Ask<'t> {
    let (method, path) = operation.routes[0];
    let path: Vec<&str> = path.split('/').map(|part| if part.starts_with('{') { NOBODY } else { part }).collect();
    let ask = match method {
        Method::Get => app.get(&path.join("/")),
        Method::Post => app.post(&path.join("/")),
        Method::Patch => app.ask("PATCH", &path.join("/")),
        Method::Delete => app.ask("DELETE", &path.join("/")),
    };
    match &operation.example {
        Some(example) => ask.json(example),
        None => ask,
    }
}

fn guarded(app: &TestApp) -> Vec<Arc<Operation>> {
    let guarded: Vec<_> = app.app.operations.iter().filter(|o| !matches!(o.access, Access::Open | Access::Sandbox)).cloned().collect();
    assert!(guarded.len() >= 12);
    guarded
}

fn refused(answer: &Answered, operation: &Operation, status: u16, code: &str) {
    let body = String::from_utf8_lossy(&answer.body);
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}: {body}", operation.name);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{}", operation.name);
    assert!(answer.json()["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{}", operation.name);
}

async fn key_with(app: &TestApp, owner: &Bot, scopes: &[Scope]) -> Bot {
    let answer = app.post("/api/v1/agent/keys").key(owner).json(&json!({ "scopes": scopes })).send().await.expect(201).json();
    Bot { user_id: owner.user_id, key: answer["api_key"].as_str().unwrap().to_owned() }
}

on_both_engines! {
    async fn nobody_gets_past_a_guarded_operation(app) {
        let bot = app.bot().await;
        let other = app.bot().await;
        let token = app.admin("root@example.com").await;
        let mut mistyped = bot.clone();
        let last = mistyped.key.pop().unwrap();
        mistyped.key.push(if last == 'x' { 'y' } else { 'x' });
        for operation in guarded(app) {
            refused(&ask(app, &operation).send().await, &operation, 401, "authentication_required");
            refused(&ask(app, &operation).header("x-api-key", "garbage").send().await, &operation, 401, "invalid_api_key");
            refused(&ask(app, &operation).bearer("garbage").send().await, &operation, 401, "invalid_token");
            refused(&ask(app, &operation).header("authorization", "Basic Zm9vOmJhcg==").send().await, &operation, 401, "invalid_token");
            refused(&ask(app, &operation).key(&mistyped).send().await, &operation, 401, "invalid_api_key");
            refused(&ask(app, &operation).header("x-api-key", "rr_live_0123456789ABCDEFGHIJKLMNOPQRSTUV3V9Tmy").send().await, &operation, 401, "wrong_environment");
            refused(&ask(app, &operation).key(&bot).bearer(&token).send().await, &operation, 401, "ambiguous_credentials");
            refused(&ask(app, &operation).key(&bot).key(&bot).send().await, &operation, 401, "ambiguous_credentials");
            refused(&ask(app, &operation).key(&bot).bearer(&other.key).send().await, &operation, 401, "ambiguous_credentials");
            refused(&ask(app, &operation).bearer("rr_anon").send().await, &operation, 401, "authentication_required");
            refused(&ask(app, &operation).header("cookie", &format!("rr_session={}", bot.key)).send().await, &operation, 401, "authentication_required");
        }
    }

    async fn a_revoked_key_is_refused_everywhere(app) {
        let bot = app.bot().await;
        let second = key_with(app, &bot, &Scope::ALL).await;
        let keys = app.get("/api/v1/agent/keys").key(&bot).send().await.expect(200).json();
        let id = keys["items"].as_array().unwrap().iter().find(|k| k["key_prefix"] == second.key[..12]).unwrap()["key_id"].as_str().unwrap().to_owned();
        drop(app.ask("DELETE", &format!("/api/v1/agent/keys/{id}")).key(&bot).send().await.expect(200));
        for operation in guarded(app) {
            refused(&ask(app, &operation).key(&second).send().await, &operation, 401, "invalid_api_key");
        }
    }

    async fn a_key_does_only_what_its_scopes_say(app, |config| config.limits.read = "100000/min".parse().unwrap()) {
        let bot = app.bot().await;
        for lacking in Scope::ALL {
            let scopes: Vec<Scope> = Scope::ALL.into_iter().filter(|scope| *scope != lacking).collect();
            let key = key_with(app, &bot, &scopes).await;
            for operation in guarded(app) {
                let answer = ask(app, &operation).key(&key).send().await;
                match operation.access {
                    Access::User(scope) if scope == lacking => refused(&answer, &operation, 403, "scope_missing"),
                    Access::Keys => refused(&answer, &operation, 403, "scope_missing"),
                    Access::Admin => refused(&answer, &operation, 403, "admin_only"),
                    Access::User(_) | Access::Open | Access::Sandbox => assert_ne!(answer.code(), "scope_missing", "{}", operation.name),
                }
            }
        }
    }

    async fn only_admins_do_what_is_for_admins(app) {
        let bot = app.bot().await;
        let token = app.admin("root@example.com").await;
        for operation in guarded(app).into_iter().filter(|o| o.access == Access::Admin) {
            refused(&ask(app, &operation).key(&bot).send().await, &operation, 403, "admin_only");
            let answer = ask(app, &operation).bearer(&token).send().await;
            if operation.routes[0].1.contains('{') {
                refused(&answer, &operation, 404, "not_found");
            } else {
                assert_eq!(answer.status, operation.status, "{}", operation.name);
            }
        }
    }

    async fn a_suspended_user_reads_and_writes_nothing(app) {
        let bot = app.rich_bot(3).await;
        let token = app.admin("root@example.com").await;
        let path = format!("/api/v1/admin/users/{}/suspend", bot.user_id);
        drop(app.post(&path).bearer(&token).json(&json!({ "reason": "a test" })).send().await.expect(200));
        for operation in guarded(app) {
            let answer = ask(app, &operation).key(&bot).send().await;
            match (operation.access, operation.effect) {
                (Access::Admin, _) => refused(&answer, &operation, 403, "admin_only"),
                (_, Effect::Command) => refused(&answer, &operation, 403, "user_suspended"),
                (_, Effect::Query) => assert!(answer.status == 200 || answer.status == 404, "{}: {}", operation.name, answer.status),
            }
        }
        drop(app.post(&path.replace("suspend", "restore")).bearer(&token).json(&json!({ "reason": "it was a test" })).send().await.expect(200));
        drop(app.post("/api/v1/agent/keys").key(&bot).send().await.expect(201));
    }

    async fn what_is_not_yours_does_not_exist(app) {
        let (mine, theirs) = (app.bot().await, app.bot().await);
        let keys = app.get("/api/v1/agent/keys").key(&theirs).send().await.expect(200).json();
        let id = keys["items"][0]["key_id"].as_str().unwrap().to_owned();
        let foreign = [app.post(&format!("/api/v1/agent/keys/{id}/rotate")), app.ask("DELETE", &format!("/api/v1/agent/keys/{id}"))];
        let nothing = [app.post(&format!("/api/v1/agent/keys/{NOBODY}/rotate")), app.ask("DELETE", &format!("/api/v1/agent/keys/{NOBODY}"))];
        for (foreign, nothing) in foreign.into_iter().zip(nothing) {
            let (foreign, nothing) = (foreign.key(&mine).send().await.expect(404), nothing.key(&mine).send().await.expect(404));
            let without_request = |answer: &Answered| {
                let mut body = answer.json();
                body["request_id"].take();
                body
            };
            assert_eq!(without_request(&foreign), without_request(&nothing));
        }
        drop(app.get("/api/v1/agent/balance").key(&theirs).send().await.expect(200));
    }

    async fn every_answer_to_a_signed_in_caller_tells_the_limit(app) {
        let bot = app.bot().await;
        for operation in guarded(app) {
            let answer = ask(app, &operation).key(&bot).send().await;
            assert!(answer.header("ratelimit-policy").is_some_and(|text| text.contains(";q=")), "{}: {:?}", operation.name, answer.headers);
            assert!(answer.header("ratelimit").is_some_and(|text| text.contains(";r=")), "{}", operation.name);
        }
    }
}
