//! Damage to the work in the market: slots, outcomes, times, states.

use crate::damage::{Damage, damage};

pub const WORK: &[Damage] = &[
    damage(
        "T2",
        "the last slot goes to two",
        "insert into acceptances select {new}, task_id, {new}, status, accepted_at, extended, submissions, submission_id, submitted_at, phase_at, due_at, reminders, next_at, review_left, reviewed_at, auto, paid, settled_at from acceptances where id = (select id from acceptances where status = 'submitted' order by id limit 1); update tasks set slots_total = slots_live where status <> 'completed'",
    ),
    damage(
        "T2",
        "two slots for one worker",
        "insert into acceptances select {new}, task_id, worker_id, status, accepted_at, extended, submissions, submission_id, submitted_at, phase_at, due_at, reminders, next_at, review_left, reviewed_at, auto, paid, settled_at from acceptances where id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage(
        "T2",
        "a third try",
        "insert into acceptances select {new}, task_id, worker_id, status, accepted_at, extended, submissions, submission_id, submitted_at, phase_at, due_at, reminders, next_at, review_left, reviewed_at, auto, paid, settled_at from acceptances where status = 'withdrawn'; insert into acceptances select {nil}, task_id, worker_id, status, accepted_at, extended, submissions, submission_id, submitted_at, phase_at, due_at, reminders, next_at, review_left, reviewed_at, auto, paid, settled_at from acceptances where status = 'withdrawn' and id <> {new}",
    ),
    damage(
        "T2",
        "a creator who works for himself",
        "update acceptances set worker_id = (select t.creator_id from tasks t where t.id = task_id) where id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage(
        "T3",
        "paid twice",
        "insert into transactions select {new}, kind, reference, at, actor from transactions where id = (select id from transactions where kind = 'settlement' order by id limit 1)",
    ),
    damage(
        "T3",
        "approved and not paid",
        "delete from transactions where id = (select id from transactions where kind = 'settlement' order by id limit 1)",
    ),
    damage(
        "T3",
        "paid for a disputed proof",
        "update acceptances set status = 'disputed', due_at = settled_at, settled_at = null where id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage(
        "T3",
        "an expired slot is paid",
        "update acceptances set status = 'approved' where id = (select id from acceptances where status = 'expired' order by id limit 1)",
    ),
    damage(
        "T3",
        "a refund that was not booked",
        "delete from transactions where id = (select t.id from transactions t join acceptances a on a.id = t.reference where t.kind = 'refund' and a.status = 'refunded' order by t.id limit 1)",
    ),
    damage(
        "T3",
        "a refund of a paid slot",
        "insert into transactions select {new}, 'refund', reference, at, actor from transactions where id = (select id from transactions where kind = 'settlement' order by id limit 1)",
    ),
    damage(
        "T3",
        "a freed slot is refunded while the task takes workers",
        "insert into transactions select {new}, 'refund', a.id, a.settled_at, {nil} from acceptances a join tasks t on t.id = a.task_id where a.status = 'expired' and t.status = 'open' order by a.id limit 1",
    ),
    damage(
        "T3",
        "an acceptance twice",
        "insert into acceptances select * from acceptances where id = (select id from acceptances where status = 'withdrawn' order by id limit 1)",
    ),
    damage(
        "T3",
        "the worker pays himself",
        "update transactions set actor = (select a.worker_id from acceptances a where a.id = reference) where id = (select t.id from transactions t join acceptances a on a.id = t.reference where t.kind = 'settlement' and not a.auto order by t.id limit 1)",
    ),
    damage(
        "T3",
        "the clock claims a verdict of the creator",
        "update acceptances set auto = not auto where id = (select id from acceptances where status = 'approved' and not auto order by id limit 1)",
    ),
    damage(
        "T3",
        "booked before it was settled",
        "update transactions set at = at - 60000 where id = (select id from transactions where kind = 'settlement' order by id limit 1)",
    ),
    damage(
        "T4",
        "a window of another tier",
        "update tasks set review_hours = review_hours + 24 where id = (select id from tasks where status = 'completed' order by id limit 1)",
    ),
    damage(
        "T4",
        "approved a millisecond early",
        "update acceptances set settled_at = settled_at - 1, reviewed_at = reviewed_at - 1 where auto and reviewed_at = settled_at",
    ),
    damage(
        "T4",
        "a review of one millisecond less",
        "update acceptances set due_at = due_at - 1 where id = (select id from acceptances where status = 'submitted' order by id limit 1)",
    ),
    damage(
        "T4",
        "a verdict when the window has passed",
        "update acceptances set settled_at = phase_at + 700000000, reviewed_at = phase_at + 700000000 where id = (select id from acceptances where status = 'approved' and not auto and reviewed_at = settled_at order by id limit 1)",
    ),
    damage(
        "T4",
        "a rejection after the window",
        "update acceptances set reviewed_at = reviewed_at + 800000000, phase_at = phase_at + 800000000, settled_at = settled_at + 800000000 where status = 'rejected' and due_at is null",
    ),
    damage(
        "T4",
        "a dispute open for 15 days",
        "update acceptances set due_at = due_at + 86400000 where id = (select id from acceptances where status = 'disputed' order by id limit 1)",
    ),
    damage(
        "T4",
        "a decision after 15 days",
        "update acceptances set settled_at = phase_at + 1296000000 where id = (select id from acceptances where status = 'split' order by id limit 1)",
    ),
    damage(
        "T4",
        "a proof after the deadline",
        "update submissions set submitted_at = submitted_at + 90000000000 where n = 1 and acceptance_id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage(
        "T4",
        "a proof before the promise",
        "update acceptances set accepted_at = accepted_at + 7776000000 where id = (select id from acceptances where status = 'submitted' order by id limit 1)",
    ),
    damage(
        "T4",
        "expired too early",
        "update acceptances set settled_at = settled_at - 1 where id = (select id from acceptances where status = 'expired' and not extended order by id limit 1)",
    ),
    damage(
        "T4",
        "a deadline moved for nothing",
        "update acceptances set due_at = due_at + 60000 where id = (select id from acceptances where status in ('accepted', 'changes_requested') and not extended order by id limit 1)",
    ),
    damage(
        "T4",
        "given up after the deadline",
        "update acceptances set settled_at = settled_at + 9000000000 where id = (select id from acceptances where status = 'withdrawn' order by id limit 1)",
    ),
    damage(
        "T4",
        "accepted after the task expired",
        "update tasks set expires_at = published_at + 1 where id = (select task_id from acceptances order by id limit 1)",
    ),
    damage("T4", "half an hour of review is left", "update acceptances set review_left = 1800000 where status = 'changes_requested'"),
    damage("T4", "a decision of another time", "update remarks set at = at - 1000 where kind = 'decision'"),
    damage(
        "T5",
        "settled and waiting",
        "update acceptances set settled_at = accepted_at where id = (select id from acceptances where status = 'submitted' order by id limit 1)",
    ),
    damage(
        "T5",
        "waiting for nothing",
        "update acceptances set due_at = null, next_at = null where id = (select id from acceptances where status = 'disputed' order by id limit 1)",
    ),
    damage(
        "T5",
        "the clock looks too late",
        "update acceptances set next_at = due_at + 1 where id = (select id from acceptances where status = 'submitted' order by id limit 1)",
    ),
    damage(
        "T5",
        "a reminder is skipped",
        "update acceptances set reminders = 1 where id = (select id from acceptances where status = 'disputed' order by id limit 1)",
    ),
    damage(
        "T5",
        "nobody reminds",
        "update acceptances set next_at = null where id = (select id from acceptances where status = 'submitted' order by id limit 1)",
    ),
    damage(
        "T5",
        "three reminders",
        "update acceptances set reminders = 3, next_at = due_at where id = (select id from acceptances where status = 'disputed' order by id limit 1)",
    ),
    damage(
        "T5",
        "a proof is gone",
        "delete from submissions where acceptance_id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage(
        "T5",
        "a proof more is claimed",
        "update acceptances set submissions = submissions + 1 where id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage(
        "T5",
        "a gap in the proofs",
        "update submissions set n = 5 where acceptance_id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage(
        "T5",
        "a newest proof of another slot",
        "update acceptances set submission_id = (select s.id from submissions s where s.acceptance_id <> acceptances.id order by s.id limit 1) where id = (select id from acceptances where status = 'submitted' order by id limit 1)",
    ),
    damage(
        "T5",
        "a proof for another task",
        "update submissions set task_id = {new} where acceptance_id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage(
        "T5",
        "a proof of nobody",
        "update submissions set acceptance_id = {new} where acceptance_id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage(
        "T5",
        "paid and not approved",
        "update acceptances set paid = 1 where id = (select id from acceptances where status = 'expired' order by id limit 1)",
    ),
    damage(
        "T5",
        "paid less than the reward",
        "update acceptances set paid = paid - 1 where id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage("T5", "a share of no percent", "update acceptances set paid = paid + 1 where status = 'split'"),
    damage(
        "T5",
        "no verdict",
        "update acceptances set reviewed_at = null where id = (select id from acceptances where status = 'approved' order by id limit 1)",
    ),
    damage("T5", "a decision without dispute", "update remarks set kind = 'changes' where kind = 'rejection'"),
    damage(
        "T5",
        "decided by the creator",
        "update remarks set author_id = (select t.creator_id from acceptances a join tasks t on t.id = a.task_id where a.id = remarks.acceptance_id) where kind = 'decision'",
    ),
    damage("T5", "changes asked for too often", "update tasks set max_resubmissions = 0"),
    damage("T5", "a rejection is not counted", "update tasks set rejections = 0"),
    damage(
        "T5",
        "a task that is full is listed",
        "update tasks set listed = not listed where id = (select id from tasks where status = 'completed' order by id limit 1)",
    ),
    damage("T5", "an open task is not listed", "update tasks set listed = not listed where listed"),
    damage(
        "T5",
        "ended and open",
        "update tasks set ended_at = published_at where id = (select id from tasks where status = 'open' order by id limit 1)",
    ),
    damage(
        "T5",
        "no end",
        "update tasks set ended_at = null where id = (select id from tasks where status = 'completed' order by id limit 1)",
    ),
    damage(
        "T5",
        "an end without a paid slot",
        "update tasks set status = 'completed' where id = (select id from tasks where status = 'cancelled' order by id limit 1)",
    ),
    damage(
        "T5",
        "closing without end",
        "update tasks set status = 'closing', ended_at = null where id = (select id from tasks where status = 'completed' order by id limit 1)",
    ),
    damage("T5", "expired by its creator", "update tasks set closed_by = 'creator' where status = 'expired'"),
    damage(
        "T5",
        "open and closed",
        "update tasks set closed_by = 'creator' where id = (select id from tasks where status = 'open' order by id limit 1)",
    ),
];
