//! C4: what a user takes out is held in full until it is final on the chain, which pays it and the fee, or until all of it
//! goes back to him.

use uuid::Uuid;

use crate::accounts::{ONCHAIN, PLATFORM_FEES};
use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::notation::usdt;
use crate::reader::{Reader, Row};

/// Every withdrawal (part 0), its order (1), its hold (2), what is booked for it (3), the attempts of its order (4), its
/// steps (5), and what the chain shows of its transaction (6).
const WITHDRAWALS: &str = "
    select x.id, x.part, x.n, x.word, x.amount, x.fee, x.at, x.a, x.b, x.place, x.txid, x.more
    from (select id, 0 as part, case when due_at is null then 0 else 1 end as n, status as word, amount, fee, created_at as at,
                 user_id as a, user_id as b, address as place, txid, case when cleared_at is null then 0 else 1 end as more
          from withdrawals
          union all
          select id, 1, attempts, state, amount, 0, 0, null, null, recipient, null, case when asset = 'usdt' then 1 else 0 end
          from orders where kind = 'payout'
          union all
          select id, 2, 0, '', balance, 0, 0, owner, null, null, null, 0 from accounts where kind = 'withdrawal_hold'
          union all
          select t.reference, 3, p.n, t.kind, p.amount, 0, t.at, p.from_account, p.to_account, null, null, 0
          from transactions t join postings p on p.transaction_id = t.id where t.kind in ('withdraw', 'payout', 'release')
          union all
          select a.order_id, 4, a.n, a.state, 0, 0, 0, null, null, null, a.txid, 0
          from attempts a join orders o on o.id = a.order_id where o.kind = 'payout'
          union all
          select withdrawal_id, 5, n, status, 0, 0, at, null, null, null, null, 0 from withdrawal_steps
          union all
          select w.id, 6, s.log_index, s.outcome, s.amount, 0, 0, null, null, s.recipient, s.txid, 0
          from withdrawals w join outgoing_seen s on s.txid = w.txid where s.known) x
    order by x.id, x.part, x.n, x.word, x.txid";

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let (mut open, mut held) = (0i128, 0i128);
    let begin = |id| Withdrawal { id, ..Withdrawal::default() };
    let withdrawals = groups(reader, WITHDRAWALS, begin, Withdrawal::add, |withdrawal| {
        open += withdrawal.rows.iter().filter(|row| row.is_open()).map(|row| row.amount).sum::<i128>();
        held += withdrawal.holds.iter().map(|(_, balance)| balance).sum::<i128>();
        withdrawal.close(findings);
    })?;
    findings.count("withdrawals", withdrawals);
    findings.count("micro held", held);
    findings.require(held == open, || format!("{} is held in all, expected {} for what is open", usdt(held), usdt(open)));
    Ok(())
}

#[derive(Default)]
struct Withdrawal {
    id: Uuid,
    /// More than one is wrong.
    rows: Vec<Claim>,
    orders: Vec<Order>,
    /// Owner and balance.
    holds: Vec<(Uuid, i128)>,
    bookings: Vec<Booking>,
    /// States and transactions of the attempts.
    attempts: Vec<(String, Vec<u8>)>,
    steps: Vec<i64>,
    /// Recipients and amounts of what left with its transaction.
    seen: Vec<(Vec<u8>, i128)>,
}

struct Claim {
    status: String,
    user: Uuid,
    amount: i128,
    fee: i128,
    created_at: i64,
    address: Vec<u8>,
    txid: Option<Vec<u8>>,
    is_cleared: bool,
    is_due: bool,
}

struct Order {
    state: String,
    amount: i128,
    recipient: Vec<u8>,
    attempts: i64,
    is_usdt: bool,
}

#[derive(PartialEq, Eq)]
struct Booking {
    kind: String,
    from: Uuid,
    to: Uuid,
    amount: i128,
    at: i64,
}

impl Claim {
    fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "queued" | "in_review" | "sending")
    }

    fn net(&self) -> i128 {
        self.amount - self.fee
    }
}

