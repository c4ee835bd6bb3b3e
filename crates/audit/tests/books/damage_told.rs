//! Damage to what users are told and known for.

use crate::damage::{Damage, damage};

pub const TOLD: &[Damage] = &[
    damage("D3", "a worker is not told of his pay", "delete from fresh_events where kind = 'submission_approved'"),
    damage(
        "D3",
        "told twice",
        "insert into fresh_events select {new}, 1, {new}, user_id, kind, data, at from events where kind = 'proof_submitted' order by id limit 1",
    ),
    damage(
        "D3",
        "told somebody else",
        "update events set user_id = (select u.id from users u where u.id <> user_id order by u.id limit 1) where id = (select id from events where kind = 'task_accepted' order by id limit 1)",
    ),
    damage(
        "D3",
        "told of what did not happen",
        "update events set kind = 'dispute_opened' where id = (select id from events where kind = 'task_accepted' order by id limit 1)",
    ),
    damage(
        "D3",
        "the clock's verdict told as the creator's",
        r#"update fresh_events set data = replace(data, '"auto":true', '"auto":false')"#,
    ),
    damage(
        "D3",
        "a task ended with other figures",
        "update tasks set slots_filled = slots_filled + 1 where id = (select id from tasks where status = 'completed' order by id limit 1)",
    ),
    damage(
        "D3",
        "an end that nobody is told",
        "update tasks set ended_at = published_at where id = (select id from tasks where status = 'closing' order by id limit 1)",
    ),
    damage(
        "D3",
        "an event about nothing",
        "update events set data = '{}' where id = (select id from events where kind = 'task_completed' order by id limit 1)",
    ),
    damage("D3", "another decision is told", "update events set data = replace(data, 'split', 'approved') where kind = 'dispute_decided'"),
    damage("D3", "a tip that was not told", "delete from fresh_events where kind = 'tip_received'"),
    damage("D3", "other stars", "update ratings set stars = 6 - stars where stars <> 3"),
    damage("E1", "a gap in a log", "delete from events where seq = 3"),
    damage("E1", "a log that begins late", "update events set seq = seq + 1"),
    damage("E1", "a number twice", "update events set seq = 4 where seq = 5"),
    damage(
        "E1",
        "an event in both places",
        "insert into fresh_events select {new}, 1, id, user_id, kind, data, at from events order by id limit 1",
    ),
    damage(
        "E1",
        "an event of nobody",
        "update fresh_events set user_id = {new} where id = (select id from fresh_events order by id limit 1)",
    ),
    damage("E1", "data that is no JSON", "update events set data = data || '}' where seq = 1"),
    damage(
        "W1",
        "another event is sent in the place of one",
        "insert into webhook_deliveries (user_id, seq, event_id, state, attempts, tries) select user_id, seq, {new}, 'given_up', 0, 0 from events order by id limit 1",
    ),
    damage(
        "W1",
        "a delivery that nobody looks at",
        "insert into webhook_deliveries (user_id, seq, event_id, state, attempts, tries, next_at) select user_id, seq, id, 'waiting', 0, 0, 0 from events order by id limit 1",
    ),
    damage(
        "W1",
        "delivered without an attempt",
        "insert into webhook_deliveries (user_id, seq, event_id, state, attempts, tries) select user_id, seq, id, 'delivered', 0, 0 from events order by id limit 1",
    ),
    damage(
        "W1",
        "events that are not sent",
        "insert into webhook_endpoints (user_id, is_on, secret_number, since_seq) select user_id, true, 1, 0 from events order by id limit 1",
    ),
    damage(
        "W1",
        "an attempt at nothing",
        "insert into webhook_attempts (user_id, seq, n, at, duration_ms, status, note) select user_id, seq, 1, 0, 0, 200, '' from events order by id limit 1",
    ),
    damage(
        "R2",
        "one more: completed",
        "update reputations set completed = completed + 1 where user_id = (select user_id from reputations order by user_id limit 1)",
    ),
    damage(
        "R2",
        "one more: paid",
        "update reputations set paid = paid + 1 where user_id = (select user_id from reputations order by user_id limit 1)",
    ),
    damage(
        "R2",
        "one more: reviews",
        "update reputations set reviews = reviews + 1 where user_id = (select user_id from reputations order by user_id limit 1)",
    ),
    damage(
        "R2",
        "one more: rejections",
        "update reputations set rejections = rejections + 1 where user_id = (select user_id from reputations order by user_id limit 1)",
    ),
    damage(
        "R2",
        "one more: disputes",
        "update reputations set disputes = disputes + 1 where user_id = (select user_id from reputations order by user_id limit 1)",
    ),
    damage(
        "R2",
        "one more: disputes lost",
        "update reputations set disputes_lost = disputes_lost + 1 where user_id = (select user_id from reputations order by user_id limit 1)",
    ),
    damage(
        "R2",
        "one more: stars",
        "update reputations set stars = stars + 1 where user_id = (select user_id from reputations order by user_id limit 1)",
    ),
    damage(
        "R2",
        "one more: ratings",
        "update reputations set ratings = ratings + 1 where user_id = (select user_id from reputations order by user_id limit 1)",
    ),
    damage("R2", "what waits is forgotten", "delete from untallied where id = (select id from untallied order by id limit 1)"),
    damage("R2", "what waits counts twice", "insert into untallied select {new}, user_id, what, amount from untallied order by id limit 1"),
    damage("R2", "a rating is gone", "delete from ratings where stars = 5"),
    damage("R2", "a rating of a stranger", "update ratings set rated_id = {new} where stars = 4"),
    damage(
        "R2",
        "a rating of a slot that was not paid",
        "update ratings set acceptance_id = (select id from acceptances where status = 'expired' order by id limit 1) where stars = 2",
    ),
    damage("R2", "another median", "update reputations set median_review_minutes = median_review_minutes + 1"),
    damage("R2", "a reputation twice", "insert into reputations select * from reputations order by user_id limit 1"),
];
