//! Whose an address is: who has not shown that he reads its mails gets nothing by it, and who has loses nothing.

use roborent::on_both_engines;
use roborent::testing::{Answered, TestApp};
use serde_json::json;

use crate::site::{PASSWORD, post};
use crate::strangers::with_mails;

const EMAIL: &str = "ann@example.com";
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
}
