//! D3m: a user is told of each deposit that is credited to him and of each step of his withdrawals, once.

use crate::checks::told::{fact, told};
use crate::error::AuditError;
use crate::findings::Findings;
use crate::json_text::Object;
use crate::notation::{hex, micro, usdt};
use crate::reader::Reader;
use crate::sameness::compare;

/// The events that are compared, and the field of their data that names what they are about.
const COMPARED: [(&str, &str); 9] = [
    ("deposit_credited", "deposit_id"),
    ("withdrawal_queued", "withdrawal_id"),
    ("withdrawal_in_review", "withdrawal_id"),
    ("withdrawal_approved", "withdrawal_id"),
    ("withdrawal_sent", "withdrawal_id"),
    ("withdrawal_completed", "withdrawal_id"),
    ("withdrawal_rejected", "withdrawal_id"),
    ("withdrawal_cancelled", "withdrawal_id"),
    ("withdrawal_refunded", "withdrawal_id"),
];

const STEPS: &str = "
    select s.withdrawal_id, s.n, s.status, s.reason, w.user_id, w.amount, w.fee
    from withdrawal_steps s join withdrawals w on w.id = s.withdrawal_id
    order by s.withdrawal_id, s.n";

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut tell = |each: &mut dyn FnMut(bool, &str)| {
        happened(reader, &mut |fact: &str| each(true, fact))?;
        told(reader, &COMPARED, figures_of, &mut |fact: &str| each(false, fact))
    };
    let facts = compare(&mut tell, findings)?;
    findings.count("events", facts);
    Ok(())
}

fn happened(reader: &Reader, each: &mut dyn FnMut(&str)) -> Result<(), AuditError> {
    reader.rows("select id, user_id, amount, txid from deposits where status = 'credited' order by id", |row| {
        let figures = format!(", {} in {}", usdt(row.int(2)?.into()), hex(row.bytes(3)?));
        each(&fact("deposit_credited", row.id(1)?, row.id(0)?, &figures));
        Ok(())
    })?;
    reader.rows(STEPS, |row| {
        let (status, amount, fee) = (row.text(2)?, i128::from(row.int(5)?), i128::from(row.int(6)?));
        let kind = match status {
            "queued" if row.int(1)? > 1 => "withdrawal_approved".to_owned(),
            "sending" => "withdrawal_sent".to_owned(),
            _ => format!("withdrawal_{status}"),
        };
        let figures = figures(&usdt(amount), &usdt(fee), &usdt(amount - fee), status, row.text(3)?);
        each(&fact(&kind, row.id(4)?, row.id(0)?, &figures));
        Ok(())
    })
}

/// The figures that an event gives, as [`happened`] writes them.
fn figures_of(kind: &str, data: &Object) -> String {
    let text = |name| data.text(name).unwrap_or("?");
    let amount = |name| data.plain(name).and_then(micro).map_or_else(|| "?".to_owned(), usdt);
    if kind == "deposit_credited" {
        return format!(", {} in {}", amount("amount"), text("txid"));
    }
    figures(&amount("amount"), &amount("fee"), &amount("net_amount"), text("status"), text("reason"))
}

fn figures(amount: &str, fee: &str, net: &str, status: &str, reason: &str) -> String {
    format!(", {amount} - {fee} = {net}, {status}: {reason}")
}
