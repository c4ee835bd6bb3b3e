//! What is played: two bots and a person, four slots, each ending in another way.

use serde_json::{Value, json};

use crate::commands::demo::client::{Client, Credential};
use crate::commands::demo::receiver::Receiver;
use crate::commands::say;
use crate::start::StartError;

pub(super) type Told<T = ()> = Result<T, StartError>;

pub(super) struct Story {
    pub(super) client: Client,
    pub(super) receiver: Receiver,
    admin: (&'static str, String),
    step: u32,
}

/// Somebody with a wallet.
pub(super) struct Actor {
    name: &'static str,
    pub(super) credential: Credential,
}

impl Story {
    pub(super) const fn new(client: Client, receiver: Receiver, admin: (&'static str, String)) -> Self {
        Self { client, receiver, admin, step: 0 }
    }

    pub(super) async fn tell(mut self) -> Told {
        let ada = self.register("Ada", None).await?;
        let code = self.text(&ada, "/api/v1/agent/referrals", "code").await?;
        let bob = self.register("Bob", Some(&code)).await?;
        self.say(&format!("Bob came with Ada's referral code {code}: for 12 months she earns a part of the fees he causes"))?;
        let mut eve = self.sign_in().await?;
        self.listens(&ada).await?;
        let task = self.publish(&ada).await?;
        self.approved_at_once(&ada, &eve, &task).await?;
        self.approved_by_silence(&ada, &bob, &task).await?;
        // Two days later her token has expired.
        eve = self.sign_in().await?;
        self.rejected_and_disputed(&ada, &eve).await?;
        self.closed(&ada, &task).await?;
        self.fails_and_is_repeated(&ada).await?;
        self.paid_out(&ada, &eve).await?;
        self.totals(&ada, &[&bob, &eve]).await
    }

    async fn register(&mut self, name: &'static str, code: Option<&str>) -> Told<Actor> {
        let mut body = json!({ "agent_name": name });
        if let Some(code) = code {
            body["referral_code"] = json!(code);
        }
        let bot = self.client.post(&Credential::Nothing, "/api/v1/agent/register", body).await?;
        let (user_id, key) = (text_of(&bot, "user_id")?, text_of(&bot, "api_key")?);
        self.say(&format!("{name} registers as a bot: user {user_id}, key {}… (shown once)", text_of(&bot, "key_prefix")?))?;
        Ok(Actor { name, credential: Credential::Key(key) })
    }

    /// The person: whoever has a password signs in and holds a token for an hour.
    async fn sign_in(&mut self) -> Told<Actor> {
        let (email, password) = &self.admin;
        let body = json!({ "email": email, "password": password });
        let session = self.client.post(&Credential::Nothing, "/auth/v1/token?grant_type=password", body).await?;
        self.say(&format!("Eve, a person, signs in with e-mail and password: a token for {} seconds", session["expires_in"]))?;
        Ok(Actor { name: "Eve", credential: Credential::Token(text_of(&session, "access_token")?) })
    }

    async fn publish(&mut self, ada: &Actor) -> Told<String> {
        let address = self.text(ada, "/api/v1/finance/deposit/address", "address").await?;
        self.client.post(&Credential::Nothing, "/sandbox/faucet", json!({ "address": address, "usdt": 100 })).await?;
        let balance = self.client.get(&ada.credential, "/api/v1/finance/balance").await?;
        let deposits = self.client.get(&ada.credential, "/api/v1/finance/deposits").await?;
        self.say(&format!(
            "100 USDT arrive on the devnet at Ada's deposit address {address}, in transaction {}: {} available",
            shown(&deposits["items"][0]["txid"]),
            balance["available_balance"]
        ))?;
        let mut task = json!({
            "title": "Follow @roborent on X", "description": "Follow the account and send the address of your profile.",
            "category": "social", "reward_usd": 1.5, "slots": 3, "proof": { "url": "required" },
        });
        let quote = self.client.post(&ada.credential, "/api/v1/agent/tasks?dry_run=true", task.clone()).await?;
        self.say(&format!("Ada asks what it would cost: {} in escrow, of which {} are fees", quote["escrow_usd"], quote["fee_usd"]))?;
        task["tags"] = json!(["x", "follow"]);
        let published = self.client.post(&ada.credential, "/api/v1/agent/tasks", task).await?;
        self.say(&format!(
            "Ada publishes 3 slots of 1.50: {} go into escrow, {} stay available; she has {} hours for each verdict",
            published["escrow_usd"], published["balance_after"]["available_balance"], published["review_window_hours"]
        ))?;
        text_of(&published, "task_id")
    }

    async fn approved_at_once(&mut self, ada: &Actor, eve: &Actor, task: &str) -> Told {
        let found =
            self.client.post(&eve.credential, "/api/v1/agent/tasks/search", json!({ "category": "social", "min_reward": 1 })).await?;
        self.say(&format!(
            "Eve searches: \"{}\" pays {} after the fee",
            text_of(&found["items"][0], "title")?,
            found["items"][0]["reward_net_usd"]
        ))?;
        let submission = self.prove(eve, task).await?;
        let published = ["worker_id", "proof_text", "proof_url", "submitted_at"];
        self.told_by_webhook("proof_submitted", &published).await?;
        let approved = self.review(ada, &submission, "approve", json!({})).await?;
        self.say(&format!("Ada approves: {} to Eve, {} to the platform, in one booking", approved["reward_net_usd"], approved["fee_usd"]))?;
        let tip = self.review(ada, &submission, "tip", json!({ "amount": 0.25 })).await?;
        self.say(&format!("Ada tips her {}", tip["amount"]))?;
        let acceptance = text_of(&approved, "acceptance_id")?;
        self.client.post(&eve.credential, &format!("/api/v1/agent/acceptances/{acceptance}/rate"), json!({ "stars": 5 })).await?;
        self.say("Eve rates Ada with 5 stars")
    }

    async fn approved_by_silence(&mut self, ada: &Actor, bob: &Actor, task: &str) -> Told {
        self.prove(bob, task).await?;
        self.client.post(&Credential::Nothing, "/sandbox/clock", json!({ "advance_seconds": 48 * 3600 })).await?;
        let mine = self.client.get(&bob.credential, "/api/v1/agent/tasks/mine").await?;
        self.say(&format!("48 hours pass without a verdict: Bob's slot is {} by the clock", shown(&mine["items"][0]["status"])))?;
        let earned = self.client.get(&ada.credential, "/api/v1/agent/referrals").await?;
        self.say(&format!("Ada's commission for Bob: {}", earned["total_earned"]))
    }

    async fn rejected_and_disputed(&mut self, ada: &Actor, eve: &Actor) -> Told {
        let bot = self.register("Mallory", None).await?;
        let task = json!({
            "title": "Transcribe one page", "description": "Type the text of the page that the address shows.",
            "category": "transcription", "reward_usd": 2, "slots": 1, "proof": { "text": "required" },
        });
        let task = text_of(&self.client.post(&ada.credential, "/api/v1/agent/tasks", task).await?, "task_id")?;
        let submission = self.prove(&bot, &task).await?;
        let rejected = self
            .review(ada, &submission, "reject", json!({ "reason_code": "incomplete", "reason": "The second half is missing." }))
            .await?;
        self.say(&format!(
            "Ada rejects Mallory's proof; the money stays in escrow, disputable until {}",
            shown(&rejected["disputable_until"])
        ))?;
        let dispute = self.review(&bot, &submission, "dispute", json!({ "reason": "The page has one half only." })).await?;
        self.say(&format!("Mallory disputes it: without a decision by {} it is decided for the worker", shown(&dispute["decide_by"])))?;
        let acceptance = text_of(&dispute, "acceptance_id")?;
        let verdict = json!({ "decision": "split", "percent": 50, "reason": "Half of the page was typed." });
        let decided = self.client.post(&eve.credential, &format!("/api/v1/admin/disputes/{acceptance}/decide"), verdict).await?;
        self.say(&format!(
            "Eve, who is an admin here, splits: {} to Mallory, {} fee, {} back to Ada",
            decided["worker_usd"], decided["fee_usd"], decided["creator_usd"]
        ))
    }

    async fn closed(&mut self, ada: &Actor, task: &str) -> Told {
        let closed = self.client.post(&ada.credential, &format!("/api/v1/agent/tasks/{task}/close"), json!({})).await?;
        self.say(&format!(
            "Ada closes the first task: {} come back for the free slot, it is {}",
            closed["refunded_usd"],
            shown(&closed["status"])
        ))?;
        // The one-page task ended before it.
        self.told_by_webhook("task_completed", &["slots_filled", "slots_total", "completed_at"]).await?;
        self.told_by_webhook("task_completed", &["slots_filled", "slots_total", "completed_at"]).await
    }

    async fn totals(&mut self, ada: &Actor, others: &[&Actor]) -> Told {
        self.client.post(&Credential::Nothing, "/sandbox/clock", json!({ "advance_seconds": 0 })).await?;
        for actor in [ada].into_iter().chain(others.iter().copied()) {
            let balance = self.client.get(&actor.credential, "/api/v1/finance/balance").await?;
            self.say(&format!("{} has {} available and {} held", actor.name, balance["available_balance"], balance["held_balance"]))?;
        }
        let log = self.client.get(&ada.credential, "/api/v1/agent/events").await?;
        let names: Vec<&str> = log["items"].as_array().into_iter().flatten().filter_map(|event| event["event"].as_str()).collect();
        self.say(&format!("Ada was told, in this order: {}", names.join(", ")))
    }

    /// Takes a slot and hands in a proof.
    async fn prove(&mut self, worker: &Actor, task: &str) -> Told<String> {
        let accepted = self.client.post(&worker.credential, &format!("/api/v1/agent/tasks/{task}/accept"), json!({})).await?;
        self.say(&format!("{} accepts; the proof is due by {}", worker.name, shown(&accepted["deadline"])))?;
        let proof = json!({ "proof_url": "https://x.com/user/status/123", "proof_text": "Done" });
        let submitted = self.client.post(&worker.credential, &format!("/api/v1/agent/tasks/{task}/submit"), proof).await?;
        self.say(&format!(
            "{} hands in a proof; without a verdict it is approved at {}",
            worker.name,
            shown(&submitted["auto_approve_at"])
        ))?;
        text_of(&submitted, "submission_id")
    }

    async fn review(&self, who: &Actor, submission: &str, verb: &str, body: Value) -> Told<Value> {
        self.client.post(&who.credential, &format!("/api/v1/agent/submissions/{submission}/{verb}"), body).await
    }

    async fn text(&self, who: &Actor, path: &str, field: &str) -> Told<String> {
        text_of(&self.client.get(&who.credential, path).await?, field)
    }

    pub(super) fn say(&mut self, line: &str) -> Told {
        self.step += 1;
        say(&format!("{:>3}  {line}", self.step))
    }
}

/// A value as a reader wants it: times to the second and without quotes.
pub(super) fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match text.split_once('T') {
        Some((day, time)) if text.ends_with('Z') && time.len() > 8 => format!("{day} {}", &time[..8]),
        _ => text,
    }
}

pub(super) fn text_of(value: &Value, field: &str) -> Told<String> {
    value[field].as_str().map(str::to_owned).ok_or_else(|| StartError(format!("the answer has no {field}: {value}")))
}
