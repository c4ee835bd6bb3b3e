//! Handing a signed transaction to a node, and what its reply is worth: little. A reply says what one node thinks at one
//! moment; what became of the transaction is read from the solid chain.

use std::sync::Arc;

use serde_json::json;

use super::Node;
use super::error::{NodeError, Trouble};
use super::wire::BroadcastAnswer;
use crate::ids::Txid;
use crate::signed::SignedTransaction;

/// What a reply to a broadcast means for the sender (codes: java-tron, `api.proto`, `Wallet.broadcastTransaction`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is in the pool of that node. It may still never get into a block.
    Accepted,
    /// That node has heard of the id. Some note the id before they check the transaction, so this is no success.
    Known,
    /// Nothing can be said: send the same bytes again, also elsewhere. Also for every failure of the connection.
    Unclear,
    /// That node did not take it. It may still be under way through another: wait until it has expired on the solid chain.
    Refused,
}

/// One node's reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BroadcastReply {
    /// Who replied.
    pub provider: Arc<str>,
    /// What it means.
    pub verdict: Verdict,
    /// The code as the node wrote it, or what kept it from replying.
    pub code: String,
    /// The node's remark, for people.
    pub message: String,
}

impl Node {
    /// Sends these bytes, exactly these (`broadcasthex`; `broadcasttransaction` would write them anew from JSON).
    /// Not being answered is a reply, too: [`Verdict::Unclear`].
    pub async fn broadcast(&self, signed: &SignedTransaction) -> BroadcastReply {
        match self.full::<BroadcastAnswer>("/wallet/broadcasthex", &json!({ "transaction": signed.to_hex() })).await {
            Ok(answer) => self.reply(answer, signed.txid()),
            Err(NodeError { provider, trouble }) => {
                BroadcastReply { provider, verdict: Verdict::Unclear, code: trouble_code(&trouble).into(), message: trouble.to_string() }
            }
        }
    }

    fn reply(&self, answer: BroadcastAnswer, sent: Txid) -> BroadcastReply {
        let code = answer.code.unwrap_or_else(|| if answer.result { "SUCCESS".into() } else { "none".into() });
        let about_another = answer.txid.is_some_and(|txid| txid != sent);
        let verdict = if about_another { Verdict::Unclear } else { verdict(answer.result, &code) };
        BroadcastReply { provider: self.name().clone(), verdict, code, message: answer.message.unwrap_or_default() }
    }
}

fn verdict(result: bool, code: &str) -> Verdict {
    match code {
        "SUCCESS" => Verdict::Accepted,
        _ if result => Verdict::Accepted,
        "DUP_TRANSACTION_ERROR" => Verdict::Known,
        "SIGERROR"
        | "CONTRACT_VALIDATE_ERROR"
        | "CONTRACT_EXE_ERROR"
        | "BANDWITH_ERROR"
        | "TAPOS_ERROR"
        | "TOO_BIG_TRANSACTION_ERROR"
        | "TRANSACTION_EXPIRATION_ERROR" => Verdict::Refused,
        // SERVER_BUSY, NO_CONNECTION, NOT_ENOUGH_EFFECTIVE_CONNECTION (before or after it entered the pool),
        // BLOCK_UNSOLIDIFIED, OTHER_ERROR, and what later versions may add.
        _ => Verdict::Unclear,
    }
}

const fn trouble_code(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Timeout => "timeout",
        Trouble::Connection(_) => "connection",
        Trouble::TooLarge => "too_large",
        Trouble::RateLimited { .. } => "rate_limited",
        Trouble::Status(_) => "status",
        Trouble::NotJson(_) => "not_json",
        Trouble::LiteNode => "lite_node",
        Trouble::Reported(_) => "reported",
        Trouble::Shape(_)
        | Trouble::UnknownBlock(_)
        | Trouble::OtherBlock { .. }
        | Trouble::Incomplete { .. }
        | Trouble::OtherParent { .. }
        | Trouble::Behind { .. } => "shape",
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, verdict};

    #[test]
    fn every_code_has_its_meaning_and_unknown_ones_are_unclear() {
        let cases = [
            (Verdict::Accepted, &["SUCCESS"][..]),
            (Verdict::Known, &["DUP_TRANSACTION_ERROR"]),
            (
                Verdict::Unclear,
                &[
                    "SERVER_BUSY",
                    "NO_CONNECTION",
                    "NOT_ENOUGH_EFFECTIVE_CONNECTION",
                    "BLOCK_UNSOLIDIFIED",
                    "OTHER_ERROR",
                    "none",
                    "A_CODE_OF_THE_FUTURE",
                ],
            ),
            (
                Verdict::Refused,
                &[
                    "SIGERROR",
                    "CONTRACT_VALIDATE_ERROR",
                    "CONTRACT_EXE_ERROR",
                    "BANDWITH_ERROR",
                    "TAPOS_ERROR",
                    "TOO_BIG_TRANSACTION_ERROR",
                    "TRANSACTION_EXPIRATION_ERROR",
                ],
            ),
        ];
        for (expected, codes) in cases {
            for code in codes {
                assert_eq!(verdict(false, code), expected, "{code}");
            }
        }
        assert_eq!(verdict(true, "none"), Verdict::Accepted);
    }
}
