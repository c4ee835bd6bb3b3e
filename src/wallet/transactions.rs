//! A user's history, in pages and as a CSV file.

use std::fmt::Write as _;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::base::operation::Csv;
use crate::base::page::{self, Page};
use crate::base::{Context, Result, Ts, Usdt};
use crate::ledger::history::{Line, Wanted, history_of, is_a_kind};
use crate::wallet::WalletRefusal;

const LIST: &str = "transactions";
const LINES_MAX: usize = 50_000;
const FIRST: Ts = Ts::from_milliseconds(0);
const LAST: Ts = Ts::from_milliseconds(i64::MAX);

/// Which part of the history.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetTransactions {
    /// `next_cursor` of the page before.
    #[garde(inner(length(bytes, max = 200)))]
    cursor: Option<String>,
    /// How many, 1 to 200; 50 when left out.
    #[garde(inner(range(min = 1, max = 200)))]
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// Only this kind, such as `deposit`.
    #[garde(inner(custom(known_kind)))]
    kind: Option<String>,
    /// Not before this time.
    #[garde(skip)]
    from: Option<Ts>,
    /// Before this time.
    #[garde(skip)]
    to: Option<Ts>,
}

/// Which part of the history.
#[derive(Debug, Deserialize, Validate, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetStatement {
    /// Not before this time.
    #[garde(skip)]
    from: Option<Ts>,
    /// Before this time.
    #[garde(skip)]
    to: Option<Ts>,
}

/// One change of the available balance.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Transaction")]
pub struct TransactionView {
    /// For ever.
    id: Uuid,
    /// What happened.
    kind: String,
    /// Positive came in, negative went out.
    amount: Usdt,
    /// What was available afterwards.
    balance_after: Usdt,
    /// The thing it happened to.
    reference: Uuid,
    /// In words.
    description: &'static str,
    /// When.
    created_at: Ts,
    #[serde(skip)]
    seq: i64,
}

impl From<Line> for TransactionView {
    fn from(line: Line) -> Self {
        let description = line.description();
        Self {
            id: line.transaction_id,
            kind: line.kind,
            amount: line.amount,
            balance_after: line.balance_after,
            reference: line.reference,
            description,
            created_at: line.at,
            seq: line.seq,
        }
    }
}

pub(super) fn get_transactions(cx: &mut Context<'_, '_>, input: &GetTransactions) -> Result<Page<TransactionView>> {
    let user = cx.user_id()?;
    let limit = input.limit.unwrap_or(50);
    let before_seq = page::begin(LIST, input.cursor.as_ref(), i64::MAX)?;
    let wanted = Wanted {
        before_seq,
        kind: input.kind.clone().unwrap_or_default(),
        from: input.from.unwrap_or(FIRST),
        to: input.to.unwrap_or(LAST),
        at_most: i64::from(limit) + 1,
    };
    let items = history_of(cx, user, &wanted)?.into_iter().map(TransactionView::from).collect();
    Ok(Page::of(items, limit as usize, |line: &TransactionView| page::cursor(LIST, &line.seq.to_string())))
}

pub(super) fn get_statement(cx: &mut Context<'_, '_>, input: &GetStatement) -> Result<Csv> {
    let user = cx.user_id()?;
    let at_most = i64::try_from(LINES_MAX).unwrap_or(i64::MAX) + 1;
    let wanted =
        Wanted { before_seq: i64::MAX, kind: String::new(), from: input.from.unwrap_or(FIRST), to: input.to.unwrap_or(LAST), at_most };
    let lines = history_of(cx, user, &wanted)?;
    if lines.len() > LINES_MAX {
        return Err(WalletRefusal::StatementTooLong { most: LINES_MAX }.into());
    }
    let mut csv = String::from("created_at,id,kind,amount,balance_after,reference,description\r\n");
    for line in lines {
        let description = line.description();
        let Line { at, transaction_id, kind, amount, balance_after, reference, .. } = line;
        write!(csv, "{at},{transaction_id},{kind},{amount},{balance_after},{reference},{description}\r\n")
            .map_err(crate::base::error::internal)?;
    }
    Ok(Csv(csv))
}

fn known_kind(kind: &str, _: &()) -> garde::Result {
    if is_a_kind(kind) { Ok(()) } else { Err(garde::Error::new("there is no such kind of transaction")) }
}
