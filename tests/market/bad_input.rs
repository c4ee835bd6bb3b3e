//! Whatever must not be done in the market gets its own clear answer, and changes nothing: no money, no task, no event.

use roborent::base::{Span, UserId};
use roborent::on_both_engines;
use roborent::testing::{Answered, Bot, TestApp};
use serde_json::{Value, json};

use crate::deeds::{
    accept, approve, bots, cancel, close, decide, dispute, generous, make_admin, money, money_of, on_proof, on_task, proof, publish, rate,
    reject, request_changes, seen, submit, task, task_with, text, tip,
};

const NOBODY: &str = "00000000-0000-7000-8000-0000000000ff";

/// Everything that a refused call must leave as it is.
#[derive(Debug, PartialEq)]
struct Seen {
    money: Vec<(i64, i64)>,
    tasks: Vec<Value>,
    rows: Vec<i64>,
}

/// People and tasks under watch.
struct Watch<'t> {
    app: &'t TestApp,
    users: Vec<UserId>,
    tasks: Vec<(Bot, String)>,
}

impl Watch<'_> {
    async fn look(&self) -> Seen {
        let mut tasks = Vec::new();
        for (creator, task) in &self.tasks {
            tasks.push(seen(self.app, creator, task).await);
        }
        Seen { money: money(self.app, &self.users).await, tasks, rows: rows(self.app).await }
    }

    /// The call is refused so, and nothing has changed.
    async fn refused(&self, call: impl Future<Output = Answered>, status: u16, code: &str) {
        let before = self.look().await;
        let answer = call.await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", String::from_utf8_lossy(&answer.body));
        let problem = answer.json();
        assert!(["detail", "hint"].iter().all(|member| problem[*member].as_str().is_some_and(|text| !text.is_empty())), "{problem}");
        assert_eq!(self.look().await, before, "{code}");
    }

    /// What is not the caller's looks like what is not there.
    async fn hidden(&self, there: impl Future<Output = Answered>, nowhere: impl Future<Output = Answered>) {
        let before = self.look().await;
        let (there, nowhere) = (there.await.expect(404), nowhere.await.expect(404));
        let body = |answer: &Answered| {
            let mut body = answer.json();
            body.as_object_mut().unwrap().remove("request_id");
            body
        };
        assert_eq!(body(&there), body(&nowhere));
        assert_eq!(there.headers.keys().collect::<Vec<_>>(), nowhere.headers.keys().collect::<Vec<_>>());
        assert_eq!(self.look().await, before);
    }
}

/// How many rows there are of everything that the market writes.
async fn rows(app: &TestApp) -> Vec<i64> {
    static COUNTS: [store::Stmt<(), (i64,)>; 8] = [
        store::Stmt::new("select count(*) from fresh_events"),
        store::Stmt::new("select count(*) from events"),
        store::Stmt::new("select count(*) from tasks"),
        store::Stmt::new("select count(*) from acceptances"),
        store::Stmt::new("select count(*) from submissions"),
        store::Stmt::new("select count(*) from remarks"),
        store::Stmt::new("select count(*) from ratings"),
        store::Stmt::new("select count(*) from transactions"),
    ];
    let count = |cx: &mut roborent::base::Context<'_, '_>| COUNTS.iter().map(|count| Ok(cx.tx.one(count, ())?.0)).collect();
    app.app.dispatcher.look(count).await.unwrap()
}

async fn post(app: &TestApp, who: &Bot, body: &Value) -> Answered {
    app.post("/api/v1/agent/tasks").key(who).json(body).send().await
}

