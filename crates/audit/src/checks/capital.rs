//! C7: money of the operator goes out only for an order of his that is final on the chain, and comes in only from there.

use uuid::Uuid;

use crate::accounts::{ONCHAIN, OPERATOR_CAPITAL};
use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::notation::usdt;
use crate::reader::{Reader, Row};

/// What lay in the hot and the cold wallet at the first start.
const OPENING: [Uuid; 2] =
    [Uuid::from_u128(0x6f70_656e_696e_8000_8000_0000_0000_0001), Uuid::from_u128(0x6f70_656e_696e_8000_8000_0000_0000_0002)];

/// Every order of the operator (part 0) and what is booked for it (1).
const OUT: &str = "
    select x.id, x.part, x.amount, x.payer, x.payee, x.done
    from (select t.reference as id, 1 as part, p.amount, p.from_account as payer, p.to_account as payee, 0 as done
          from transactions t join postings p on p.transaction_id = t.id where t.kind = 'float_out'
          union all
          select id, 0, amount, null, null, case when state = 'confirmed' and asset = 'usdt' then 1 else 0 end
          from orders where kind = 'float_out') x
    order by x.id, x.part";

/// What came in, and whether the same transfer is a deposit.
const IN: &str = "
    select t.reference, p.from_account, p.to_account, case when d.id is null then 0 else 1 end as deposit
    from transactions t
    join postings p on p.transaction_id = t.id
    left join deposits d on d.id = t.reference
    where t.kind = 'float_in'
    order by t.id, p.n";

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let begin = |id| Out { id, ..Out::default() };
    let out = groups(reader, OUT, begin, Out::add, |out| out.close(findings))?;
    findings.count("out", out);
    let mut came_in = 0u64;
    reader.rows(IN, |row| {
        came_in += 1;
        let (id, from, to, is_deposit) = (row.id(0)?, row.id(1)?, row.id(2)?, row.flag(3)?);
        // The id of a transfer is made from the chain; ids of version 8 are.
        let is_transfer = OPENING.contains(&id) || id.get_version_num() == 8;
        let holds = is_transfer && !is_deposit && (from, to) == (ONCHAIN, OPERATOR_CAPITAL);
        findings.require(holds, || format!("capital {id}: came in from {from} to {to}, expected a transfer that is no deposit"));
        Ok(())
    })?;
    findings.count("in", came_in);
    Ok(())
}

#[derive(Default)]
struct Out {
    id: Uuid,
    /// Amount of each order and whether it is final.
    orders: Vec<(i64, bool)>,
    booked: Vec<(i64, Uuid, Uuid)>,
}

impl Out {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let amount = row.int(2)?;
        if row.int(1)? == 0 {
            self.orders.push((amount, row.flag(5)?));
        } else {
            self.booked.push((amount, row.id(3)?, row.id(4)?));
        }
        Ok(())
    }

    fn close(self, findings: &mut Findings) {
        let Self { id, orders, booked } = self;
        let holds = match (&orders[..], &booked[..]) {
            ([(amount, true)], [booked]) => *booked == (*amount, OPERATOR_CAPITAL, ONCHAIN),
            ([(_, false)], []) => true,
            _ => false,
        };
        findings.require(holds, || {
            let ordered: Vec<_> = orders.iter().map(|(amount, done)| format!("{} final: {done}", usdt((*amount).into()))).collect();
            let booked: Vec<_> = booked.iter().map(|(amount, _, _)| usdt((*amount).into())).collect();
            format!("capital {id}: ordered [{}] and booked [{}]", ordered.join(", "), booked.join(", "))
        });
    }
}
