//! C2: what arrived at a user's address is credited to him once, and nothing else is.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::accounts::ONCHAIN;
use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::notation::{hex, usdt};
use crate::reader::{Reader, Row};

/// Every deposit (part 0) and what is booked as one (1).
const DEPOSITS: &str = "
    select x.id, x.part, x.who, x.payer, x.amount, x.at, x.status, x.txid, x.log_index, x.odd, x.home
    from (select d.id, 0 as part, d.user_id as who, d.user_id as payer, d.amount, d.credited_at as at, d.status, d.txid, d.log_index,
                 case when d.raw_amount is null then 0 else 1 end as odd, case when a.user_id = d.user_id then 1 else 0 end as home
          from deposits d left join deposit_addresses a on a.address = d.address
          union all
          select t.reference, 1, p.to_account, p.from_account, p.amount, t.at, '', null, 0, 0, 0
          from transactions t join postings p on p.transaction_id = t.id where t.kind = 'deposit') x
    order by x.id, x.part";

/// Deposits that still wait for the minimum although a later one of the same user was credited later, which takes all that
/// wait with it.
const LEFT_BEHIND: &str = "
    select distinct d.id, d.user_id
    from deposits d join deposits c on c.user_id = d.user_id
    where d.status = 'below_minimum' and c.status = 'credited' and c.block > d.block and c.credited_at > d.seen_at
    order by d.id";

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut credited = 0i128;
    let begin = |id| Deposit { id, ..Deposit::default() };
    let deposits = groups(reader, DEPOSITS, begin, Deposit::add, |deposit| {
        credited += deposit.bookings.iter().map(|booking| i128::from(booking.amount)).sum::<i128>();
        deposit.close(findings);
    })?;
    findings.count("deposits", deposits);
    findings.count("micro credited", credited);
    reader.rows(LEFT_BEHIND, |row| {
        let (id, user) = (row.id(0)?, row.id(1)?);
        findings.wrong(|| format!("deposit {id}: waits for the minimum, and a later one of {user} was credited"));
        Ok(())
    })
}

#[derive(Default)]
struct Deposit {
    id: Uuid,
    rows: u64,
    is_credited: bool,
    /// As its row says.
    expected: Option<Booking>,
    bookings: Vec<Booking>,
    faults: Vec<String>,
}

#[derive(PartialEq, Eq)]
struct Booking {
    user: Uuid,
    payer: Uuid,
    amount: i64,
    at: Option<i64>,
}

impl Deposit {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let (user, payer, amount, at) = (row.id(2)?, row.id(3)?, row.int(4)?, row.optional_int(5)?);
        if row.int(1)? == 1 {
            self.bookings.push(Booking { user, payer, amount, at });
            return Ok(());
        }
        self.rows += 1;
        let (status, txid, log_index, is_odd) = (row.text(6)?, row.bytes(7)?, row.int(8)?, row.flag(9)?);
        self.is_credited = status == "credited";
        self.expected = Some(Booking { user, payer: ONCHAIN, amount, at });
        let mut require = |holds: bool, fault: &dyn Fn() -> String| {
            if !holds {
                self.faults.push(fault());
            }
        };
        require(id_of(txid, log_index) == self.id && txid.len() == 32 && log_index >= 0, &|| {
            format!("its id is not that of log {log_index} of transaction {}", hex(txid))
        });
        require(row.flag(10)?, &|| format!("it arrived at an address that is not of {user}"));
        require(self.is_credited == at.is_some(), &|| format!("{status}, and credited at {at:?}"));
        // What does not fit into a number is never credited by itself.
        let fits = if is_odd { amount == 0 && matches!(status, "held_for_review" | "orphan_address") } else { amount > 0 };
        require(fits, &|| format!("{status} with {}", usdt(amount.into())));
        Ok(())
    }

    fn close(self, findings: &mut Findings) {
        let Self { id, rows, is_credited, expected, bookings, faults } = self;
        findings.require(rows == 1, || format!("deposit {id}: arrived {rows} times, expected once"));
        for fault in faults {
            findings.wrong(|| format!("deposit {id}: {fault}"));
        }
        let holds = match &expected {
            Some(expected) if is_credited => bookings.len() == 1 && bookings[0] == *expected,
            _ => bookings.is_empty(),
        };
        findings.require(holds, || {
            let told: Vec<_> = bookings.iter().map(|b| format!("{} to {} at {:?}", usdt(b.amount.into()), b.user, b.at)).collect();
            let expected = expected.filter(|_| is_credited);
            let expected =
                expected.map_or_else(|| "nothing".to_owned(), |b| format!("{} to {} at {:?}", usdt(b.amount.into()), b.user, b.at));
            format!("deposit {id}: booked [{}], expected {expected}", told.join(", "))
        });
    }
}

/// The id of a deposit follows from where it is on the chain.
fn id_of(txid: &[u8], log_index: i64) -> Uuid {
    let hash = Sha256::new().chain_update(txid).chain_update(log_index.to_be_bytes()).finalize();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(id).into_uuid()
}