impl Withdrawal {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let (n, word, amount, at) = (row.int(2)?, row.text(3)?.to_owned(), i128::from(row.int(4)?), row.int(6)?);
        let place = || Ok::<_, AuditError>(row.optional_bytes(9)?.unwrap_or_default().to_vec());
        match row.int(1)? {
            0 => self.rows.push(Claim {
                status: word,
                user: row.id(7)?,
                amount,
                fee: row.int(5)?.into(),
                created_at: at,
                address: place()?,
                txid: row.optional_bytes(10)?.map(<[u8]>::to_vec),
                is_cleared: row.flag(11)?,
                is_due: n == 1,
            }),
            1 => self.orders.push(Order { state: word, amount, recipient: place()?, attempts: n, is_usdt: row.flag(11)? }),
            2 => self.holds.push((row.id(7)?, amount)),
            3 => self.bookings.push(Booking { kind: word, from: row.id(7)?, to: row.id(8)?, amount, at }),
            4 => self.attempts.push((word, row.bytes(10)?.to_vec())),
            5 => self.steps.push(at),
            _ if word == "SUCCESS" => self.seen.push((place()?, amount)),
            _ => {}
        }
        Ok(())
    }

    fn close(mut self, findings: &mut Findings) {
        let id = self.id;
        self.bookings.sort_by(|a, b| a.kind.cmp(&b.kind));
        let ([row], [(owner, balance)], [] | [_]) = (&self.rows[..], &self.holds[..], &self.orders[..]) else {
            let (rows, holds, orders) = (self.rows.len(), self.holds.len(), self.orders.len());
            findings.wrong(|| {
                format!(
                    "withdrawal {id}: {rows} rows, {holds} holds, {orders} orders and {} bookings, expected one each",
                    self.bookings.len()
                )
            });
            return;
        };
        let Claim { status, amount, fee, .. } = row;
        let mut require = |holds: bool, fault: &dyn Fn() -> String| findings.require(holds, || format!("withdrawal {id}: {}", fault()));
        require(*fee >= 0 && fee < amount, &|| format!("a fee of {} on {}", usdt(*fee), usdt(*amount)));
        require(*owner == row.user, &|| format!("its hold is of {owner}, expected {}", row.user));
        let expected = if row.is_open() { *amount } else { 0 };
        require(*balance == expected, &|| format!("{status}, and {} is held, expected {}", usdt(*balance), usdt(expected)));
        let bookings = self.expected(row);
        require(self.bookings == bookings, &|| format!("{status}, and booked [{}], expected [{}]", told(&self.bookings), told(&bookings)));
        let order = self.orders.first();
        require(order.is_none_or(|order| order.carries(row)), &|| "its order is of another amount, asset or address".to_owned());
        require(self.order_fits(row), &|| {
            format!("{status}, and its order is {:?} after {} attempts", order.map(|order| &order.state), self.attempts.len())
        });
        let waits = match status.as_str() {
            "queued" | "rejected" | "cancelled" | "refunded" => !row.is_due,
            "in_review" => row.is_due && !row.is_cleared,
            // An admin may find it paid on the chain while another one still looks at it.
            "completed" => !row.is_due && (row.is_cleared || self.is_adopted(row)),
            _ => !row.is_due && row.is_cleared,
        };
        require(waits, &|| format!("{status}, let out: {}, to be decided: {}", row.is_cleared, row.is_due));
        require(self.transaction_fits(row), &|| format!("{status}, and its transaction is not the one that carries it"));
    }

    /// What has to be booked, in the order of the alphabet.
    fn expected(&self, row: &Claim) -> Vec<Booking> {
        let (hold, amount, ended_at) = (self.id, row.amount, self.steps.last().copied().unwrap_or_default());
        let booking = |kind: &str, from, to, amount, at| Booking { kind: kind.to_owned(), from, to, amount, at };
        let mut bookings = match row.status.as_str() {
            "completed" => {
                vec![booking("payout", hold, ONCHAIN, row.net(), ended_at), booking("payout", hold, PLATFORM_FEES, row.fee, ended_at)]
            }
            "rejected" | "cancelled" | "refunded" => vec![booking("release", hold, row.user, amount, ended_at)],
            _ => Vec::new(),
        };
        bookings.push(booking("withdraw", row.user, hold, amount, row.created_at));
        bookings.retain(|booking| booking.amount != 0);
        bookings.sort_by(|a, b| a.kind.cmp(&b.kind));
        bookings
    }

    /// Whether its order is as far as it is.
    fn order_fits(&self, row: &Claim) -> bool {
        let state = self.orders.first().map(|order| order.state.as_str());
        let unsigned = self.orders.iter().all(|order| order.attempts == 0) && self.attempts.is_empty();
        match row.status.as_str() {
            "queued" | "in_review" | "rejected" | "cancelled" => unsigned && matches!(state, None | Some("approved" | "dropped")),
            "sending" => !unsigned && matches!(state, Some("approved" | "signed" | "in_flight" | "needs_operator")),
            "completed" => state == Some("confirmed"),
            _ => state == Some("refunded"),
        }
    }

    /// Whether its transaction is none of ours, and the chain shows that it did the same.
    fn is_adopted(&self, row: &Claim) -> bool {
        let is_attempt = self.attempts.iter().any(|(_, attempt)| Some(attempt) == row.txid.as_ref());
        !is_attempt && self.seen.iter().any(|(recipient, amount)| *recipient == row.address && *amount == row.net())
    }

    /// Its transaction is the last attempt; or another one that the chain shows to have done the same, where an admin says so.
    fn transaction_fits(&self, row: &Claim) -> bool {
        let last = self.attempts.last();
        let confirmed = self.attempts.iter().filter(|(state, _)| state == "confirmed").count();
        let is_last = row.txid.as_ref() == last.map(|(_, txid)| txid);
        match (row.status.as_str(), &row.txid) {
            ("completed", Some(_)) => {
                let own = is_last && last.is_some_and(|(state, _)| state == "confirmed") && confirmed == 1;
                own || self.is_adopted(row)
            }
            ("completed", None) => false,
            ("sending", _) => is_last,
            _ => is_last && confirmed == 0,
        }
    }
}

fn told(bookings: &[Booking]) -> String {
    let told = bookings.iter().map(|b| format!("{} of {} from {} to {} at {}", b.kind, usdt(b.amount), b.from, b.to, b.at));
    told.collect::<Vec<_>>().join(", ")
}

impl Order {
    /// Whether it sends what the withdrawal says, to where it says.
    fn carries(&self, row: &Claim) -> bool {
        self.amount == row.net() && self.recipient == row.address && self.is_usdt
    }
}