on_both_engines! {
    async fn a_task_that_cannot_be_is_not_published(app, |config| generous(config)) {
        let creator = app.rich_bot(100).await;
        let watch = Watch { app, users: vec![creator.user_id], tasks: Vec::new() };
        let refused = |body: Value, status, code| {
            let (watch, creator) = (&watch, creator.clone());
            async move { watch.refused(post(app, &creator, &body), status, code).await }
        };
        for (reward, slots, status, code) in [
            ("0.049999", 1, 422, "reward_too_low"),
            ("0", 1, 422, "reward_too_low"),
            ("0.0500001", 1, 422, "invalid_field"),
            ("-1", 1, 422, "invalid_field"),
            ("NaN", 1, 422, "invalid_field"),
            ("1000000001", 1, 422, "invalid_field"),
            ("1000000000", 2, 422, "escrow_too_large"),
            ("1000000000", 10_000, 422, "escrow_too_large"),
            ("100000.000001", 10_000, 422, "escrow_too_large"),
            ("100.000001", 1, 402, "insufficient_funds"),
            ("50.01", 2, 402, "insufficient_funds"),
            ("1", 0, 422, "invalid_field"),
            ("1", 10_001, 422, "invalid_field"),
            ("1", usize::MAX, 422, "invalid_field"),
        ] {
            refused(task(reward, slots), status, code).await;
        }
        let at = |span: Span| json!(app.now().plus(span));
        for (field, value, code) in [
            ("title", json!("ab"), "invalid_field"),
            ("title", json!("x".repeat(121)), "invalid_field"),
            ("title", json!("\u{0}\u{1}\u{2}\u{3}"), "invalid_field"),
            ("description", json!("too short"), "invalid_field"),
            ("description", json!("x".repeat(10_001)), "invalid_field"),
            ("category", json!("nothing"), "unknown_category"),
            ("category", json!(""), "unknown_category"),
            ("category", json!("Social"), "unknown_category"),
            ("deadline_minutes", json!(4), "invalid_field"),
            ("deadline_minutes", json!(43_201), "invalid_field"),
            ("deadline_minutes", json!(-5), "invalid_field"),
            ("deadline_minutes", json!(1.5), "invalid_field"),
            ("expires_at", at(Span::milliseconds(0)), "expiry_out_of_bounds"),
            ("expires_at", at(Span::milliseconds(-1)), "expiry_out_of_bounds"),
            ("expires_at", at(Span::milliseconds(180 * 86_400_000 + 1)), "expiry_out_of_bounds"),
            ("expires_at", json!("tomorrow"), "invalid_field"),
            ("target_url", json!("javascript:alert(1)"), "invalid_url"),
            ("target_url", json!(" JaVaScRiPt:alert(1)"), "invalid_url"),
            ("target_url", json!("data:text/html,<script>alert(1)</script>"), "invalid_url"),
            ("target_url", json!("ftp://example.com"), "invalid_url"),
            ("target_url", json!("https://user:password@example.com"), "invalid_url"),
            ("target_url", json!("example.com"), "invalid_url"),
            ("worker_type", json!("robot"), "invalid_field"),
            ("min_rating", json!(0.99), "invalid_field"),
            ("min_rating", json!(5.01), "invalid_field"),
            ("max_resubmissions", json!(6), "invalid_field"),
            ("max_resubmissions", json!(-1), "invalid_field"),
            ("proof", json!({ "url": "none", "text": "none" }), "no_proof"),
            ("proof", json!({ "url": "maybe" }), "invalid_field"),
            ("tags", json!((0..11).map(|n| format!("t{n}")).collect::<Vec<_>>()), "invalid_field"),
            ("tags", json!(["two words"]), "invalid_field"),
            ("title", json!("Solve CAPTCHAs all day"), "policy_blocked"),
            ("description", json!("Please create 50 accounts on this forum."), "policy_blocked"),
            ("description", json!("Send me your password and your login credentials."), "policy_blocked"),
            ("description", json!("Find out where she lives."), "policy_blocked"),
            ("fee_bp", json!(0), "unknown_field"),
            ("status", json!("completed"), "unknown_field"),
            ("creator_id", json!(NOBODY), "unknown_field"),
        ] {
            refused(task_with("1", 1, &json!({ field: value })), 422, code).await;
        }
        let blocked = post(app, &creator, &task_with("1", 1, &json!({ "title": "Solve captchas" }))).await;
        assert!(blocked.json()["detail"].as_str().unwrap().contains("CAPTCHA solving"), "the rule is named");
        let short = post(app, &creator, &task("100.5", 1)).await.expect(402).json();
        assert_eq!(short["missing_usd"], 0.5);
        // The edges themselves are good.
        let edges = json!({ "deadline_minutes": 43_200, "expires_at": at(Span::days(180)), "max_resubmissions": 5, "min_rating": 5 });
        publish(app, &creator, &task_with("0.05", 1, &edges)).await;
        assert_eq!(money_of(app, &creator).await, (99_950_000, 50_000));
    }

    async fn what_is_not_yours_is_not_there(app, |config| generous(config)) {
        let (creator, worker, stranger) = (app.rich_bot(100).await, app.bot().await, app.rich_bot(100).await);
        let id = publish(app, &creator, &task("1", 5)).await;
        let (submission, acceptance) = proof(app, &worker, &id).await;
        let watch = Watch { app, users: vec![creator.user_id, worker.user_id, stranger.user_id], tasks: vec![(creator.clone(), id.clone())] };
        let reason = json!({ "reason": "Because it is like that.", "reason_code": "other" });
        for (who, verb, body) in [
            (&stranger, "approve", json!({})), (&worker, "approve", json!({})),
            (&stranger, "reject", reason.clone()), (&worker, "reject", reason),
            (&stranger, "request-changes", json!({ "note": "Please add the address." })),
            (&stranger, "dispute", json!({ "reason": "The post is there." })), (&creator, "dispute", json!({ "reason": "The post is there." })),
            (&stranger, "evidence", json!({ "text": "I saw it." })),
            (&stranger, "tip", json!({ "amount": 1 })), (&worker, "tip", json!({ "amount": 1 })),
        ] {
            watch.hidden(on_proof(app, who, &submission, verb, &body), on_proof(app, who, NOBODY, verb, &body)).await;
        }
        for (who, verb, body) in [(&stranger, "close", json!({})), (&worker, "close", json!({})), (&stranger, "extend", json!({ "slots_added": 1 }))] {
            watch.hidden(on_task(app, who, &id, verb, &body), on_task(app, who, NOBODY, verb, &body)).await;
        }
        watch.hidden(rate(app, &stranger, &acceptance, 1), rate(app, &stranger, NOBODY, 1)).await;
        let get = |who: &Bot, path: String| { let who = who.clone(); async move { app.get(&path).key(&who).send().await } };
        for who in [&stranger, &worker] {
            let list = |task: &str| get(who, format!("/api/v1/agent/tasks/{task}/submissions"));
            watch.hidden(list(&id), list(NOBODY)).await;
        }
        let one = |proof: &str| get(&stranger, format!("/api/v1/agent/submissions/{proof}"));
        watch.hidden(one(&submission), one(NOBODY)).await;
        // A worker of the same task sees his own proof and nobody else's.
        let (other, _) = proof(app, &stranger, &id).await;
        watch.hidden(get(&worker, format!("/api/v1/agent/submissions/{other}")), get(&worker, format!("/api/v1/agent/submissions/{NOBODY}"))).await;
        drop(get(&worker, format!("/api/v1/agent/submissions/{submission}")).await.expect(200));
        // Ids of another kind are no key to anything.
        watch.hidden(approve(app, &creator, &acceptance), approve(app, &creator, NOBODY)).await;
        watch.hidden(close(app, &creator, &submission), close(app, &creator, NOBODY)).await;
        watch.hidden(accept(app, &stranger, &submission), accept(app, &stranger, NOBODY)).await;
        watch.refused(approve(app, &creator, "not-an-id"), 422, "invalid_field").await;
        for (list, cursor) in [("mine", "published"), ("published", "mine")] {
            let page = get(&worker, format!("/api/v1/agent/tasks/{list}?cursor={}", foreign_cursor(cursor)));
            watch.refused(page, 400, "invalid_cursor").await;
        }
        for cursor in ["x", "AAAA", "bWluZTpub3QtYW4taWQ"] {
            watch.refused(get(&worker, format!("/api/v1/agent/tasks/mine?cursor={cursor}")), 400, "invalid_cursor").await;
        }
    }

    async fn who_may_not_take_a_slot_does_not(app, |config| generous(config)) {
        let (creator, people) = (app.rich_bot(100).await, bots(app, 3).await);
        let [one, two, three] = &people[..] else { panic!() };
        let open = publish(app, &creator, &task("1", 2)).await;
        let human = publish(app, &creator, &task_with("1", 2, &json!({ "worker_type": "human" }))).await;
        let rated = publish(app, &creator, &task_with("1", 2, &json!({ "min_rating": 1 }))).await;
        let closed = publish(app, &creator, &task("1", 2)).await;
        drop(close(app, &creator, &closed).await.expect(200));
        let soon = publish(app, &creator, &task_with("1", 2, &json!({ "expires_at": app.now().plus(Span::hours(1)) }))).await;
        let mut users: Vec<UserId> = people.iter().map(|bot| bot.user_id).collect();
        users.push(creator.user_id);
        let watch = Watch { app, users, tasks: vec![(creator.clone(), open.clone()), (creator.clone(), soon.clone())] };
        watch.refused(accept(app, &creator, &open), 409, "own_task").await;
        watch.refused(accept(app, one, &human), 409, "worker_type_mismatch").await;
        watch.refused(accept(app, one, &rated), 409, "rating_too_low").await;
        watch.refused(accept(app, one, &closed), 409, "task_closed").await;
        watch.refused(submit(app, one, &open), 409, "not_accepted").await;
        watch.refused(cancel(app, one, &open), 409, "not_accepted").await;
        drop(accept(app, one, &open).await.expect(201));
        watch.refused(accept(app, one, &open), 409, "already_accepted").await;
        drop(accept(app, two, &open).await.expect(201));
        watch.refused(accept(app, three, &open), 409, "task_full").await;
        // After one cancel of his own a worker may try once more, not twice.
        drop(cancel(app, two, &open).await.expect(200));
        drop(accept(app, two, &open).await.expect(201));
        drop(cancel(app, two, &open).await.expect(200));
        watch.refused(accept(app, two, &open), 409, "already_tried").await;
        watch.refused(cancel(app, two, &open), 409, "not_accepted").await;
        app.advance(Span::hours(1));
        watch.refused(accept(app, three, &soon), 409, "task_expired").await;
        watch.refused(on_task(app, &creator, &soon, "extend", &json!({ "slots_added": 1 })), 409, "task_expired").await;
        watch.refused(close(app, &creator, &soon), 409, "task_expired").await;
        app.advance(Span::hours(23));
        watch.refused(submit(app, one, &open), 409, "deadline_passed").await;
        watch.refused(cancel(app, one, &open), 409, "deadline_passed").await;
        watch.refused(accept(app, one, &open), 409, "already_tried").await;
        app.run_jobs().await;
        watch.refused(submit(app, one, &open), 409, "not_accepted").await;
        watch.refused(accept(app, one, &open), 409, "already_tried").await;
        watch.refused(close(app, &creator, &soon), 409, "task_closed").await;
        watch.refused(on_task(app, &creator, &open, "extend", &json!({})), 422, "nothing_to_extend").await;
        watch.refused(on_task(app, &creator, &open, "extend", &json!({ "slots_added": 9_999 })), 422, "escrow_too_large").await;
        watch.refused(on_task(app, &creator, &open, "extend", &json!({ "slots_added": 500 })), 402, "insufficient_funds").await;
        drop(close(app, &creator, &open).await.expect(200));
        watch.refused(on_task(app, &creator, &open, "extend", &json!({ "slots_added": 1 })), 409, "task_closed").await;
        watch.refused(close(app, &creator, &open), 409, "task_closed").await;
    }

    async fn a_proof_has_the_parts_that_the_task_wants(app, |config| generous(config)) {
        let (creator, worker) = (app.rich_bot(100).await, app.bot().await);
        let users = vec![creator.user_id, worker.user_id];
        for (rule, good, bad) in [
            (json!({}), json!({ "proof_text": "Done" }), vec![(json!({}), "proof_missing"), (json!({ "proof_text": "  " }), "proof_missing")]),
            (json!({ "url": "required" }), json!({ "proof_url": "https://x.com/1" }), vec![(json!({ "proof_text": "Done" }), "proof_missing")]),
            (json!({ "text": "required" }), json!({ "proof_text": "Done" }), vec![(json!({ "proof_url": "https://x.com/1" }), "proof_missing")]),
            (json!({ "url": "none" }), json!({ "proof_text": "Done" }), vec![
                (json!({ "proof_url": "https://x.com/1", "proof_text": "Done" }), "proof_not_wanted"), (json!({}), "proof_missing"),
            ]),
            (json!({ "text": "none", "url": "required" }), json!({ "proof_url": "http://x.com/1" }), vec![
                (json!({ "proof_url": "https://x.com/1", "proof_text": "Done" }), "proof_not_wanted"),
                (json!({ "proof_url": "javascript:alert(1)" }), "invalid_url"),
                (json!({ "proof_url": "data:text/html,x" }), "invalid_url"),
                (json!({ "proof_url": "https://" }), "invalid_url"),
                (json!({ "proof_url": "x".repeat(2_001) }), "invalid_field"),
            ]),
        ] {
            let id = publish(app, &creator, &task_with("1", 1, &json!({ "proof": rule }))).await;
            drop(accept(app, &worker, &id).await.expect(201));
            let watch = Watch { app, users: users.clone(), tasks: vec![(creator.clone(), id.clone())] };
            for (body, code) in bad {
                watch.refused(on_task(app, &worker, &id, "submit", &body), 422, code).await;
            }
            drop(on_task(app, &worker, &id, "submit", &good).await.expect(201));
            watch.refused(on_task(app, &worker, &id, "submit", &good), 409, "already_submitted").await;
            watch.refused(cancel(app, &worker, &id), 409, "already_submitted").await;
        }
    }

    async fn a_verdict_is_given_once_in_time_and_by_the_creator(app, |config| generous(config)) {
        let (creator, worker, admin) = (app.rich_bot(100).await, app.bot().await, app.bot().await);
        make_admin(app, &admin).await;
        let users = vec![creator.user_id, worker.user_id, admin.user_id];
        let watch_of = |id: &str| Watch { app, users: users.clone(), tasks: vec![(creator.clone(), id.to_owned())] };
        let no = json!({ "reason_code": "other", "reason": "too short" });

        let id = publish(app, &creator, &task("1", 1)).await;
        let (one, slot) = proof(app, &worker, &id).await;
        let watch = watch_of(&id);
        watch.refused(on_proof(app, &creator, &one, "reject", &no), 422, "invalid_field").await;
        watch.refused(on_proof(app, &creator, &one, "reject", &json!({ "reason": "Not what was asked for." })), 422, "invalid_field").await;
        watch.refused(on_proof(app, &creator, &one, "reject", &json!({ "reason_code": "mood", "reason": "Not what was asked for." })), 422, "invalid_field").await;
        watch.refused(rate(app, &creator, &slot, 5), 409, "not_settled").await;
        watch.refused(rate(app, &worker, &slot, 5), 409, "not_settled").await;
        watch.refused(tip(app, &creator, &one, "1"), 409, "not_settled").await;
        watch.refused(dispute(app, &worker, &one), 409, "not_rejected").await;
        watch.refused(on_proof(app, &worker, &one, "evidence", &json!({ "text": "See there." })), 409, "not_disputed").await;
        watch.refused(decide(app, &admin, &slot, "pay", None), 409, "not_disputed").await;
        drop(request_changes(app, &creator, &one).await.expect(200));
        watch.refused(approve(app, &creator, &one), 409, "not_in_review").await;
        let two = text(&submit(app, &worker, &id).await.expect(201).json()["submission_id"]);
        watch.refused(approve(app, &creator, &one), 409, "superseded").await;
        watch.refused(request_changes(app, &creator, &two), 409, "resubmissions_used_up").await;
        drop(approve(app, &creator, &two).await.expect(200));
        for _ in 0..2 {
            watch.refused(approve(app, &creator, &two), 409, "not_in_review").await;
            watch.refused(reject(app, &creator, &two), 409, "not_in_review").await;
            watch.refused(request_changes(app, &creator, &two), 409, "not_in_review").await;
        }
        watch.refused(dispute(app, &worker, &two), 409, "not_rejected").await;
        watch.refused(rate(app, &creator, &slot, 0), 422, "invalid_field").await;
        watch.refused(rate(app, &creator, &slot, 6), 422, "invalid_field").await;
        drop(rate(app, &creator, &slot, 5).await.expect(201));
        drop(rate(app, &worker, &slot, 1).await.expect(201));
        watch.refused(rate(app, &creator, &slot, 1), 409, "already_rated").await;
        watch.refused(rate(app, &worker, &slot, 5), 409, "already_rated").await;
        for (amount, status, code) in [("0", 422, "invalid_field"), ("-1", 422, "invalid_field"), ("0.0000001", 422, "invalid_field"), ("1000", 402, "insufficient_funds")] {
            watch.refused(tip(app, &creator, &two, amount), status, code).await;
        }

        let id = publish(app, &creator, &task("1", 1)).await;
        let (one, slot) = proof(app, &worker, &id).await;
        let watch = watch_of(&id);
        drop(reject(app, &creator, &one).await.expect(200));
        watch.refused(tip(app, &creator, &one, "1"), 409, "not_settled").await;
        drop(dispute(app, &worker, &one).await.expect(200));
        watch.refused(dispute(app, &worker, &one), 409, "not_rejected").await;
        watch.refused(reject(app, &creator, &one), 409, "not_in_review").await;
        watch.refused(decide(app, &creator, &slot, "refund", None), 403, "admin_only").await;
        watch.refused(decide(app, &admin, &slot, "split", None), 422, "percent_is_for_split").await;
        watch.refused(decide(app, &admin, &slot, "pay", Some(50)), 422, "percent_is_for_split").await;
        for percent in [0, 100, -1] {
            watch.refused(decide(app, &admin, &slot, "split", Some(percent)), 422, "invalid_field").await;
        }
        watch.hidden(decide(app, &admin, &one, "pay", None), decide(app, &admin, NOBODY, "pay", None)).await;
        make_admin(app, &creator).await;
        watch.refused(decide(app, &creator, &slot, "refund", None), 409, "own_case").await;
        drop(decide(app, &admin, &slot, "refund", None).await.expect(200));
        watch.refused(decide(app, &admin, &slot, "pay", None), 409, "not_disputed").await;
        watch.refused(on_proof(app, &worker, &one, "evidence", &json!({ "text": "See there." })), 409, "not_disputed").await;

        let id = publish(app, &creator, &task("1", 2)).await;
        let (one, _) = proof(app, &worker, &id).await;
        let (other, _) = proof(app, &admin, &id).await;
        let watch = watch_of(&id);
        drop(reject(app, &creator, &one).await.expect(200));
        app.advance(Span::hours(48));
        watch.refused(approve(app, &creator, &other), 409, "review_window_passed").await;
        watch.refused(reject(app, &creator, &other), 409, "review_window_passed").await;
        watch.refused(request_changes(app, &creator, &other), 409, "review_window_passed").await;
        app.advance(Span::hours(24));
        watch.refused(dispute(app, &worker, &one), 409, "dispute_window_passed").await;
    }

    async fn nobody_refers_himself_or_anybody_later(app, |config| generous(config)) {
        let bot = app.bot().await;
        let code = app.get("/api/v1/agent/referrals").key(&bot).send().await.expect(200).json()["code"].clone();
        let watch = Watch { app, users: vec![bot.user_id], tasks: Vec::new() };
        // A code is bound at registration only: there is no field for it anywhere else.
        for field in ["referral_code", "referrer_id"] {
            let patch = app.ask("PATCH", "/api/v1/agent/profile").key(&bot).json(&json!({ field: code })).send();
            watch.refused(patch, 422, "unknown_field").await;
        }
        watch.refused(app.post("/api/v1/agent/register").json(&json!({ "referral_code": "nobody" })).send(), 422, "unknown_referral_code").await;
        // Whoever registers with a credential of his own at hand is somebody new, brought by himself the old one.
        let other = app.post("/api/v1/agent/register").key(&bot).json(&json!({ "referral_code": code })).send().await.expect(201).json();
        assert_ne!(other["user_id"], json!(bot.user_id));
        let list = app.get("/api/v1/agent/referrals").key(&bot).send().await.expect(200).json();
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    }
}

/// A cursor as the list of that name gives them.
fn foreign_cursor(list: &str) -> String {
    roborent::base::page::cursor(list, NOBODY)
}
