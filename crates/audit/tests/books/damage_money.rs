//! Damage to the money of the market: shares, escrows, tips, commissions.

use crate::damage::{Damage, damage};

pub const MONEY: &[Damage] = &[
    damage(
        "M7",
        "a settlement without worker",
        "delete from postings where n = 1 and transaction_id = (select transaction_id from postings where n = 4 order by transaction_id limit 1)",
    ),
    damage(
        "M7",
        "a share rounded up",
        "update postings set amount = amount + 1 where n = 2 and transaction_id = (select transaction_id from postings where n = 4 order by transaction_id limit 1)",
    ),
    damage(
        "M7",
        "a commission of one micro more",
        "update postings set amount = amount + 1 where n = 3 and transaction_id = (select transaction_id from postings where n = 4 order by transaction_id limit 1)",
    ),
    damage(
        "M7",
        "a commission to somebody else",
        "update postings set to_account = (select a.id from accounts a where a.kind = 'user_available' and a.id <> postings.to_account order by a.id limit 1) where n = 3 and transaction_id = (select transaction_id from postings where n = 4 order by transaction_id limit 1)",
    ),
    damage(
        "M7",
        "a commission that nobody is due",
        "insert into postings select p.transaction_id, 9, {fees}, p.to_account, 1 from postings p join transactions t on t.id = p.transaction_id where t.kind = 'settlement' and p.n = 1 and p.to_account <> {fees} order by p.transaction_id limit 1",
    ),
    damage("M7", "a commission in the thirteenth month", "update users set created_at = created_at - 34560000000"),
    damage("M7", "a referrer is forgotten", "update users set referrer_id = null"),
    damage("M7", "another fee", "update tasks set fee_bp = fee_bp + 1 where status = 'completed'"),
    damage("M7", "another part for referrers", "update tasks set commission_bp = commission_bp + 100"),
    damage("M7", "another reward", "update tasks set reward = reward + 1 where status = 'completed'"),
    damage("M7", "a worker's share of one micro less", "update acceptances set paid = paid - 1 where status = 'split'"),
    damage(
        "M7",
        "a worker is paid for the slot of another",
        "update acceptances set worker_id = (select u.id from users u where u.id <> worker_id order by u.id limit 1) where status = 'approved'",
    ),
    damage(
        "M7",
        "a settlement of no slot",
        "update transactions set reference = {new} where id = (select id from transactions where kind = 'settlement' order by id limit 1)",
    ),
    damage(
        "M7",
        "a slot that is paid and not settled",
        "update acceptances set settled_at = null where id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage(
        "M10",
        "more is put into escrow",
        "update postings set amount = amount + 1 where transaction_id = (select id from transactions where kind = 'publish' order by id limit 1)",
    ),
    damage(
        "M10",
        "somebody else pays for a task",
        "update postings set from_account = (select u.id from users u where u.id <> from_account order by u.id limit 1) where transaction_id = (select id from transactions where kind = 'publish' order by id limit 1)",
    ),
    damage(
        "M10",
        "an extension is forgotten",
        "update tasks set slots_total = slots_total - 1 where id = (select p.to_account from postings p join transactions t on t.id = p.transaction_id where t.kind = 'extend' order by t.id limit 1)",
    ),
    damage(
        "M10",
        "a slot nobody paid for",
        "update tasks set slots_total = slots_total + 1 where id = (select id from tasks where status = 'open' order by id limit 1)",
    ),
    damage(
        "M10",
        "a task nobody published",
        "delete from postings where transaction_id = (select id from transactions where kind = 'publish' order by id limit 1); delete from transactions where id = (select id from transactions where kind = 'publish' order by id limit 1)",
    ),
    damage(
        "M10",
        "published at another time",
        "update tasks set published_at = published_at + 1 where id = (select id from tasks where status = 'open' order by id limit 1)",
    ),
    damage(
        "M10",
        "published by somebody else",
        "update transactions set actor = {new} where id = (select id from transactions where kind = 'publish' order by id limit 1)",
    ),
    damage(
        "M10",
        "an escrow of somebody else",
        "update accounts set owner = (select u.id from users u where u.id <> owner order by u.id limit 1) where id = (select id from tasks where status = 'open' order by id limit 1)",
    ),
    damage(
        "M10",
        "a refund to the worker",
        "update postings set to_account = (select u.id from users u where u.id <> to_account order by u.id limit 1) where transaction_id = (select id from transactions where kind = 'refund' order by id limit 1)",
    ),
    damage(
        "M10",
        "a refund of one micro less",
        "update postings set amount = amount - 1 where transaction_id = (select id from transactions where kind = 'refund' order by id limit 1)",
    ),
    damage(
        "M10",
        "a refund of nothing",
        "update transactions set reference = {new} where id = (select id from transactions where kind = 'refund' order by id limit 1)",
    ),
    damage(
        "M10",
        "a closed task reopens",
        "update tasks set status = 'open' where id = (select reference from transactions where kind = 'close' order by id limit 1)",
    ),
    damage(
        "M10",
        "half a slot comes back",
        "update postings set amount = amount + 1 where transaction_id = (select id from transactions where kind = 'close' order by id limit 1)",
    ),
    damage("M10", "a tip of one micro more", "update tips set amount = amount + 1 where id = (select id from tips order by id limit 1)"),
    damage("M10", "a tip that was not paid", "insert into tips select {new}, acceptance_id, amount, at from tips order by id limit 1"),
    damage("M10", "a tip for nothing", "delete from tips where id = (select id from tips order by id limit 1)"),
    damage(
        "M10",
        "a tip to somebody else",
        "update postings set to_account = (select u.id from users u where u.id <> to_account and u.id <> from_account order by u.id limit 1) where transaction_id = (select id from transactions where kind = 'tip' order by id limit 1)",
    ),
    damage(
        "M10",
        "a tip for a rejected proof",
        "update tips set acceptance_id = (select id from acceptances where status = 'rejected' order by id limit 1) where id = (select id from tips order by id limit 1)",
    ),
    damage("M10", "the same tip twice", "insert into tips select id, acceptance_id, amount, at from tips order by id limit 1"),
    damage(
        "M10",
        "a hold of somebody else",
        "update accounts set owner = (select u.id from users u where u.id <> owner order by u.id limit 1) where id = (select id from accounts where kind = 'withdrawal_hold' order by id limit 1)",
    ),
    damage(
        "T1",
        "escrow released on reject",
        "update accounts set balance = balance - (select t.reward from tasks t where t.id = accounts.id) where id = (select task_id from acceptances where status = 'disputed' order by id limit 1)",
    ),
    damage(
        "T1",
        "a slot forgotten at expiry",
        "update tasks set slots_live = slots_live + 1 where id = (select a.task_id from acceptances a join tasks t on t.id = a.task_id where a.status = 'expired' and t.status = 'open' order by a.id limit 1)",
    ),
    damage(
        "T1",
        "a slot more is filled",
        "update tasks set slots_filled = slots_filled + 1 where id = (select id from tasks where status = 'open' and slots_filled > 0 order by id limit 1)",
    ),
    damage(
        "T1",
        "a slot more is refunded",
        "update tasks set slots_refunded = slots_refunded + 1 where id = (select id from tasks where status = 'open' order by id limit 1)",
    ),
    damage(
        "T1",
        "an ended task still holds a slot",
        "update tasks set slots_total = slots_total + 1, slots_live = slots_live + 1 where id = (select id from tasks where status = 'completed' order by id limit 1)",
    ),
    damage("T1", "a task is gone", "delete from tasks where id = (select id from tasks where status = 'completed' order by id limit 1)"),
    damage(
        "T1",
        "a task twice",
        "insert into tasks select * from tasks where id = (select id from tasks where status = 'completed' order by id limit 1)",
    ),
    damage("T1", "an escrow is gone", "delete from accounts where id = (select id from tasks where status = 'open' order by id limit 1)"),
    damage(
        "T1",
        "an acceptance is gone",
        "delete from acceptances where id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage(
        "T1",
        "an acceptance of another task",
        "update acceptances set task_id = (select t.id from tasks t where t.id <> task_id order by t.id limit 1) where id = (select id from acceptances where status = 'submitted' order by id limit 1)",
    ),
    damage(
        "T1",
        "a refunded slot counts as filled",
        "update tasks set slots_filled = slots_filled + 1, slots_refunded = slots_refunded - 1 where status = 'completed' and slots_refunded > 0",
    ),
    damage(
        "R1",
        "a micro more is claimed",
        "update commissions set earned = earned + 1 where referred_id = (select referred_id from commissions order by referred_id limit 1)",
    ),
    damage(
        "R1",
        "a claim is gone",
        "delete from commissions where referred_id = (select referred_id from commissions order by referred_id limit 1)",
    ),
    damage("R1", "a claim twice", "insert into commissions select * from commissions order by referred_id limit 1"),
    damage("R1", "a claim for a stranger", "insert into commissions values ({new}, {new}, 5)"),
    damage(
        "R1",
        "another referrer claims",
        "update commissions set referrer_id = {new} where referred_id = (select referred_id from commissions order by referred_id limit 1)",
    ),
];
