//! The catalogue of planted damage: the check that must find it, what was done, and how.

use crate::damage_chain::CHAIN;
use crate::damage_money::MONEY;
use crate::damage_told::TOLD;
use crate::damage_work::WORK;

pub struct Damage {
    pub check: &'static str,
    pub what: &'static str,
    pub sql: &'static str,
}

pub const fn damage(check: &'static str, what: &'static str, sql: &'static str) -> Damage {
    Damage { check, what, sql }
}

/// Every planted damage, at least one for each check. Runs on both engines; the tokens are the dialect's.
pub fn catalogue() -> impl Iterator<Item = &'static Damage> {
    [BOOKS, MONEY, WORK, TOLD, CHAIN].into_iter().flatten()
}

/// Damage to the books.
const BOOKS: &[Damage] = &[
    damage(
        "M1",
        "a first leg is gone",
        "delete from postings where n = 1 and transaction_id = (select transaction_id from postings where n = 2 order by transaction_id limit 1)",
    ),
    damage(
        "M1",
        "the only leg is gone",
        "delete from postings where transaction_id = (select id from transactions where kind = 'tip' order by id limit 1)",
    ),
    damage(
        "M1",
        "a leg of nothing",
        "update postings set amount = 0 where transaction_id = (select id from transactions where kind = 'tip' order by id limit 1)",
    ),
    damage(
        "M1",
        "a leg backwards",
        "update postings set amount = -amount where transaction_id = (select id from transactions where kind = 'tip' order by id limit 1)",
    ),
    damage(
        "M1",
        "money to oneself",
        "update postings set to_account = from_account where transaction_id = (select id from transactions where kind = 'tip' order by id limit 1)",
    ),
    damage(
        "M1",
        "money to nobody",
        "update postings set to_account = {new} where transaction_id = (select id from transactions where kind = 'tip' order by id limit 1)",
    ),
    damage(
        "M1",
        "money from nobody",
        "update postings set from_account = {new} where transaction_id = (select id from transactions where kind = 'tip' order by id limit 1)",
    ),
    damage(
        "M1",
        "legs without transaction",
        "delete from transactions where id = (select id from transactions where kind = 'publish' order by id limit 1)",
    ),
    damage("M1", "the operator gains a micro", "update accounts set balance = balance + 1 where kind = 'operator_capital'"),
    damage("M1", "more money than a number holds", "update accounts set balance = 9223372036854775807 where kind <> 'onchain'"),
    damage(
        "M2",
        "a user in debt",
        "update accounts set balance = -1 where id = (select id from accounts where kind = 'user_available' order by id limit 1)",
    ),
    damage(
        "M2",
        "an escrow in debt",
        "update accounts set balance = -1 where id = (select id from accounts where kind = 'task_escrow' order by id limit 1)",
    ),
    damage("M2", "fees in debt", "update accounts set balance = -9000000000 where kind = 'platform_fees'"),
    damage(
        "M3",
        "a user gains a micro",
        "update accounts set balance = balance + 1 where id = (select id from accounts where kind = 'user_available' order by id limit 1)",
    ),
    damage(
        "M3",
        "an escrow gains a micro",
        "update accounts set balance = balance + 1 where id = (select id from accounts where kind = 'task_escrow' order by id limit 1)",
    ),
    damage(
        "M3",
        "a hold gains a micro",
        "update accounts set balance = balance + 1 where id = (select id from accounts where kind = 'withdrawal_hold' order by id limit 1)",
    ),
    damage("M3", "the chain owes a micro more", "update accounts set balance = balance + 1 where kind = 'onchain'"),
    damage(
        "M3",
        "a micro moves between users",
        "update accounts set balance = balance + 1 where id = (select id from accounts where kind = 'user_available' order by id limit 1); update accounts set balance = balance - 1 where id = (select id from accounts where kind = 'user_available' order by id limit 1 offset 1)",
    ),
    damage(
        "M3",
        "a leg of one micro more",
        "update postings set amount = amount + 1 where transaction_id = (select id from transactions where kind = 'publish' order by id limit 1)",
    ),
    damage("M3", "the tail is skipped", "delete from unsealed"),
    damage("M3", "the platform's row takes its tail early", "update accounts set balance = balance + 1500000 where kind = 'platform_fees'"),
    damage(
        "M3e",
        "a last entry is gone",
        "delete from entries where account_id = (select id from accounts where kind = 'user_available' order by id limit 1) and seq = (select entries from accounts where kind = 'user_available' order by id limit 1)",
    ),
    damage(
        "M3e",
        "an entry of one micro more",
        "update entries set amount = amount + 1 where seq = 2 and account_id = (select id from accounts where kind = 'user_available' order by id limit 1)",
    ),
    damage(
        "M3e",
        "a wrong balance after",
        "update entries set balance_after = balance_after + 1 where seq = 2 and account_id = (select id from accounts where kind = 'user_available' order by id limit 1)",
    ),
    damage(
        "M3e",
        "a gap in the numbers",
        "update entries set seq = 9000 where seq = (select entries from accounts where id = account_id) and account_id = {fees}",
    ),
    damage(
        "M3e",
        "an entry twice",
        "insert into entries select account_id, seq + 1, transaction_id, amount, balance_after + amount from entries e where seq = (select entries from accounts where id = e.account_id) and account_id = (select id from accounts where kind = 'user_available' order by id limit 1)",
    ),
    damage("M3e", "one entry more is claimed", "update accounts set entries = entries + 1 where kind = 'onchain'"),
    damage("M3e", "an escrow has a statement", "insert into entries select id, 1, {new}, 5, 5 from accounts where kind = 'task_escrow'"),
    damage("M3e", "an escrow claims a statement", "update accounts set entries = 1 where kind = 'task_escrow'"),
    damage(
        "M3e",
        "an entry of another transaction",
        "update entries set transaction_id = (select transaction_id from unsealed order by transaction_id limit 1) where seq = 1 and account_id = {onchain}",
    ),
    damage("M3e", "entries of nobody", "update entries set account_id = {new} where account_id = {fees}"),
    damage(
        "M3e",
        "a platform entry before its seal",
        "insert into entries select {fees}, (select entries + 1 from accounts where id = {fees}), p.transaction_id, p.amount, (select balance from accounts where id = {fees}) + p.amount from postings p join unsealed u on u.transaction_id = p.transaction_id where p.to_account = {fees} order by p.transaction_id limit 1",
    ),
    damage("M4", "a changed hash", "update seals set hash = {32 bytes} where position = 7"),
    damage("M4", "a changed time", "update transactions set at = at + 1 where id = (select transaction_id from seals where position = 3)"),
    damage(
        "M4",
        "a changed actor",
        "update transactions set actor = {new} where id = (select transaction_id from seals where position = 1)",
    ),
    damage(
        "M4",
        "a changed reference",
        "update transactions set reference = {new} where id = (select transaction_id from seals where position = 5)",
    ),
    damage(
        "M4",
        "a sealed leg of one micro more",
        "update postings set amount = amount + 1 where transaction_id = (select transaction_id from seals where position = 9)",
    ),
    damage("M4", "a seal in the middle is gone", "delete from seals where position = 20"),
    damage("M4", "the last seal is gone", "delete from seals where position = (select position from chain_head)"),
    damage("M4", "all seals are gone", "delete from seals"),
    damage("M4", "two seals change places", "update seals set position = case position when 4 then 5 else 4 end where position in (4, 5)"),
    damage("M4", "a seal at the end of all numbers", "update seals set position = 9223372036854775807 where position = 20"),
    damage("M4", "a head that lags", "update chain_head set position = position - 1"),
    damage("M4", "a head of another chain", "update chain_head set hash = {32 bytes}"),
    damage("M4", "no head", "delete from chain_head"),
    damage("M4", "a second head", "insert into chain_head select 2, position, hash from chain_head"),
    damage("M4", "a sealed transaction waits", "insert into unsealed select transaction_id from seals where position = 1"),
    damage(
        "M4",
        "a forgotten transaction",
        "delete from unsealed where transaction_id = (select transaction_id from unsealed order by transaction_id limit 1)",
    ),
    damage("M4", "nothing waits for its seal", "insert into unsealed values ({new})"),
    damage(
        "M4",
        "one transaction sealed twice",
        "insert into seals select (select position + 1 from chain_head), transaction_id, hash from seals where position = 1",
    ),
    damage(
        "M5",
        "one event booked twice",
        "insert into transactions select {new}, kind, reference, at, actor from transactions where kind = 'deposit' order by id limit 1; insert into postings select {new}, 1, from_account, to_account, amount from postings where transaction_id = (select id from transactions where kind = 'deposit' and id <> {new} order by id limit 1)",
    ),
    damage(
        "M6",
        "a user's account with another owner",
        "update accounts set owner = {new} where id = (select id from accounts where kind = 'user_available' order by id limit 1)",
    ),
    damage(
        "M6",
        "a user's account of something",
        "update accounts set reference = {new} where id = (select id from accounts where kind = 'user_available' order by id limit 1)",
    ),
    damage(
        "M6",
        "an escrow of nobody",
        "update accounts set owner = {new} where id = (select id from accounts where kind = 'task_escrow' order by id limit 1)",
    ),
    damage(
        "M6",
        "a hold of another withdrawal",
        "update accounts set reference = {new} where id = (select id from accounts where kind = 'withdrawal_hold' order by id limit 1)",
    ),
    damage(
        "M6",
        "a user without account",
        "delete from accounts where id = (select id from accounts where kind = 'user_available' order by id limit 1)",
    ),
    damage("M6", "an account without user", "delete from users where id = (select id from users order by id limit 1)"),
    damage(
        "M6",
        "an owned platform account",
        "update accounts set owner = (select id from users order by id limit 1) where kind = 'platform_fees'",
    ),
    damage("M6", "no operator's account", "delete from accounts where kind = 'operator_capital'"),
    damage("M6", "a second fee account", "insert into accounts values ({new}, {nil}, 'platform_fees', {nil}, 0, 0)"),
    damage(
        "M6",
        "an account twice",
        "insert into accounts select id, owner, kind, reference, balance, entries from accounts where kind = 'task_escrow' order by id limit 1",
    ),
    damage("M6", "an account of an unknown kind", "insert into accounts values ({new}, {nil}, 'pocket', {new}, 0, 0)"),
    damage(
        "M9",
        "an unknown kind",
        "update transactions set kind = 'gift' where id = (select transaction_id from unsealed order by transaction_id limit 1)",
    ),
    damage(
        "M9",
        "a deposit from the operator",
        "update postings set from_account = (select id from accounts where kind = 'operator_capital') where transaction_id = (select id from transactions where kind = 'deposit' order by id limit 1)",
    ),
    damage(
        "M9",
        "a deposit in two parts",
        "insert into postings select transaction_id, 2, from_account, to_account, 1 from postings where transaction_id = (select id from transactions where kind = 'deposit' order by id limit 1)",
    ),
    damage(
        "M9",
        "a third commission",
        "insert into postings select transaction_id, 5, from_account, to_account, amount from postings where n = 4",
    ),
    damage(
        "M9",
        "a withdrawal told as a tip",
        "update transactions set kind = 'tip' where id = (select id from transactions where kind = 'withdraw' order by id limit 1)",
    ),
    damage("U1", "a short key hash", "update api_keys set hash = {31 bytes} where scopes = 1"),
    damage("U1", "a key that may nothing", "update api_keys set scopes = 0 where scopes = 1"),
    damage("U1", "a key that may more than there is", "update api_keys set scopes = 16 where scopes = 1"),
    damage("U1", "a key of nobody", "update api_keys set user_id = {new} where scopes = 1"),
    damage("U1", "a session of nobody", "update sessions set user_id = {new} where id = (select id from sessions order by id limit 1)"),
    damage("U1", "a password of nobody", "update passwords set user_id = {new} where email = 'user0@example.org'"),
    damage("U1", "a long idempotency digest", "update idempotency set digest = {32 bytes}"),
    damage("U1", "a short input hash", "update idempotency set input_hash = {31 bytes}"),
    damage("U1", "a stored refusal", "update idempotency set status = 409"),
    damage("U1", "a short seal", "update seals set hash = {31 bytes} where position = 2"),
    damage("U1", "a short head", "update chain_head set hash = {31 bytes}"),
];
