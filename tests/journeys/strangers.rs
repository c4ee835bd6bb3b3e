//! What somebody learns who knows nothing: no answer, and no work done for it, tells who has an account.

use roborent::base::config::{Config, Network};
use roborent::on_both_engines;
use roborent::testing::{Answered, TestApp};
use serde_json::{Value, json};

use crate::site::{PASSWORD, page, post};

const KNOWN: &str = "known@example.com";
const UNKNOWN: &str = "unknown@example.com";

/// Where mails are sent, so that addresses have to be confirmed.
pub fn with_mails(config: &mut Config) {
    config.installation.network = Network::Nile;
    config.server.public_url = "https://market.example".into();
    config.mail.smtp_url = "smtp://127.0.0.1:1".to_owned().into();
    config.mail.from = "no-reply@market.example".into();
    without_limits(config);
}

pub fn without_limits(config: &mut Config) {
    config.limits.register = "1000/h".parse().unwrap();
    config.limits.sign_in = "1000/min".parse().unwrap();
}

/// An answer with the passwords that were hashed for it.
async fn hashed(app: &TestApp, asking: impl Future<Output = Answered>) -> (u64, Answered) {
    let before = app.app.hashing.done();
    let answer = asking.await;
    (app.app.hashing.done() - before, answer)
}

/// Status, headers that could tell, and body, without what differs from call to call.
fn seen(answer: &Answered) -> (u16, Vec<Option<String>>, String) {
    let headers = ["content-type", "cache-control", "location", "set-cookie", "x-sb-error-code", "ratelimit"];
    let headers = headers.iter().map(|name| answer.header(name).map(str::to_owned)).collect();
    let mut body = String::from_utf8_lossy(&answer.body).replace(UNKNOWN, "EMAIL").replace(KNOWN, "EMAIL");
    if let Ok(Value::Object(mut object)) = serde_json::from_str(&body) {
        for name in ["id", "created_at", "updated_at", "confirmation_sent_at", "request_id"] {
            object.entry(name).and_modify(|value| *value = Value::Null);
        }
        body = Value::Object(object).to_string();
    }
    (answer.status, headers, body)
}

async fn mails_to(app: &TestApp, address: &'static str) -> usize {
    app.app
        .dispatcher
        .look(move |cx| Ok(roborent::users::people::mails::newest(cx)?.iter().filter(|mail| mail.to == address).count()))
        .await
        .unwrap()
}

