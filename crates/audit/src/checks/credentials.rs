//! U1: what people sign in with belongs to somebody and is well formed, and so are stored answers and seals.

use crate::error::AuditError;
use crate::findings::Findings;
use crate::notation::hex;
use crate::reader::Reader;

const SHA256_BYTES: usize = 32;
const IDEMPOTENCY_DIGEST_BYTES: usize = 16;

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    api_keys(reader, findings)?;
    owned(reader, findings, "sessions", "s.id")?;
    owned(reader, findings, "passwords", "s.user_id")?;
    answers(reader, findings)?;
    seals(reader, findings)
}

fn api_keys(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut keys = 0u64;
    reader.rows(
        "select k.id, k.hash, k.scopes, u.id as user_id
         from api_keys k left join users u on u.id = k.user_id order by k.id",
        |row| {
            keys += 1;
            let (id, hash, scopes) = (row.id(0)?, row.bytes(1)?.len(), row.int(2)?);
            findings.require(hash == SHA256_BYTES, || format!("api key {id}: hash of {hash} bytes, expected {SHA256_BYTES}"));
            findings.require((1..=15).contains(&scopes), || format!("api key {id}: scopes {scopes}, expected 1 to 15"));
            findings.require(row.optional_id(3)?.is_some(), || format!("api key {id}: its user does not exist"));
            Ok(())
        },
    )?;
    findings.count("keys", keys);
    Ok(())
}

fn owned(reader: &Reader, findings: &mut Findings, table: &'static str, id: &str) -> Result<(), AuditError> {
    let mut rows = 0u64;
    let sql = format!("select {id}, u.id as owner from {table} s left join users u on u.id = s.user_id order by 1");
    reader.rows(&sql, |row| {
        rows += 1;
        let id = row.id(0)?;
        findings.require(row.optional_id(1)?.is_some(), || format!("{table} {id}: its user does not exist"));
        Ok(())
    })?;
    findings.count(table, rows);
    Ok(())
}

fn answers(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut answers = 0u64;
    reader.rows("select digest, input_hash, status from idempotency", |row| {
        answers += 1;
        let (digest, input, status) = (row.bytes(0)?, row.bytes(1)?.len(), row.int(2)?);
        let holds = digest.len() == IDEMPOTENCY_DIGEST_BYTES && input == SHA256_BYTES;
        findings.require(holds, || {
            format!(
                "answer {}: digests of {} and {input} bytes, expected {IDEMPOTENCY_DIGEST_BYTES} and {SHA256_BYTES}",
                hex(digest),
                digest.len()
            )
        });
        // Only successes are kept: a refusal has no effect that a repeat could double.
        findings.require((200..=299).contains(&status), || format!("answer {}: status {status}, expected 200 to 299", hex(digest)));
        Ok(())
    })?;
    findings.count("answers", answers);
    Ok(())
}

fn seals(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    for (what, sql) in
        [("seal", "select position, hash from seals order by position"), ("chain head", "select position, hash from chain_head")]
    {
        reader.rows(sql, |row| {
            let (position, hash) = (row.int(0)?, row.bytes(1)?.len());
            findings.require(hash == SHA256_BYTES, || format!("{what} {position}: hash of {hash} bytes, expected {SHA256_BYTES}"));
            Ok(())
        })?;
    }
    Ok(())
}
