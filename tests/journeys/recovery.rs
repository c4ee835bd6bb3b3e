//! A forgotten password: a link in a mail lets somebody choose another one, and who has a second factor gives a code first.

use roborent::base::Span;
use roborent::on_both_engines;
use roborent::testing::{Answered, TestApp};

use crate::second_factor::{EMAIL, enroll, person, show};
use crate::site::{PASSWORD, cookie_of, page, post};

const NEW: &str = "another horse battery";

/// Asks for a link; answers its path.
async fn link(app: &TestApp) -> String {
    drop(post(app, "/recover", "", &[("email", EMAIL)]).await.expect(200));
    app.run_jobs().await;
    let mails = app.get("/sandbox/mails").send().await.expect(200).json();
    let bodies = mails["items"].as_array().unwrap().iter().filter(|mail| mail["to"] == EMAIL).map(|mail| mail["body"].as_str().unwrap());
    let body = bodies.into_iter().find(|body| body.contains("/recover/")).unwrap();
    format!("/recover/{}", body.split("/recover/").nth(1).unwrap().split_whitespace().next().unwrap())
}

fn html(answer: &Answered) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

fn asks_for(answer: &Answered) -> (bool, bool) {
    (html(answer).contains("name=\"code\""), html(answer).contains("name=\"password\""))
}

async fn signs_in_with(app: &TestApp, password: &str) -> bool {
    app.sign_in(EMAIL, password).await.status == 200
}

on_both_engines! {
    async fn a_link_leads_to_another_password(app, |config| config.limits.sign_in = "1000/min".parse().unwrap()) {
        drop(person(app).await);
        let link = link(app).await;
        for _ in 0..2 {
            assert_eq!(asks_for(&page(app, &link, "").await.expect(200)), (false, true), "to open it uses nothing up");
        }
        let weak = post(app, &link, "", &[("password", "short")]).await.expect(422);
        assert!(html(&weak).contains("The password must have"), "{}", html(&weak));
        let done = post(app, &link, "", &[("password", NEW)]).await.expect(303);
        assert_eq!(done.header("location"), Some("/dashboard?done=password"));
        assert_eq!(page(app, "/dashboard", &cookie_of(&done)).await.status, 200);
        assert!(signs_in_with(app, NEW).await && !signs_in_with(app, PASSWORD).await);
        assert_eq!(post(app, &link, "", &[("password", PASSWORD)]).await.status, 403, "it works once");
        // Who is signed in stays so when he opens a link that is worth nothing.
        drop(post(app, "/recover/abc", &cookie_of(&done), &[("password", PASSWORD)]).await.expect(403));
        assert_eq!(page(app, "/dashboard", &cookie_of(&done)).await.status, 200);
    }

    async fn a_password_that_is_refused_costs_no_link(app, |config| config.limits.sign_in = "1000/min".parse().unwrap()) {
        drop(person(app).await);
        let link = link(app).await;
        // Fine for anybody else; the owner is known only when the link was used.
        let sent = post(app, &link, "", &[("password", EMAIL)]).await.expect(303);
        let (next, cookie) = (sent.header("location").unwrap().to_owned(), cookie_of(&sent));
        assert!(next.starts_with("/new-password") && !cookie.is_empty(), "{next}");
        let form = page(app, &next, &cookie).await.expect(200);
        assert!(asks_for(&form).1 && html(&form).contains("The password must have"), "{}", html(&form));
        let done = post(app, &next, &cookie, &[("password", NEW)]).await.expect(303);
        assert_eq!(done.header("location"), Some("/dashboard?done=password"));
        assert!(signs_in_with(app, NEW).await && !signs_in_with(app, PASSWORD).await);
    }

    async fn who_has_a_second_factor_gives_a_code_first(app, |config| config.limits.sign_in = "1000/min".parse().unwrap()) {
        let factor = enroll_one(app).await;
        let code = || roborent::users::people::factors::code_of(&factor.1, app.now().as_seconds() / 30);
        let link = link(app).await;
        for _ in 0..2 {
            assert_eq!(asks_for(&page(app, &link, "").await.expect(200)), (true, false), "to open it uses nothing up");
        }
        let empty = post(app, &link, "", &[("code", "")]).await.expect(422);
        assert!(html(&empty).contains("Fill this in.") && cookie_of(&empty).is_empty());
        let wrong = post(app, &link, "", &[("code", "000000")]).await.expect(422);
        let html = html(&wrong);
        assert!(html.contains("value=\"000000\"") && html.contains("The code is not the one of this moment."), "{html}");
        // Whoever stopped there has no more than the link was worth.
        let half = cookie_of(&wrong);
        assert_eq!(page(app, "/new-password", &half).await.expect(303).header("location"), Some("/login/2fa?next=%2Fnew-password"));
        assert_eq!(post(app, "/new-password", &half, &[("password", NEW)]).await.expect(303).header("location"), Some("/login/2fa?next=%2Fnew-password"));
        assert_eq!(post(app, &link, "", &[("code", &code())]).await.status, 403, "the link alone is used up");
        assert_eq!(asks_for(&page(app, &link, &half).await.expect(200)), (true, false), "the page can be opened again");
        let right = post(app, &link, &half, &[("code", &code())]).await.expect(303);
        assert_eq!(right.header("location"), Some("/new-password"));
        let whole = cookie_of(&right);
        assert_eq!(asks_for(&page(app, "/new-password", &whole).await.expect(200)), (false, true));
        drop(post(app, "/new-password", &whole, &[("password", "short")]).await.expect(422));
        let done = post(app, "/new-password", &whole, &[("password", NEW)]).await.expect(303);
        assert_eq!(done.header("location"), Some("/dashboard?done=password"));
        assert!(signs_in_with(app, NEW).await && !signs_in_with(app, PASSWORD).await);
    }

    async fn no_form_of_ones_own_gets_around_the_code(app, |config| config.limits.sign_in = "1000/min".parse().unwrap()) {
        let factor = enroll_one(app).await;
        let link = link(app).await;
        let sent = post(app, &link, "", &[("password", NEW)]).await.expect(303);
        assert_eq!(sent.header("location"), Some("/login/2fa?next=%2Fnew-password"));
        assert!(signs_in_with(app, PASSWORD).await && !signs_in_with(app, NEW).await, "nothing was changed");
        let code = roborent::users::people::factors::code_of(&factor.1, app.now().as_seconds() / 30);
        let shown = post(app, "/login/2fa?next=%2Fnew-password", &cookie_of(&sent), &[("code", &code), ("next", "/new-password")]).await.expect(303);
        let whole = cookie_of(&shown);
        assert_eq!(page(app, "/new-password", &whole).await.status, 200);
        app.advance(Span::minutes(15));
        let late = page(app, "/new-password", &whole).await.expect(403);
        assert!(html(&late).contains("This took too long"));
        let late = post(app, "/new-password", &whole, &[("password", NEW)]).await.expect(303);
        assert_eq!(late.header("location"), Some("/step-up?next=%2Fnew-password"), "the code is as old");
        assert!(signs_in_with(app, PASSWORD).await && !signs_in_with(app, NEW).await);
        // Without a link nobody comes here.
        assert_eq!(post(app, "/new-password", "", &[("password", NEW)]).await.expect(303).header("location"), Some("/login?next=%2Fnew-password"));
    }
}

/// A person with a second factor whose code of this moment is not used yet.
async fn enroll_one(app: &TestApp) -> (String, Vec<u8>) {
    let person = person(app).await;
    let factor = enroll(app, &person.token).await;
    drop(show(app, &person.token, &factor).await);
    app.advance(Span::seconds(30));
    factor
}
