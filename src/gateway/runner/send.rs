//! Sends what is stored, the same bytes again and again, and looks for proof where time ran out.

use tron::node::{Lookup, Verdict};
use tron::{SignedTransaction, Txid};

use crate::base::Span;
use crate::base::error::{Result, internal};
use crate::gateway::attempt::{self, REFUSED};
use crate::gateway::lease::Token;
use crate::gateway::order::Attempt;
use crate::gateway::runner::Gateway;
use crate::gateway::runner::side_by_side::side_by_side;
use crate::gateway::store;

/// Nodes forget what waits longer than a minute.
const AGAIN_AFTER: Span = Span::seconds(15);
/// As many providers as there are, at most two, have to say that a transaction is not there.
const WITNESSES: usize = 2;

impl Gateway {
    pub(super) async fn send(&self, token: Token) -> Result<()> {
        let chain_now = self.cursor().await?.at;
        let now = self.dispatcher.clock.now();
        let mut due = self.dispatcher.look(store::live_attempts).await?;
        due.retain(|attempt| {
            let rested = attempt.sent_at.is_none_or(|at| at < self.since || now >= at.plus(AGAIN_AFTER));
            chain_now < attempt.expires_at && rested && !attempt.last_reply.starts_with(REFUSED)
        });
        side_by_side(due, |attempt| self.send_one(token, attempt)).await
    }

    /// Sends the stored bytes to every provider, and writes down what they said.
    async fn send_one(&self, token: Token, attempt: Attempt) -> Result<()> {
        let signed = SignedTransaction::read(&attempt.signed).map_err(internal)?;
        let replies = self.pool.broadcast(&signed).await;
        let said: Vec<String> = replies.iter().map(|reply| format!("{} {} {}", reply.provider, reply.code, reply.message)).collect();
        let all_refused = replies.iter().all(|reply| reply.verdict == Verdict::Refused);
        let mut said = said.join(", ");
        if all_refused {
            tracing::error!(txid = %signed.txid(), said, "every node refuses a transaction; it is not sent again, and waits for its proof");
            said.insert_str(0, REFUSED);
        }
        said.truncate(said.floor_char_boundary(500));
        let txid = attempt.txid;
        self.dispatcher.system(move |cx| attempt::record_send(cx, token, txid, &said)).await
    }

    /// Attempts that no block can take in any more.
    pub(super) async fn bury(&self, token: Token) -> Result<()> {
        let chain_now = self.cursor().await?.at;
        let mut over = self.dispatcher.look(store::live_attempts).await?;
        over.retain(|attempt| chain_now >= attempt.expires_at);
        side_by_side(over, |attempt| self.bury_one(token, attempt.txid)).await
    }

    async fn bury_one(&self, token: Token, txid: [u8; 32]) -> Result<()> {
        let absent = match self.pool.solid_transaction(Txid::from_bytes(txid), WITNESSES).await {
            Lookup::Absent { .. } => true,
            // Every block that it may lie in was read, and does not hold it.
            Lookup::Found { .. } => false,
            Lookup::Unclear(errors) => {
                tracing::warn!(?errors, "nodes do not say whether a transaction is on the chain");
                return Ok(());
            }
        };
        self.dispatcher.system(move |cx| attempt::record_death(cx, token, txid, absent)).await.map(drop)
    }
}
