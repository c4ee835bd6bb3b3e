//! C1: the solid blocks that were read stand on one another without a gap, the cursor is on the last of them, and nothing
//! is known of a block that was not read.

use crate::error::AuditError;
use crate::findings::Findings;
use crate::notation::hex;
use crate::reader::Reader;

/// So many blocks before the last round number are kept; older ones are forgotten at round numbers.
const KEPT: i128 = 70_000;
const FORGOTTEN_EVERY: i128 = 1_000;

/// The lowest block that something of ours is known to be in or to build on, and the highest.
const MENTIONED: &str = "
    select min(x.lowest) as lowest, max(x.highest) as highest
    from (select min(ref_number) as lowest, max(ref_number) as highest from attempts
          union all select min(block), max(block) from attempts
          union all select min(proof_number), max(proof_number) from attempts
          union all select min(block), max(block) from outgoing_seen
          union all select null, max(block) from deposits) x";

struct Block {
    number: i128,
    hash: Vec<u8>,
    at: i64,
}

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut blocks = 0u64;
    let mut first = None;
    let mut last: Option<Block> = None;
    reader.rows("select number, hash, parent, at from chain_blocks order by number, hash", |row| {
        blocks += 1;
        let (number, hash, parent, at) = (i128::from(row.int(0)?), row.bytes(1)?, row.bytes(2)?, row.int(3)?);
        first = first.or(Some(number));
        // A block's id begins with its number.
        let (claim, rest) = hash.split_at(hash.len().min(8));
        let claim = claim.iter().fold(0i128, |claim, byte| claim << 8 | i128::from(*byte));
        findings.require(claim == number && rest.len() == 24, || format!("block {number}: its id is {}, which is of another", hex(hash)));
        if let Some(before) = &last {
            findings.require(number == before.number + 1, || format!("block {number}: the one before is {}", before.number));
            findings
                .require(parent == before.hash, || format!("block {number}: stands on {}, expected {}", hex(parent), hex(&before.hash)));
            findings.require(at >= before.at, || format!("block {number}: of {at}, and the one before of {}", before.at));
        }
        last = Some(Block { number, hash: hash.to_vec(), at });
        Ok(())
    })?;
    findings.count("blocks", blocks);
    cursor(reader, findings, last.as_ref())?;
    ends(reader, findings, first.zip(last.map(|last| last.number)))
}

fn cursor(reader: &Reader, findings: &mut Findings, last: Option<&Block>) -> Result<(), AuditError> {
    let mut cursors = 0u64;
    reader.rows("select number, hash, at from chain_cursor order by id", |row| {
        cursors += 1;
        let (number, hash, at) = (i128::from(row.int(0)?), row.bytes(1)?, row.int(2)?);
        let holds = last.is_some_and(|last| last.number == number && last.hash == hash && last.at == at);
        findings.require(holds, || format!("cursor on block {number}, {}, of {at}, expected the last block that was read", hex(hash)));
        Ok(())
    })?;
    findings.require(cursors == u64::from(last.is_some()), || format!("{cursors} cursors, expected one as soon as blocks were read"));
    Ok(())
}

/// Nothing was forgotten too early, and nothing is known of blocks before the beginning or after the end.
fn ends(reader: &Reader, findings: &mut Findings, known: Option<(i128, i128)>) -> Result<(), AuditError> {
    reader.rows(MENTIONED, |row| {
        let (lowest, highest) = (row.optional_int(0)?.map(i128::from), row.optional_int(1)?.map(i128::from));
        let Some((first, last)) = known else {
            findings.require(highest.is_none(), || format!("block {highest:?} is mentioned, and none was read"));
            return Ok(());
        };
        let kept = last - last.rem_euclid(FORGOTTEN_EVERY) - KEPT;
        findings.require(first >= kept, || format!("block {first} is kept, expected {kept} or later"));
        // Where the first block is younger than that, the chain began with it here.
        let early = lowest.filter(|lowest| first > kept && *lowest < first);
        findings.require(early.is_none(), || format!("block {early:?} is mentioned, and the first one that was read is {first}"));
        let late = highest.filter(|highest| *highest > last);
        findings.require(late.is_none(), || format!("block {late:?} is mentioned, and the last one that was read is {last}"));
        Ok(())
    })
}
