//! Forms: what is wrong stands beside its field, and what was typed is kept.

use roborent::on_both_engines;
use roborent::testing::Answered;
use serde_json::json;

use crate::live::person;
use crate::market::{proof, publish, review, task};
use crate::site::{join, page, post};

/// What stands below a field of a page.
fn below<'h>(html: &'h str, field: &str) -> &'h str {
    html.split(&format!("<div id=\"{field}-more\">")).nth(1).unwrap_or_default().split("</div>").next().unwrap_or_default()
}

fn html(answer: Answered) -> String {
    String::from_utf8(answer.body).unwrap()
}

/// Where a form is sent, the field that is wrong, what was typed, and what of it comes back.
type Case<'c> = (&'c str, &'c str, &'c [(&'c str, &'c str)], &'c str);

on_both_engines! {
    async fn a_wrong_withdrawal_is_told_before_anything_is_asked_twice(app) {
        let cookie = join(app, "a@example.com").await;
        let good = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH";
        let cases = [
            ("amount", "5", good, "A withdrawal is at least 20.00 USDT."),
            ("amount", "25", good, "0.00 USDT are available."),
            ("amount", "much", good, "Write an amount"),
            // One letter of the address is another one: its checksum says so.
            ("address", "25", "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdJ", "This is not a TRON address"),
            ("address", "25", "0x52908400098527886E0F7030069857D2E4169EE7", "This is not a TRON address"),
        ];
        for (field, amount, address, why) in cases {
            let answer = post(app, "/wallet/withdraw", &cookie, &[("amount", amount), ("address", address)]).await.expect(422);
            let html = String::from_utf8(answer.body).unwrap();
            assert!(below(&html, field).contains(why), "{why}: {}", below(&html, field));
            assert!(html.contains(&format!("value=\"{amount}\"")) && html.contains(&format!("value=\"{address}\"")), "{amount} {address} are lost");
            assert!(html.contains(&format!("<a href=\"#{field}\">")), "the summary leads there");
        }
    }

    async fn a_wrong_field_of_each_form_is_told_beside_it(app) {
        let cookie = join(app, "a@example.com").await;
        let long = "x".repeat(2_001);
        let cases: [Case<'_>; 7] = [
            ("/signup", "password", &[("email", "b@example.com"), ("name", "Bea"), ("password", "password1234")], "value=\"b@example.com\""),
            ("/signup", "email", &[("email", "nonsense"), ("name", "Bea"), ("password", "correct horse battery")], "value=\"Bea\""),
            ("/signup", "referral_code", &[("email", "b@example.com"), ("name", "Bea"), ("password", "correct horse battery"), ("referral_code", "nobody00")], "value=\"nobody00\""),
            ("/publish", "title", &[("step", "1"), ("title", "ab"), ("description", "Long enough to be read."), ("category", "research")], "Long enough to be read."),
            ("/profile", "bio", &[("display_name", "Ann"), ("bio", &long)], &long),
            ("/profile/webhooks", "webhook_url", &[("webhook_url", "ftp://example.com/x")], "value=\"ftp://example.com/x\""),
            ("/profile/password", "current_password", &[("current_password", "wrong horse battery"), ("password", "another horse battery")], ""),
        ];
        for (path, field, fields, kept) in cases {
            let html = String::from_utf8(post(app, path, &cookie, fields).await.expect(422).body).unwrap();
            assert!(below(&html, field).contains("class=\"error\""), "{path} {field}: {}", html.split("<main").nth(1).unwrap_or_default());
            assert!(html.contains(kept), "{path} lost {kept}");
            assert!(!html.contains("horse battery"), "{path} shows a password");
        }
        drop(page(app, "/profile", &cookie).await.expect(200));
    }
    async fn whoever_signs_in_for_a_form_comes_back_to_its_page(app) {
        let cookie = join(app, "a@example.com").await;
        let accept = "/tasks/00000000-0000-7000-8000-000000000001/accept";
        let send = |path: &str, cookie: &str, from: &str| {
            let ask = app.post(path).header("sec-fetch-site", "same-origin").header("cookie", cookie).header("accept", "text/html");
            ask.header("referer", from).body(String::new()).send()
        };
        let cases = [
            ("http://127.0.0.1:8080/tasks/1?done=a&b=c#d", "/login?next=%2Ftasks%2F1%3Fdone%3Da%26b%3Dc"),
            ("https://evil.example/tasks/1", "/login?next=%2Fdashboard"),
            ("nonsense", "/login?next=%2Fdashboard"),
        ];
        for (from, next) in cases {
            assert_eq!(send(accept, "", from).await.expect(303).header("location"), Some(next), "{from}");
        }
        // And so does whoever chooses another theme on the page that shows what was wrong.
        let refused = html(send("/profile/password", &cookie, "http://127.0.0.1:8080/profile?a=b").await.expect(422));
        assert!(refused.contains("name=\"next\" value=\"/profile?a=b\"") && !refused.contains("value=\"/profile/password\""), "{refused}");
        // Who opens the address of a form sees a page, programs a problem.
        let opened = page(app, accept, &cookie).await.expect(405);
        assert_eq!((opened.header("content-type"), opened.header("allow")), (Some("text/html; charset=utf-8"), Some("POST")));
        let problem = app.get(accept).send().await.expect(405);
        assert_eq!((problem.code(), problem.header("allow")), ("method_not_allowed".into(), Some("POST")));
        let program = app.get("/api/v1/agent/tasks/1/accept").header("accept", "text/html").send().await.expect(405);
        assert_eq!(program.code(), "method_not_allowed");
    }

    async fn a_refused_rating_comes_back_where_it_was_given(app) {
        let ((creators, creator), (workers, worker)) = (person(app, "a@example.com").await, person(app, "b@example.com").await);
        app.pour(creator.user_id, 20).await;
        let task = publish(app, &creator, &task("5.00", 1)).await;
        let submission = proof(app, &worker, &task).await;
        drop(review(app, &creator, &submission, "approve", &json!({})).await.expect(200));
        let shown = html(page(app, &format!("/review/{submission}"), &creators).await.expect(200));
        let acceptance = shown.split("name=\"acceptance_id\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let path = format!("/tasks/{task}/rate");
        let bad = [("acceptance_id", acceptance), ("stars", "2"), ("comment", "He will solve captchas for you")];
        let creators_form = [&bad[..], &[("back", submission.as_str())]].concat();
        for (cookie, fields) in [(&creators, &creators_form[..]), (&workers, &bad[..])] {
            let html = html(post(app, &path, cookie, fields).await.expect(422));
            assert!(below(&html, "comment").contains("is not allowed here"), "{html}");
            assert!(html.contains("value=\"He will solve captchas for you\"") && html.contains(&format!("action=\"{path}\"")));
            assert!(html.contains("name=\"stars\" value=\"2\" checked") && !html.contains("value=\"5\" checked"), "two stars stay two");
        }
    }

    async fn a_refused_key_comes_back_with_the_choices_that_were_made(app) {
        let cookie = join(app, "a@example.com").await;
        let checked = |html: &str| ["read", "earn", "spend", "withdraw"].map(|scope| html.contains(&format!("value=\"{scope}\" checked")));
        assert_eq!(checked(&html(page(app, "/keys", &cookie).await.expect(200))), [true, true, true, false]);
        let long = "x".repeat(1_000);
        let refused = post(app, "/keys", &cookie, &[("name", &long), ("scopes", "read"), ("scopes", "withdraw")]).await.expect(422);
        assert_eq!(checked(&html(refused)), [true, false, false, true]);
        let none = html(post(app, "/keys", &cookie, &[("name", "Robot")]).await.expect(422));
        assert_eq!(checked(&none), [false; 4], "{none}");
    }

    async fn a_refused_form_leaves_the_others_of_its_page_alone(app) {
        let cookie = join(app, "a@example.com").await;
        let about = [("display_name", "Ann"), ("bio", "I translate."), ("capabilities", "translation, research"), ("max_hourly_spend_usd", "12.50")];
        drop(post(app, "/profile", &cookie, &about).await.expect(303));
        let wrong = [
            ("/profile/password", [("current_password", "wrong horse battery"), ("password", "another horse battery")]),
            ("/profile/email", [("email", "b@example.com"), ("password_for_email", "wrong horse battery")]),
        ];
        for (path, fields) in wrong {
            let html = html(post(app, path, &cookie, &fields).await.expect(422));
            for kept in ["value=\"Ann\"", ">I translate.</textarea>", "value=\"translation, research\"", "value=\"12.50\""] {
                assert!(html.contains(kept), "{path} lost {kept}");
            }
        }
        // What was emptied on purpose stays empty.
        let long = "x".repeat(2_001);
        let html = html(post(app, "/profile", &cookie, &[("display_name", "Ann"), ("bio", &long), ("capabilities", "")]).await.expect(422));
        assert!(!html.contains("translation, research"));
    }
}
