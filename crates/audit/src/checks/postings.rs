//! M3: the balance of an account is the sum of its postings; of a platform account, of its sealed postings.

use uuid::Uuid;

use crate::accounts::is_platform;
use crate::error::AuditError;
use crate::findings::Findings;
use crate::notation::usdt;
use crate::reader::Reader;

/// Every account followed by what left it and what came in, in one sorted stream.
const LEGS: &str = "
    select x.account, x.part, x.amount, x.tail
    from (select id as account, 0 as part, balance as amount, 0 as tail from accounts
          union all
          select p.from_account, 1, p.amount, case when u.transaction_id is null then 0 else 1 end
          from postings p left join unsealed u on u.transaction_id = p.transaction_id
          union all
          select p.to_account, 2, p.amount, case when u.transaction_id is null then 0 else 1 end
          from postings p left join unsealed u on u.transaction_id = p.transaction_id) x
    order by x.account, x.part";

struct Account {
    id: Uuid,
    /// None if there are postings but no account.
    balance: Option<i128>,
    sum: i128,
}

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let (mut accounts, mut legs) = (0u64, 0u64);
    let mut current: Option<Account> = None;
    reader.rows(LEGS, |row| {
        let id = row.id(0)?;
        let (part, amount, in_tail) = (row.int(1)?, i128::from(row.int(2)?), row.int(3)? == 1);
        if part == 0 || current.as_ref().is_none_or(|account| account.id != id) {
            close(current.take().as_ref(), findings);
            accounts += 1;
            let balance = (part == 0).then_some(amount);
            current = Some(Account { id, balance, sum: 0 });
        }
        if let Some(account) = current.as_mut().filter(|_| part > 0) {
            legs += 1;
            // A platform account's row is only brought up to date when a transaction is sealed.
            if !(in_tail && is_platform(id)) {
                account.sum += if part == 1 { -amount } else { amount };
            }
        }
        Ok(())
    })?;
    close(current.as_ref(), findings);
    findings.count("accounts", accounts);
    findings.count("legs", legs);
    Ok(())
}

fn close(account: Option<&Account>, findings: &mut Findings) {
    let Some(&Account { id, balance, sum }) = account else {
        return;
    };
    match balance {
        Some(balance) => findings.require(balance == sum, || format!("account {id}: balance {}, expected {}", usdt(balance), usdt(sum))),
        None => findings.wrong(|| format!("account {id}: does not exist, expected with {}", usdt(sum))),
    }
}
