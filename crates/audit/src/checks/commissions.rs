//! R1: what a referrer is said to have earned with somebody is what the paid slots of that user gave him.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::notation::usdt;
use crate::reader::{Reader, Row};
use crate::rules::Slot;

/// By referrer and referred user: what is claimed (part 0), and every settled slot that the user was a side of (1).
const EARNED: &str = "
    select x.referrer, x.referred, x.part, x.reward, x.paid, x.fee_bp, x.commission_bp, x.since, x.settled_at
    from (select referrer_id as referrer, referred_id as referred, 0 as part, earned as reward, 0 as paid, 0 as fee_bp,
                 0 as commission_bp, 0 as since, 0 as settled_at
          from commissions
          union all
          select u.referrer_id, u.id, 1, k.reward, a.paid, k.fee_bp, k.commission_bp, u.created_at, a.settled_at
          from transactions t
          join acceptances a on a.id = t.reference
          join tasks k on k.id = a.task_id
          join users u on u.id = a.worker_id or u.id = k.creator_id
          where t.kind = 'settlement' and u.referrer_id is not null and a.settled_at is not null) x
    order by x.referrer, x.referred, x.part";

#[derive(Default)]
struct Pair {
    /// Who referred whom.
    sides: (Uuid, Uuid),
    claims: u64,
    claimed: i128,
    earned: i128,
}

pub(super) fn check(reader: &Reader, months: u32, findings: &mut Findings) -> Result<(), AuditError> {
    let (mut claims, mut earned) = (0u64, 0i128);
    let mut current = Pair::default();
    reader.rows(EARNED, |row| {
        let sides = (row.id(0)?, row.id(1)?);
        if current.sides != sides {
            current.close(findings);
            current = Pair { sides, ..Pair::default() };
        }
        if row.int(2)? == 0 {
            claims += 1;
            current.claims += 1;
            current.claimed += i128::from(row.int(3)?);
        } else {
            let commission = commission(row, months)?;
            earned += commission;
            current.earned += commission;
        }
        Ok(())
    })?;
    current.close(findings);
    findings.count("referrals", claims);
    findings.count("micro earned", earned);
    Ok(())
}

fn commission(row: &Row<'_>, months: u32) -> Result<i128, AuditError> {
    let number = |column| row.int(column).map(i128::from);
    let slot = Slot { reward: number(3)?, paid: number(4)?, fee_bp: number(5)?, commission_bp: number(6)? };
    Ok(slot.commission(row.int(7)?, months, row.int(8)?))
}

impl Pair {
    fn close(&self, findings: &mut Findings) {
        let Self { sides: (referrer, user), claims, claimed, earned } = self;
        let rows = u64::from(*earned != 0);
        findings.require(claimed == earned && *claims == rows, || {
            format!("referrer {referrer} of {user}: {} in {claims} rows, expected {} in {rows}", usdt(*claimed), usdt(*earned))
        });
    }
}
