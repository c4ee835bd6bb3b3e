//! M4: history never changes. Every seal is the hash of the one before it and of its transaction.

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::ledger::{COLUMNS, Posting, Transaction};
use crate::notation::hex;
use crate::reader::Reader;

type Hash = Vec<u8>;

struct Seal {
    position: i64,
    transaction_id: Uuid,
    hash: Hash,
    /// None if it is gone.
    transaction: Option<Transaction>,
}

/// How far the chain has been followed.
struct Link {
    position: i64,
    hash: Hash,
}

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let end = follow(reader, findings)?;
    findings.count("seals", end.position);
    head(reader, findings, &end)?;
    membership(reader, findings)
}

/// Walks the chain from its first seal and gives back its last.
fn follow(reader: &Reader, findings: &mut Findings) -> Result<Link, AuditError> {
    let sql = format!(
        "select s.position, s.transaction_id, s.hash, {COLUMNS}
         from seals s
         left join transactions t on t.id = s.transaction_id
         left join postings p on p.transaction_id = t.id
         order by s.position, s.transaction_id, p.n"
    );
    let mut link = Link { position: 0, hash: vec![0; 32] };
    let mut current: Option<Seal> = None;
    reader.rows(&sql, |row| {
        let (position, transaction_id) = (row.int(0)?, row.id(1)?);
        let is_next = |seal: &Seal| (seal.position, seal.transaction_id) != (position, transaction_id);
        if current.as_ref().is_none_or(is_next) {
            verify(current.take(), &mut link, findings);
            current = Some(Seal { position, transaction_id, hash: row.bytes(2)?.to_vec(), transaction: Transaction::read(row, 3)? });
        }
        let transaction = current.as_mut().and_then(|seal| seal.transaction.as_mut());
        if let (Some(transaction), Some(posting)) = (transaction, Posting::read(row, 3)?) {
            transaction.postings.push(posting);
        }
        Ok(())
    })?;
    verify(current, &mut link, findings);
    Ok(link)
}

fn verify(seal: Option<Seal>, link: &mut Link, findings: &mut Findings) {
    let Some(seal) = seal else {
        return;
    };
    let Seal { position, transaction_id, .. } = seal;
    // Saturating: a planted i64::MAX must be reported, not crash the auditor.
    let expected = link.position.saturating_add(1);
    findings.require(position == expected, || format!("seal {position}: expected position {expected}"));
    match &seal.transaction {
        None => findings.wrong(|| format!("seal {position}: transaction {transaction_id} does not exist")),
        Some(transaction) => {
            let mut hash = Sha256::new();
            hash.update(&link.hash);
            transaction.hash_into(&mut hash);
            let expected = hash.finalize();
            findings.require(seal.hash == expected.as_slice(), || {
                let (found, expected) = (hex(&seal.hash), hex(&expected));
                format!("seal {position}, transaction {transaction_id}: hash {found}, expected {expected}")
            });
        }
    }
    // On with what is written, so that one changed transaction is one offender and not all that follow.
    *link = Link { position, hash: seal.hash };
}

fn head(reader: &Reader, findings: &mut Findings, end: &Link) -> Result<(), AuditError> {
    let mut heads = 0u64;
    reader.rows("select id, position, hash from chain_head", |row| {
        heads += 1;
        let (id, position, hash) = (row.int(0)?, row.int(1)?, row.bytes(2)?);
        findings.require(id == 1 && position == end.position && hash == end.hash, || {
            let (found, expected) = (hex(hash), hex(&end.hash));
            format!("chain head {id}: position {position} {found}, expected {} {expected}", end.position)
        });
        Ok(())
    })?;
    findings.require(heads == 1, || format!("{heads} chain heads, expected 1"));
    Ok(())
}

/// How often one transaction is named in each of the three tables.
#[derive(Default)]
struct Named {
    transactions: u64,
    seals: u64,
    unsealed: u64,
}

fn membership(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut waiting = 0u64;
    let mut current: Option<(Uuid, Named)> = None;
    reader.rows(
        "select x.id, x.part
         from (select id, 0 as part from transactions
               union all select transaction_id, 1 from seals
               union all select transaction_id, 2 from unsealed) x
         order by x.id",
        |row| {
            let id = row.id(0)?;
            if current.as_ref().is_none_or(|(before, _)| *before != id) {
                close(current.take().as_ref(), findings);
            }
            let (_, named) = current.get_or_insert_with(|| (id, Named::default()));
            match row.int(1)? {
                0 => named.transactions += 1,
                1 => named.seals += 1,
                _ => {
                    named.unsealed += 1;
                    waiting += 1;
                }
            }
            Ok(())
        },
    )?;
    close(current.as_ref(), findings);
    findings.count("unsealed", waiting);
    Ok(())
}

fn close(named: Option<&(Uuid, Named)>, findings: &mut Findings) {
    let Some((id, Named { transactions, seals, unsealed })) = named else {
        return;
    };
    findings.require(*transactions == 1 && seals + unsealed == 1, || {
        format!("transaction {id}: {transactions} rows, {seals} seals, {unsealed} times unsealed, expected 1 and 1 of them")
    });
}
