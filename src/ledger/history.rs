//! The numbered lines of a user's account, newest first.

use uuid::Uuid;

use crate::base::{Context, Result, Ts, Usdt, UserId};
use crate::ledger::account::AccountId;
use crate::ledger::store;
use crate::ledger::transaction::TransactionKind;

/// What a referrer's share of a settlement is called in his history: it is paid out of the fee.
const COMMISSION: &str = "commission";

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// Numbered from 1 without gaps.
    pub seq: i64,
    /// The transaction behind it.
    pub transaction_id: Uuid,
    /// What happened.
    pub kind: String,
    /// The thing it happened to.
    pub reference: Uuid,
    /// Positive = came in.
    pub amount: Usdt,
    /// What was available afterwards.
    pub balance_after: Usdt,
    /// When.
    pub at: Ts,
}

impl Line {
    /// As people read it.
    pub fn description(&self) -> &'static str {
        if self.kind == COMMISSION {
            return "Commission for a user you referred";
        }
        TransactionKind::ALL.into_iter().find(|kind| kind.name() == self.kind).map_or("", TransactionKind::description)
    }
}

/// Which lines.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Only lines below this number.
    pub before_seq: i64,
    /// Only this kind; empty = any.
    pub kind: String,
    /// Not before.
    pub from: Ts,
    /// Before.
    pub to: Ts,
    /// How many.
    pub at_most: i64,
}

/// Whether lines may be of this kind.
pub fn is_a_kind(name: &str) -> bool {
    name == COMMISSION || TransactionKind::ALL.into_iter().any(|kind| kind.name() == name)
}

/// The wanted lines of `user`.
pub fn history_of(cx: &mut Context<'_, '_>, user: UserId, wanted: &Wanted) -> Result<Vec<Line>> {
    let rows = store::history(cx, AccountId::available(user), wanted.before_seq, &wanted.kind, (wanted.from, wanted.to), wanted.at_most)?;
    let line = |row: store::HistoryRow| Line {
        seq: row.seq,
        transaction_id: row.transaction_id,
        kind: row.kind,
        reference: row.reference,
        amount: row.amount,
        balance_after: row.balance_after,
        at: row.at,
    };
    Ok(rows.into_iter().map(line).collect())
}

/// What the platform had earned at each of these times, in their order, as far as it is in the sealed books. Lines lie in
/// the order of time, so each is found by halving.
pub fn platform_fees_at(cx: &mut Context<'_, '_>, times: &[Ts]) -> Result<Vec<Usdt>> {
    let account = AccountId::PLATFORM_FEES;
    let last = store::last_seq(cx, account)?;
    let mut found = (0, Usdt::ZERO);
    times
        .iter()
        .map(|time| {
            let mut after = last + 1;
            while found.0 + 1 < after {
                let middle = found.0 + (after - found.0) / 2;
                match store::line(cx, account, middle)? {
                    Some((at, balance)) if at < *time => found = (middle, balance),
                    Some(_) | None => after = middle,
                }
            }
            Ok(found.1)
        })
        .collect()
}
