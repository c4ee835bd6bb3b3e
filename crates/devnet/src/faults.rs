//! Lies and failures on request: which provider, at which endpoint, how often.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::api::Bent;
use crate::text::{hex, sha256};

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// The infos of a block are `[]`.
    EmptyInfos,
    /// The last info of a block is missing.
    DropOneInfo,
    /// The infos are those of the block before.
    InfosOfAnotherBlock,
    /// The provider is so many blocks behind.
    Stale {
        /// How many.
        blocks: u64,
    },
    /// The newest block it names is so many ahead of the chain; asked for it, it knows nothing.
    Future {
        /// How many.
        blocks: u64,
    },
    /// An HTTP status with a page of HTML.
    Status {
        /// 429, 500, 503, …
        code: u16,
    },
    /// A page of HTML with status 200.
    Html,
    /// Half of the answer.
    Truncated,
    /// `{"Error": …}` with status 200.
    Error,
    /// The text of a lite full node, with status 200.
    LiteNode,
    /// The answer comes late.
    Slow {
        /// After so many milliseconds.
        ms: u64,
    },
    /// The connection breaks within the answer. What was asked has been done.
    HangUp,
    /// The parent of a block is another one.
    WrongParent,
    /// The id of a block is another one.
    OtherId,
    /// Nothing is done, and the answer never comes.
    Deaf,
    /// The transaction is taken, the answer never comes.
    AcceptThenTimeout,
    /// The answer is success, the transaction is forgotten.
    AcceptThenDrop,
    /// The transaction is not taken, for this reason.
    Refuse {
        /// A code of java-tron, such as `SERVER_BUSY`.
        code: String,
    },
    /// The transaction is taken, the answer says that it was not.
    AcceptThenRefuse {
        /// A code of java-tron, such as `NOT_ENOUGH_EFFECTIVE_CONNECTION`.
        code: String,
    },
    /// The id is noted before the transaction is checked: what was refused once is a duplicate the next time.
    DupBeforeValidation,
}

/// A fault and when it strikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Which listener, counted from 0; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<usize>,
    /// The last part of the path, such as `broadcasthex`; every endpoint it makes sense for when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// How often; until the rules are replaced when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: Kind,
}

impl Kind {
    /// Whether the fault can show at this endpoint.
    fn concerns(&self, endpoint: &str) -> bool {
        match self {
            Self::EmptyInfos | Self::DropOneInfo | Self::InfosOfAnotherBlock => endpoint == "gettransactioninfobyblocknum",
            Self::Future { .. } => endpoint == "getnowblock",
            Self::WrongParent | Self::OtherId => endpoint == "getblockbynum",
            Self::AcceptThenTimeout
            | Self::AcceptThenDrop
            | Self::Refuse { .. }
            | Self::AcceptThenRefuse { .. }
            | Self::DupBeforeValidation => endpoint.starts_with("broadcast"),
            Self::Stale { .. }
            | Self::Status { .. }
            | Self::Html
            | Self::Truncated
            | Self::Error
            | Self::LiteNode
            | Self::Slow { .. }
            | Self::Deaf
            | Self::HangUp => true,
        }
    }
}

/// The faults that strike this request; each counts down.
pub(crate) fn strike(rules: &mut Vec<Rule>, provider: usize, endpoint: &str) -> Vec<Kind> {
    let mut struck = Vec::new();
    for rule in rules.iter_mut() {
        let here =
            rule.provider.is_none_or(|wanted| wanted == provider) && rule.endpoint.as_deref().is_none_or(|wanted| wanted == endpoint);
        if here && rule.times != Some(0) && rule.kind.concerns(endpoint) {
            rule.times = rule.times.map(|times| times - 1);
            struck.push(rule.kind.clone());
        }
    }
    rules.retain(|rule| rule.times != Some(0));
    struck
}

/// An answer given without asking the chain: status and body.
pub(crate) fn instead(kind: &Kind) -> Option<(u16, &'static str)> {
    match kind {
        Kind::Status { code } => Some((*code, "<html><head><title>Error</title></head><body>Something went wrong</body></html>")),
        Kind::Html => Some((200, "<html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>")),
        Kind::Error => Some((200, r#"{"Error":"class java.lang.NullPointerException : null"}"#)),
        Kind::LiteNode => Some((200, "this API is closed because this node is a lite fullnode")),
        _ => None,
    }
}

/// What the faults make of sending a transaction.
pub(crate) fn bent(kinds: &[Kind]) -> Bent {
    let mut bent = Bent::default();
    for kind in kinds {
        match kind {
            Kind::Refuse { code } => bent.refuse = Some(code.clone()),
            Kind::AcceptThenRefuse { code } => bent.take_and_say = Some(code.clone()),
            Kind::AcceptThenDrop => bent.forget = true,
            Kind::DupBeforeValidation => bent.note_first = true,
            _ => {}
        }
    }
    bent
}

/// Changes a true answer.
pub(crate) fn spoil(kind: &Kind, answer: &mut Value) {
    match kind {
        Kind::EmptyInfos => *answer = json!([]),
        Kind::DropOneInfo => {
            if let Value::Array(infos) = answer {
                infos.pop();
            }
        }
        Kind::Future { blocks } => {
            let number = answer["block_header"]["raw_data"]["number"].as_u64().unwrap_or_default() + blocks;
            answer["block_header"]["raw_data"]["number"] = number.into();
            answer["block_header"]["raw_data"]["parentHash"] = id(number.saturating_sub(1)).into();
            answer["blockID"] = id(number).into();
        }
        Kind::WrongParent => {
            let header = &mut answer["block_header"]["raw_data"];
            if let Some(number) = header["number"].as_u64() {
                header["parentHash"] = id(number.saturating_sub(1)).into();
            }
        }
        Kind::OtherId => {
            if let Some(number) = answer["block_header"]["raw_data"]["number"].as_u64() {
                answer["blockID"] = id(number).into();
            }
        }
        _ => {}
    }
}

/// An id that no block has.
fn id(number: u64) -> String {
    let mut id = sha256(b"a block that does not exist");
    id[..8].copy_from_slice(&number.to_be_bytes());
    hex(&id)
}
