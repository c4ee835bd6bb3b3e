//! M6: every account belongs to something that exists, every user has one, and the platform has exactly three.

use uuid::Uuid;

use crate::accounts::{PLATFORM, is_platform};
use crate::error::AuditError;
use crate::findings::Findings;
use crate::reader::Reader;

struct Account<'a> {
    id: Uuid,
    owner: Uuid,
    kind: &'a str,
    reference: Uuid,
    owner_is_user: bool,
}

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut accounts = 0u64;
    let mut platform: Vec<Uuid> = Vec::new();
    let mut before: Option<Uuid> = None;
    reader.rows(
        "select a.id, a.owner, a.kind, a.reference, u.id as user_id
         from accounts a left join users u on u.id = a.owner order by a.id",
        |row| {
            accounts += 1;
            let account = Account {
                id: row.id(0)?,
                owner: row.id(1)?,
                kind: row.text(2)?,
                reference: row.id(3)?,
                owner_is_user: row.optional_id(4)?.is_some(),
            };
            findings.require(before != Some(account.id), || format!("account {}: there are two of it", account.id));
            before = Some(account.id);
            if is_platform(account.id) {
                platform.push(account.id);
            }
            if let Some(expected) = fault(&account) {
                findings.wrong(|| format!("account {} ({}): expected {expected}", account.id, account.kind));
            }
            Ok(())
        },
    )?;
    for (id, kind) in PLATFORM {
        findings.require(platform.contains(&id), || format!("account {id} ({kind}): does not exist"));
    }
    findings.count("accounts", accounts);
    users(reader, findings)
}

/// What the account should be, if it is something else.
fn fault(account: &Account<'_>) -> Option<&'static str> {
    let Account { id, owner, kind, reference, owner_is_user } = *account;
    let (holds, expected) = match kind {
        "user_available" => (id == owner && id == reference && owner_is_user, "id, owner and reference to be one user"),
        "task_escrow" | "withdrawal_hold" => {
            (id == reference && owner_is_user && !is_platform(id), "id to be the reference and the owner a user")
        }
        _ => (
            PLATFORM.contains(&(id, kind)) && owner.is_nil() && reference.is_nil(),
            "one of the platform's three accounts, owned by nobody",
        ),
    };
    (!holds).then_some(expected)
}

fn users(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut users = 0u64;
    reader.rows(
        "select u.id, a.id as account_id
         from users u left join accounts a on a.id = u.id and a.kind = 'user_available' order by u.id",
        |row| {
            users += 1;
            let id = row.id(0)?;
            findings.require(row.optional_id(1)?.is_some(), || format!("user {id}: has no account"));
            Ok(())
        },
    )?;
    findings.count("users", users);
    Ok(())
}
