//! Whose an address is: who has not shown that he reads its mails gets nothing by it, and who has loses nothing.

use roborent::on_both_engines;
use roborent::testing::{Answered, TestApp};
use serde_json::json;

use crate::site::{PASSWORD, post};
use crate::strangers::{with_mails, without_limits};

const EMAIL: &str = "ann@example.com";
const THERE: &str = "ann@elsewhere.example";
const THIEFS: &str = "another horse battery";
const NEW: &str = "yet another battery";

async fn sign_up(app: &TestApp, password: &str) {
    drop(app.post("/auth/v1/signup").json(&json!({ "email": EMAIL, "password": password })).send().await.expect(200));
    app.run_jobs().await;
}

/// The tokens of the mails to an address that lead to a page, the newest first.
async fn tokens(app: &TestApp, to: &'static str, page: &str) -> Vec<String> {
    let mails = app.app.dispatcher.look(roborent::users::people::mails::newest).await.unwrap();
    let mails = serde_json::to_value(mails).unwrap();
    let bodies = mails.as_array().unwrap().iter().filter(|mail| mail["to"] == to).map(|mail| mail["body"].as_str().unwrap());
    let link = format!("/{page}/");
    let found = bodies.filter_map(|body| body.split(&link).nth(1)).map(|rest| rest.split_whitespace().next().unwrap().to_owned());
    found.collect()
}

async fn verify(app: &TestApp, kind: &str, token: &str) -> Answered {
    app.post("/auth/v1/verify").json(&json!({ "type": kind, "token_hash": token })).send().await
}

async fn subjects(app: &TestApp, to: &'static str) -> Vec<String> {
    let mails = app.app.dispatcher.look(roborent::users::people::mails::newest).await.unwrap();
    mails.into_iter().filter(|mail| mail.to == to).map(|mail| mail.subject).collect()
}

/// A person in a sandbox, where addresses count at once and mails are shown; answers a token.
async fn joined(app: &TestApp) -> String {
    joined_as(app, EMAIL).await
}

async fn joined_as(app: &TestApp, email: &str) -> String {
    let made = app.post("/auth/v1/signup").json(&json!({ "email": email, "password": PASSWORD })).send().await.expect(200).json();
    made["access_token"].as_str().unwrap().to_owned()
}

async fn ask_for(app: &TestApp, token: &str, address: &str) -> Answered {
    let change = json!({ "email": address, "current_password": PASSWORD });
    app.ask("PUT", "/auth/v1/user").bearer(token).json(&change).send().await
}