on_both_engines! {
    async fn a_wrong_password_costs_what_an_unknown_address_costs(app, |config| without_limits(config)) {
        drop(post(app, "/signup", "", &[("email", KNOWN), ("password", PASSWORD)]).await.expect(303));
        let long = "x".repeat(1_000);
        for password in ["wrong horse battery", "", " ", &long, "\u{1f40e}".repeat(100).as_str()] {
            let over_api = |email: &'static str| app.sign_in(email, password);
            let on_site = async |email: &str| post(app, "/login", "", &[("email", email), ("password", password)]).await;
            let (known, unknown) = (hashed(app, over_api(KNOWN)).await, hashed(app, over_api(UNKNOWN)).await);
            assert_eq!((known.0, seen(&known.1)), (unknown.0, seen(&unknown.1)), "{password}");
            let (known, unknown) = (hashed(app, on_site(KNOWN)).await, hashed(app, on_site(UNKNOWN)).await);
            assert_eq!((known.0, seen(&known.1)), (unknown.0, seen(&unknown.1)), "{password}");
        }
        let wrong = hashed(app, app.sign_in(UNKNOWN, "wrong horse battery")).await;
        assert_eq!(wrong.0, 1, "a hash is made for nobody, too");
        assert_eq!(hashed(app, app.sign_in(KNOWN, PASSWORD)).await.0, 1);
    }

    async fn who_asks_for_a_mail_is_answered_before_anybody_looks(app, |config| with_mails(config)) {
        drop(app.post("/auth/v1/signup").json(&json!({ "email": KNOWN, "password": PASSWORD })).send().await.expect(200));
        app.run_jobs().await;
        assert_eq!(mails_to(app, KNOWN).await, 1, "that of the sign-up");
        for (n, path) in ["/auth/v1/recover", "/auth/v1/otp", "/auth/v1/resend"].iter().enumerate() {
            let ask = |email: &str| app.post(path).json(&json!({ "email": email, "type": "signup" })).send();
            let (known, unknown) = (hashed(app, ask(KNOWN)).await, hashed(app, ask(UNKNOWN)).await);
            assert_eq!((known.0, seen(&known.1)), (0, seen(&unknown.1)), "{path}");
            assert_eq!((unknown.0, unknown.1.status), (0, 200), "{path}");
            assert_eq!(mails_to(app, KNOWN).await, n + 1, "nothing was looked up for the answer of {path}");
            app.run_jobs().await;
            assert_eq!((mails_to(app, KNOWN).await, mails_to(app, UNKNOWN).await), (n + 2, 0), "{path}");
        }
        let on_site = async |email: &str| post(app, "/recover", "", &[("email", email)]).await;
        let (known, unknown) = (on_site(KNOWN).await, on_site(UNKNOWN).await);
        assert_eq!(seen(&known), seen(&unknown));
    }

    async fn a_taken_address_signs_up_like_a_free_one(app, |config| with_mails(config)) {
        drop(app.post("/auth/v1/signup").json(&json!({ "email": KNOWN, "password": PASSWORD })).send().await.expect(200));
        app.run_jobs().await;
        let mut taken = 0;
        for data in [json!({}), json!({ "agent_name": "Ann" }), json!({ "referral_code": "Nobody00" }), json!({ "referral_code": "?" }), json!({ "agent_name": "\u{7}" })] {
            let free = format!("free{}@example.com", data.to_string().len());
            let ask = |email: &str| app.post("/auth/v1/signup").json(&json!({ "email": email, "password": PASSWORD, "data": data })).send();
            let (known, unknown) = (hashed(app, ask(KNOWN)).await, hashed(app, ask(&free)).await);
            let same = |answer: &Answered| seen(answer).2.replace(&free, "EMAIL");
            assert_eq!((known.0, known.1.status, same(&known.1)), (unknown.0, unknown.1.status, same(&unknown.1)), "{data}");
            taken += usize::from(known.1.status == 200);
        }
        assert_eq!(taken, 2, "a wrong code is told to both");
        app.run_jobs().await;
        assert_eq!(mails_to(app, KNOWN).await, 1 + taken, "its owner is told");
    }

    async fn whoever_has_confirmed_is_told_that_he_has_an_account(app, |config| with_mails(config)) {
        drop(app.admin(KNOWN).await);
        drop(app.post("/auth/v1/signup").json(&json!({ "email": KNOWN, "password": PASSWORD })).send().await.expect(200));
        app.run_jobs().await;
        let mails = app.app.dispatcher.look(roborent::users::people::mails::newest).await.unwrap();
        assert!(mails.iter().any(|mail| mail.to == KNOWN && mail.subject.contains("account already")));
    }

    async fn every_cookie_is_kept_from_scripts_and_other_sites(app, |config| config.server.public_url = "https://market.example".into()) {
        let joined = post(app, "/signup", "", &[("email", KNOWN), ("password", PASSWORD)]).await.expect(303);
        let cookie = crate::site::cookie_of(&joined);
        let referrals = String::from_utf8(page(app, "/referrals", &cookie).await.expect(200).body).unwrap();
        let code = referrals.split("/r/").nth(1).unwrap()[..8].to_owned();
        let themed = post(app, "/theme", &cookie, &[("theme", "dark")]).await.expect(303);
        let referred = app.get(&format!("/r/{code}")).send().await.expect(303);
        let out = post(app, "/logout", &cookie, &[]).await.expect(303);
        for answer in [joined, themed, referred, out] {
            let lines: Vec<&str> = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
            assert!(!lines.is_empty());
            for line in lines {
                for flag in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
                    assert!(line.contains(flag), "{line}");
                }
                assert!(!line.contains("Domain"), "{line}");
            }
        }
    }

    async fn nothing_here_stands_in_a_frame_of_another_site(app) {
        // Pages, refusals, redirects, answers for programs, files: whatever a frame might load.
        let paths = ["/", "/login", "/docs", "/rules", "/nothing", "/dashboard", "/admin", "/tasks/nonsense", "/api/v1/rules", "/api/v1/nothing", "/api/v1/mcp", "/auth/v1/settings", "/auth/v1/user", "/openapi.json", "/llms.txt", "/assets/nothing.css", "/healthz", "/sandbox"];
        for path in paths {
            let answer = page(app, path, "").await;
            let policy = answer.header("content-security-policy").unwrap_or_default();
            assert!(policy.contains("frame-ancestors 'none'"), "{path}: {} {policy}", answer.status);
        }
        let refused = app.post("/login").header("origin", "https://evil.example").send().await.expect(403);
        assert!(refused.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    }
}
