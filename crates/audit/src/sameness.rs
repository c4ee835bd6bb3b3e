//! Whether two streams tell the same facts, each as often, in any order, in little memory: facts are counted and summed
//! up by their hashes in buckets, and only the facts of buckets that differ are looked at one by one, in a second pass.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::error::AuditError;
use crate::findings::Findings;

const BUCKETS: usize = 1 << 16;
/// So many buckets that differ are looked into; each holds a few of millions of facts.
const BUCKETS_OPENED: usize = 64;

/// Tells every fact, with whether it must be there (true) or is there (false). Is called twice.
pub(crate) type Tell<'f> = dyn FnMut(&mut dyn FnMut(bool, &str)) -> Result<(), AuditError> + 'f;

/// Notes each fact that is told more or less often than it must be. Answers how many facts there are.
pub(crate) fn compare(tell: &mut Tell<'_>, findings: &mut Findings) -> Result<u64, AuditError> {
    let mut buckets = vec![(0i64, 0u128); BUCKETS];
    let mut facts = 0;
    tell(&mut |must, fact| {
        let (bucket, sum) = hash(fact);
        let (count, total) = &mut buckets[bucket];
        if must {
            *count += 1;
            *total = total.wrapping_add(sum);
        } else {
            facts += 1;
            *count -= 1;
            *total = total.wrapping_sub(sum);
        }
    })?;
    let differ: Vec<usize> = (0..BUCKETS).filter(|bucket| buckets[*bucket] != (0, 0)).collect();
    let opened = &differ[..differ.len().min(BUCKETS_OPENED)];
    if opened.is_empty() {
        return Ok(facts);
    }
    let mut missing: BTreeMap<String, i64> = BTreeMap::new();
    tell(&mut |must, fact| {
        if opened.binary_search(&hash(fact).0).is_ok() {
            *missing.entry(fact.to_owned()).or_default() += if must { 1 } else { -1 };
        }
    })?;
    for (fact, times) in missing.iter().filter(|(_, times)| **times != 0) {
        let what = if *times > 0 { "not told" } else { "told too often" };
        findings.wrong(|| format!("{fact}: {} x {what}", times.unsigned_abs()));
    }
    for _ in opened.len()..differ.len() {
        findings.wrong(|| "more of this kind".to_owned());
    }
    Ok(facts)
}

fn hash(fact: &str) -> (usize, u128) {
    let hash = Sha256::digest(fact.as_bytes());
    let (first, rest) = hash.split_at(2);
    let bucket = first.iter().fold(0, |bucket, byte| bucket << 8 | usize::from(*byte));
    (bucket, rest[..16].iter().fold(0, |sum, byte| sum << 8 | u128::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(must: &[&str], told: &[&str]) -> Vec<String> {
        let mut findings = Findings::default();
        let mut tell = |each: &mut dyn FnMut(bool, &str)| {
            for (is_must, facts) in [(true, must), (false, told)] {
                for fact in facts {
                    each(is_must, fact);
                }
            }
            Ok(())
        };
        compare(&mut tell, &mut findings).expect("reads");
        findings.offenders
    }

    #[test]
    fn order_does_not_matter_and_number_does() {
        assert!(differences(&["a", "b", "b"], &["b", "a", "b"]).is_empty());
        assert_eq!(differences(&["a", "b"], &["b", "b", "c"]), ["a: 1 x not told", "b: 1 x told too often", "c: 1 x told too often"]);
    }
}