on_both_engines! {
    async fn who_signs_up_first_gains_nothing_by_the_mail_of_who_comes_later(app, |config| with_mails(config)) {
        sign_up(app, THIEFS).await;
        let first = tokens(app, EMAIL, "confirm").await.remove(0);
        sign_up(app, PASSWORD).await;
        assert_eq!(tokens(app, EMAIL, "confirm").await.len(), 1, "one mail confirms the first password, never another");
        assert_eq!(verify(app, "signup", &first).await.status, 403, "and it works no more");
        let second = tokens(app, EMAIL, "recover").await.remove(0);
        assert_eq!(app.sign_in(EMAIL, THIEFS).await.expect(400).json()["error_code"], "email_not_confirmed");
        drop(post(app, &format!("/recover/{second}"), "", &[("password", NEW)]).await.expect(303));
        for (password, status) in [(THIEFS, 400), (PASSWORD, 400), (NEW, 200)] {
            assert_eq!(app.sign_in(EMAIL, password).await.status, status, "{password}");
        }
    }

    async fn no_later_mail_confirms_a_password_that_its_reader_may_not_know(app, |config| with_mails(config)) {
        sign_up(app, THIEFS).await;
        for path in ["/auth/v1/otp", "/auth/v1/resend", "/auth/v1/recover"] {
            drop(app.post(path).json(&json!({ "email": EMAIL, "type": "signup" })).send().await.expect(200));
            app.run_jobs().await;
        }
        assert_eq!(tokens(app, EMAIL, "confirm").await.len(), 1);
        let links = tokens(app, EMAIL, "recover").await;
        assert_eq!(links.len(), 3);
        let mut works = 0;
        for link in &links {
            // Who only opens the link and chooses nothing has locked the other out all the same.
            works += usize::from(verify(app, "recovery", link).await.status == 200);
        }
        assert_eq!((works, app.sign_in(EMAIL, THIEFS).await.status), (1, 400));
    }

    async fn who_signs_up_once_confirms_by_the_first_mail(app, |config| with_mails(config)) {
        sign_up(app, PASSWORD).await;
        let token = tokens(app, EMAIL, "confirm").await.remove(0);
        drop(verify(app, "signup", &token).await.expect(200));
        assert_eq!(app.sign_in(EMAIL, PASSWORD).await.status, 200);
        drop(app.post("/auth/v1/otp").json(&json!({ "email": EMAIL })).send().await.expect(200));
        app.run_jobs().await;
        let link = tokens(app, EMAIL, "confirm").await.remove(0);
        drop(verify(app, "magiclink", &link).await.expect(200));
        assert_eq!(app.sign_in(EMAIL, PASSWORD).await.status, 200);
    }

    async fn a_new_password_or_address_ends_what_was_begun_before(app, |config| without_limits(config)) {
        let token = joined(app).await;
        drop(ask_for(app, &token, THERE).await.expect(200));
        let told = subjects(app, EMAIL).await;
        assert!(told.contains(&"A new address for your account".to_owned()), "{told:?}");
        let begun = tokens(app, THERE, "confirm").await.remove(0);
        // Her mailbox has a link to a new password, and one lets in. The thief's change does not survive either.
        for path in ["/auth/v1/recover", "/auth/v1/otp"] {
            drop(app.post(path).json(&json!({ "email": EMAIL })).send().await.expect(200));
            app.run_jobs().await;
        }
        let (recover, enter) = (tokens(app, EMAIL, "recover").await.remove(0), tokens(app, EMAIL, "confirm").await.remove(0));
        drop(post(app, &format!("/recover/{recover}"), "", &[("password", NEW)]).await.expect(303));
        for (kind, left) in [("email_change", &begun), ("magiclink", &enter)] {
            assert_eq!(verify(app, kind, left).await.status, 403, "{kind}");
        }
        let me = app.sign_in(EMAIL, NEW).await.expect(200).json();
        assert!(me["user"]["new_email"].as_str().unwrap_or_default().is_empty(), "nothing waits any more: {me}");

        // Links that lie in the old mailbox are worth nothing after the address has moved.
        drop(app.post("/auth/v1/recover").json(&json!({ "email": EMAIL })).send().await.expect(200));
        app.run_jobs().await;
        let old = tokens(app, EMAIL, "recover").await.remove(0);
        let token = me["access_token"].as_str().unwrap();
        let change = json!({ "email": THERE, "current_password": NEW });
        drop(app.ask("PUT", "/auth/v1/user").bearer(token).json(&change).send().await.expect(200));
        let link = tokens(app, THERE, "confirm").await.remove(0);
        let moved = verify(app, "email_change", &link).await.expect(200).json();
        assert!(moved["access_token"].is_null() && moved["msg"].is_string(), "it lets nobody in: {moved}");
        assert_eq!(verify(app, "recovery", &old).await.status, 403);
        assert!(subjects(app, EMAIL).await.contains(&"Your address was changed".to_owned()));
        assert_eq!((app.sign_in(THERE, NEW).await.status, app.sign_in(EMAIL, NEW).await.status), (200, 400));
    }

    async fn who_is_signed_in_stays_so_when_a_new_address_counts(app, |config| without_limits(config)) {
        let token = joined(app).await;
        drop(ask_for(app, &token, THERE).await.expect(200));
        let link = tokens(app, THERE, "confirm").await.remove(0);
        let stranger = joined_as(app, "bob@example.com").await;
        let body = json!({ "type": "email_change", "token_hash": link });
        let moved = app.post("/auth/v1/verify").bearer(&token).json(&body).send().await.expect(200).json();
        assert_eq!(moved["user"]["email"], THERE);
        let again = app.post("/auth/v1/token?grant_type=refresh_token").json(&json!({ "refresh_token": moved["refresh_token"] })).send().await;
        assert_eq!(again.status, 200);
        // On the site, and for somebody else.
        for (bearer, address) in [(None, "site@example.com"), (Some(&stranger), "third@example.com")] {
            drop(ask_for(app, &token, address).await.expect(200));
            let link = tokens(app, address, "confirm").await.remove(0);
            if let Some(bearer) = bearer {
                let body = json!({ "type": "email_change", "token_hash": link });
                let moved = app.post("/auth/v1/verify").bearer(bearer).json(&body).send().await.expect(200).json();
                assert!(moved["access_token"].is_null(), "{moved}");
            } else {
                let done = post(app, &format!("/confirm/{link}"), "", &[]).await.expect(303);
                assert_eq!((done.header("location"), done.header("set-cookie")), (Some("/login?done=confirmed"), None));
            }
            assert_eq!(app.sign_in(address, PASSWORD).await.status, 200, "{address}");
        }
        let resent = app.post("/auth/v1/resend").json(&json!({ "email": EMAIL, "type": "email_change" })).send().await;
        assert_eq!(resent.status, 200);
    }

    async fn asking_for_addresses_is_limited_for_the_user_and_for_each_address(app, |config| {
        without_limits(config);
        config.limits.sign_in_failure = "1000/h".parse().unwrap();
        config.limits.mail = "3/h".parse().unwrap();
    }) {
        let (ann, bob) = (joined(app).await, joined_as(app, "bob@example.com").await);
        // Whether an address is taken costs as much to learn as to take a free one.
        for (address, status) in [("bob@example.com", 422), (THERE, 200), ("bob@example.com", 422), ("free@example.com", 429)] {
            assert_eq!(ask_for(app, &ann, address).await.status, status, "{address}");
        }
        let refused = ask_for(app, &ann, "bob@example.com").await.expect(429);
        assert!(refused.header("retry-after").is_some());
        for status in [200, 200, 429] {
            assert_eq!(ask_for(app, &bob, THERE).await.status, status, "the address has had its mails");
        }
        let unchanged = ask_for(app, &ann, EMAIL).await;
        assert_eq!(unchanged.status, 200, "her own costs nothing");
    }

    async fn who_is_suspended_changes_nothing_but_a_stolen_password(app, |config| without_limits(config)) {
        let root = app.admin("root@example.com").await;
        let made = app.post("/auth/v1/signup").json(&json!({ "email": EMAIL, "password": PASSWORD })).send().await.expect(200).json();
        drop(ask_for(app, made["access_token"].as_str().unwrap(), THERE).await.expect(200));
        let link = tokens(app, THERE, "confirm").await.remove(0);
        let path = format!("/api/v1/admin/users/{}/suspend", made["user"]["id"].as_str().unwrap());
        drop(app.post(&path).bearer(&root).json(&json!({ "reason": "a test" })).send().await.expect(200));
        let again = app.sign_in(EMAIL, PASSWORD).await.expect(200).json();
        let token = again["access_token"].as_str().unwrap();
        let refused = |answer: Answered| assert_eq!((answer.status, answer.header("x-sb-error-code")), (403, Some("user_banned")));
        refused(ask_for(app, token, "third@example.com").await);
        for change in [json!({ "password": NEW, "current_password": PASSWORD }), json!({ "data": { "likes": "tea" } })] {
            refused(app.ask("PUT", "/auth/v1/user").bearer(token).json(&change).send().await);
        }
        let factor = json!({ "factor_type": "totp", "friendly_name": "phone" });
        refused(app.post("/auth/v1/factors").bearer(token).json(&factor).send().await);
        refused(verify(app, "email_change", &link).await);
        drop(app.post("/auth/v1/recover").json(&json!({ "email": EMAIL })).send().await.expect(200));
        app.run_jobs().await;
        let link = tokens(app, EMAIL, "recover").await.remove(0);
        drop(post(app, &format!("/recover/{link}"), "", &[("password", NEW)]).await.expect(303));
        assert_eq!((app.sign_in(EMAIL, NEW).await.status, app.sign_in(EMAIL, PASSWORD).await.status), (200, 400));
    }
}
