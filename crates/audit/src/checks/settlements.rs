//! M7: what a paid slot cost is split exactly as the rules say: worker, platform, creator, referrers.

use uuid::Uuid;

use crate::accounts::PLATFORM_FEES;
use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::notation::usdt;
use crate::reader::{Reader, Row};
use crate::rules::Slot;

/// Every settlement with its postings, the slot, and who brought the two sides here.
const SETTLEMENTS: &str = "
    select t.id, t.reference, p.n, p.from_account, p.to_account, p.amount,
           k.id as task, k.creator_id, k.reward, k.fee_bp, k.commission_bp, a.worker_id, a.paid, a.settled_at,
           w.referrer_id as worker_referrer, w.created_at as worker_since,
           c.referrer_id as creator_referrer, c.created_at as creator_since
    from transactions t
    left join postings p on p.transaction_id = t.id
    left join acceptances a on a.id = t.reference
    left join tasks k on k.id = a.task_id
    left join users w on w.id = a.worker_id
    left join users c on c.id = k.creator_id
    where t.kind = 'settlement'
    order by t.id, p.n";

/// From, to, amount.
type Leg = (Uuid, Uuid, i128);

#[derive(Default)]
struct Settlement {
    id: Uuid,
    acceptance: Uuid,
    legs: Vec<Leg>,
    /// None if there is no such slot, or it is not settled.
    expected: Option<Vec<Leg>>,
}

pub(super) fn check(reader: &Reader, months: u32, findings: &mut Findings) -> Result<(), AuditError> {
    let mut commissions = 0u64;
    let settlements = groups(
        reader,
        SETTLEMENTS,
        |id| Settlement { id, ..Settlement::default() },
        |settlement, row| settlement.add(row, months),
        |settlement| {
            commissions += settlement.legs.iter().filter(|leg| leg.0 == PLATFORM_FEES).count() as u64;
            settlement.close(findings);
        },
    )?;
    findings.count("settlements", settlements);
    findings.count("commissions", commissions);
    Ok(())
}

impl Settlement {
    fn add(&mut self, row: &Row<'_>, months: u32) -> Result<(), AuditError> {
        if self.expected.is_none() {
            self.acceptance = row.id(1)?;
            self.expected = expected(row, months)?;
        }
        if row.optional_int(2)?.is_some() {
            self.legs.push((row.id(3)?, row.id(4)?, row.int(5)?.into()));
        }
        Ok(())
    }

    fn close(mut self, findings: &mut Findings) {
        let (id, acceptance) = (self.id, self.acceptance);
        let Some(mut expected) = self.expected else {
            findings.wrong(|| format!("settlement {id}: of {acceptance}, which is no settled slot of two users"));
            return;
        };
        self.legs.sort_unstable();
        expected.sort_unstable();
        findings.require(self.legs == expected, || {
            let (found, expected) = (listed(&self.legs), listed(&expected));
            format!("settlement {id} of {acceptance}: [{found}], expected [{expected}]")
        });
    }
}

/// What the slot must have been split into.
fn expected(row: &Row<'_>, months: u32) -> Result<Option<Vec<Leg>>, AuditError> {
    let (Some(task), Some(settled_at)) = (row.optional_id(6)?, row.optional_int(13)?) else {
        return Ok(None);
    };
    let (Some(worker_since), Some(creator_since)) = (row.optional_int(15)?, row.optional_int(17)?) else {
        return Ok(None);
    };
    let (creator, worker) = (row.id(7)?, row.id(11)?);
    let number = |column| row.int(column).map(i128::from);
    let slot = Slot { reward: number(8)?, paid: number(12)?, fee_bp: number(9)?, commission_bp: number(10)? };
    let mut legs = vec![(task, worker, slot.net()), (task, PLATFORM_FEES, slot.fee()), (task, creator, slot.back())];
    for (referrer, since) in [(row.optional_id(14)?, worker_since), (row.optional_id(16)?, creator_since)] {
        if let Some(referrer) = referrer {
            legs.push((PLATFORM_FEES, referrer, slot.commission(since, months, settled_at)));
        }
    }
    legs.retain(|leg| leg.2 != 0);
    Ok(Some(legs))
}

fn listed(legs: &[Leg]) -> String {
    legs.iter().map(|(from, to, amount)| format!("{from} -> {to} {}", usdt(*amount))).collect::<Vec<_>>().join(", ")
}
