//! The part of the story in which Ada takes money out: held, looked at, signed, and seen on the chain.

use serde_json::{Value, json};

use crate::commands::demo::client::Credential;
use crate::commands::demo::story::{Actor, Story, Told, shown, text_of};
use crate::start::StartError;

/// A wallet that is not the market's.
const OUTSIDE: &str = "TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH";

impl Story {
    /// Eve is an admin here.
    pub(super) async fn paid_out(&mut self, ada: &Actor, eve: &Actor) -> Told {
        let wanted = json!({ "amount": 25.00, "address": OUTSIDE, "currency": "USDT" });
        let asked = self.client.post_once(&ada.credential, "/api/v1/finance/withdraw", "withdraw-1", wanted).await?;
        self.say(&format!(
            "Ada withdraws {} to {OUTSIDE}: {} will arrive, the fee is {}",
            asked["amount"], asked["net_amount"], asked["fee"]
        ))?;
        let id = text_of(&asked, "withdrawal_id")?;
        let seen = self.withdrawal(ada, &id, "in_review").await?;
        self.say(&format!("it is {}: {}", shown(&seen["status"]), shown(&seen["reason"])))?;
        let approve = format!("/api/v1/admin/withdrawals/{id}/approve");
        self.client.post(&eve.credential, &approve, json!({ "reason": "Ada is known." })).await?;
        self.say("Eve approves it")?;
        let done = self.withdrawal(ada, &id, "completed").await?;
        let transaction = self.look_at_chain(&text_of(&done, "txid")?).await?;
        self.say(&format!(
            "the gateway signs, sends and confirms it: transaction {} is {} in solid block {}",
            shown(&done["txid"]),
            shown(&transaction["receipt"]["result"]),
            transaction["blockNumber"]
        ))?;
        let open = self.client.get(&Credential::Nothing, "/api/v1/transparency").await?;
        self.say(&format!(
            "everybody can see at block {}: {} on the chain, {} owed to users, difference {}",
            open["block"], open["on_chain"], open["liabilities"], open["difference"]
        ))
    }

    /// Waits, with the clock of the sandbox, until it is that far.
    async fn withdrawal(&self, ada: &Actor, id: &str, status: &str) -> Told<Value> {
        for _ in 0..10 {
            self.client.post(&Credential::Nothing, "/sandbox/clock", json!({ "advance_seconds": 1 })).await?;
            let seen = self.client.get(&ada.credential, &format!("/api/v1/finance/withdrawals/{id}")).await?;
            if seen["status"] == status {
                return Ok(seen);
            }
        }
        Err(StartError(format!("the withdrawal does not become {status}")))
    }

    /// What the node of the sandbox, which is no part of the market, says of a transaction.
    async fn look_at_chain(&self, txid: &str) -> Told<Value> {
        let sandbox = self.client.get(&Credential::Nothing, "/sandbox").await?;
        let node = text_of(&sandbox, "devnet_url")?;
        self.client.ask_node(&node, &format!("/walletsolidity/gettransactioninfobyid?value={txid}")).await
    }
}
