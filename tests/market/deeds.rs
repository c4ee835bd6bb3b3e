//! What people do in the market, over REST, and what can be seen of it.

use roborent::base::config::Config;
use roborent::base::limit::Limit;
use roborent::base::{Usdt, UserId};
use roborent::testing::{Answered, Bot, TestApp};
use serde_json::{Value, json};

/// Limits that do not stand in the way.
pub fn generous(config: &mut Config) {
    let limits = &mut config.limits;
    for limit in [
        &mut limits.register,
        &mut limits.sign_in,
        &mut limits.accept,
        &mut limits.submit,
        &mut limits.cancel,
        &mut limits.publish,
        &mut limits.review,
        &mut limits.read,
    ] {
        *limit = Limit::per_minute(10_000_000);
    }
}

/// A task that takes any proof.
pub fn task(reward: &str, slots: usize) -> Value {
    json!({
        "title": "Follow @roborent on X", "description": "Follow the account and send the address of your profile.",
        "category": "social", "reward_usd": reward, "slots": slots,
    })
}

/// The same with other fields.
pub fn task_with(reward: &str, slots: usize, fields: &Value) -> Value {
    let mut body = task(reward, slots);
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

/// The published task's id.
pub async fn publish(app: &TestApp, creator: &Bot, body: &Value) -> String {
    text(&app.post("/api/v1/agent/tasks").key(creator).json(body).send().await.expect(201).json()["task_id"])
}

/// Does `verb` to a task.
pub async fn on_task(app: &TestApp, who: &Bot, task: &str, verb: &str, body: &Value) -> Answered {
    app.post(&format!("/api/v1/agent/tasks/{task}/{verb}")).key(who).json(body).send().await
}

pub async fn accept(app: &TestApp, worker: &Bot, task: &str) -> Answered {
    on_task(app, worker, task, "accept", &json!({})).await
}

pub async fn cancel(app: &TestApp, worker: &Bot, task: &str) -> Answered {
    on_task(app, worker, task, "cancel", &json!({})).await
}

pub async fn close(app: &TestApp, creator: &Bot, task: &str) -> Answered {
    on_task(app, creator, task, "close", &json!({})).await
}

pub async fn submit(app: &TestApp, worker: &Bot, task: &str) -> Answered {
    on_task(app, worker, task, "submit", &json!({ "proof_url": "https://x.com/user/status/123", "proof_text": "Done" })).await
}

/// A proof of `worker` for `task`, in review: its id and that of the acceptance.
pub async fn proof(app: &TestApp, worker: &Bot, task: &str) -> (String, String) {
    let accepted = accept(app, worker, task).await.expect(201).json();
    let submitted = submit(app, worker, task).await.expect(201).json();
    (text(&submitted["submission_id"]), text(&accepted["acceptance_id"]))
}

/// Does `verb` to a proof.
pub async fn on_proof(app: &TestApp, who: &Bot, proof: &str, verb: &str, body: &Value) -> Answered {
    app.post(&format!("/api/v1/agent/submissions/{proof}/{verb}")).key(who).json(body).send().await
}

pub async fn approve(app: &TestApp, creator: &Bot, proof: &str) -> Answered {
    on_proof(app, creator, proof, "approve", &json!({})).await
}

pub async fn reject(app: &TestApp, creator: &Bot, proof: &str) -> Answered {
    on_proof(app, creator, proof, "reject", &json!({ "reason_code": "incomplete", "reason": "The post is not there." })).await
}

pub async fn request_changes(app: &TestApp, creator: &Bot, proof: &str) -> Answered {
    on_proof(app, creator, proof, "request-changes", &json!({ "note": "Please add the address." })).await
}

pub async fn dispute(app: &TestApp, worker: &Bot, proof: &str) -> Answered {
    on_proof(app, worker, proof, "dispute", &json!({ "reason": "The post is there, look again." })).await
}

pub async fn tip(app: &TestApp, creator: &Bot, proof: &str, amount: &str) -> Answered {
    on_proof(app, creator, proof, "tip", &json!({ "amount": amount })).await
}

pub async fn rate(app: &TestApp, who: &Bot, acceptance: &str, stars: i64) -> Answered {
    app.post(&format!("/api/v1/agent/acceptances/{acceptance}/rate")).key(who).json(&json!({ "stars": stars })).send().await
}

/// An admin's decision: `pay`, `refund`, or `split` with a percentage.
pub async fn decide(app: &TestApp, admin: &Bot, acceptance: &str, decision: &str, percent: Option<i64>) -> Answered {
    let body = json!({ "decision": decision, "percent": percent, "reason": "Looked at both sides." });
    app.post(&format!("/api/v1/admin/disputes/{acceptance}/decide")).key(admin).json(&body).send().await
}

/// Makes a bot an admin, who has a key that outlives every session.
pub async fn make_admin(app: &TestApp, bot: &Bot) {
    static MAKE_ADMIN: store::Stmt<(UserId,), ()> = store::Stmt::new("update users set is_admin = true where id = $1");
    let user = bot.user_id;
    app.app.dispatcher.system(move |cx| Ok(cx.tx.write(&MAKE_ADMIN, (user,))?)).await.unwrap();
}

/// The task as `who` sees it.
pub async fn seen(app: &TestApp, who: &Bot, task: &str) -> Value {
    app.get(&format!("/api/v1/agent/tasks/{task}")).key(who).send().await.expect(200).json()
}

/// Available and held money of each, in micro-USDT, as the accounts say.
pub async fn money(app: &TestApp, users: &[UserId]) -> Vec<(i64, i64)> {
    static ACCOUNTS: store::Stmt<(), (UserId, String, i64)> =
        store::Stmt::new("select owner, kind, balance from accounts where balance > 0");
    let accounts = app.app.dispatcher.look(|cx| Ok(cx.tx.all(&ACCOUNTS, ())?)).await.unwrap();
    let sum = |user: UserId, available: bool| {
        let of_user = accounts.iter().filter(|(owner, kind, _)| *owner == user && (kind == "user_available") == available);
        of_user.map(|(.., balance)| balance).sum()
    };
    users.iter().map(|user| (sum(*user, true), sum(*user, false))).collect()
}

/// The money of one.
pub async fn money_of(app: &TestApp, who: &Bot) -> (i64, i64) {
    money(app, &[who.user_id]).await[0]
}

/// Everything that was told to `who` so far.
pub async fn events(app: &TestApp, who: &Bot) -> Vec<Value> {
    app.run_jobs().await;
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let list = app.get(&format!("/api/v1/agent/events?limit=200&after={after}")).key(who).send().await.expect(200).json();
        let items = list["items"].as_array().unwrap();
        if items.is_empty() {
            return events;
        }
        events.extend(items.iter().cloned());
        after = list["next_cursor"].as_i64().unwrap();
    }
}

/// An amount of an answer in micro-USDT.
pub fn micro(amount: &Value) -> i64 {
    serde_json::from_value::<Usdt>(amount.clone()).unwrap().micro()
}

/// A text of an answer.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// So many bots.
pub async fn bots(app: &TestApp, count: usize) -> Vec<Bot> {
    together((0..count).map(|_| app.bot())).await
}

/// All at once.
pub async fn together<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, output) in &mut running {
            if output.is_none()
                && let std::task::Poll::Ready(done) = future.as_mut().poll(cx)
            {
                *output = Some(done);
            }
        }
        if running.iter().all(|(_, output)| output.is_some()) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    running.into_iter().map(|(_, output)| output.unwrap()).collect()
}
