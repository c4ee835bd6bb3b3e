//! C3s: orders and withdrawals move only along the edges that there are, each step written down, and are where their last
//! step says.

use uuid::Uuid;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::groups::groups;
use crate::reader::{Reader, Row};

/// A state and those that may follow it; the first one begins.
type Edges = &'static [(&'static str, &'static [&'static str])];

const ORDERS: Edges = &[
    ("approved", &["signed", "confirmed", "refunded", "dropped"]),
    ("signed", &["in_flight", "approved", "confirmed", "refunded", "dropped", "needs_operator"]),
    ("in_flight", &["approved", "confirmed", "refunded", "dropped", "needs_operator"]),
    ("needs_operator", &["approved", "confirmed", "refunded", "dropped", "needs_operator"]),
    ("dropped", &["approved"]),
];

const WITHDRAWALS: Edges = &[
    ("queued", &["in_review", "sending", "cancelled", "refunded"]),
    // From here to `sending` when an admin finds it paid on the chain.
    ("in_review", &["queued", "sending", "rejected", "cancelled", "refunded"]),
    ("sending", &["completed", "refunded"]),
];

const ORDER_STEPS: &str = "
    select x.id, x.part, x.n, x.state
    from (select id, 0 as part, 0 as n, state from orders
          union all select order_id, 1, n, state from order_steps) x
    order by x.id, x.part, x.n, x.state";

const WITHDRAWAL_STEPS: &str = "
    select x.id, x.part, x.n, x.state
    from (select id, 0 as part, 0 as n, status as state from withdrawals
          union all select withdrawal_id, 1, n, status from withdrawal_steps) x
    order by x.id, x.part, x.n, x.state";

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    for (what, sql, edges) in [("order", ORDER_STEPS, ORDERS), ("withdrawal", WITHDRAWAL_STEPS, WITHDRAWALS)] {
        let mut steps = 0u64;
        let begin = |id| Walk { id, ..Walk::default() };
        groups(reader, sql, begin, Walk::add, |walk| {
            steps += walk.steps.len() as u64;
            walk.close(what, edges, findings);
        })?;
        findings.count(if what == "order" { "steps of orders" } else { "of withdrawals" }, steps);
    }
    Ok(())
}

#[derive(Default)]
struct Walk {
    id: Uuid,
    /// As its row says; more than one is wrong.
    states: Vec<String>,
    steps: Vec<(i64, String)>,
}

impl Walk {
    fn add(&mut self, row: &Row<'_>) -> Result<(), AuditError> {
        let state = row.text(3)?.to_owned();
        if row.int(1)? == 0 {
            self.states.push(state);
        } else {
            self.steps.push((row.int(2)?, state));
        }
        Ok(())
    }

    fn close(self, what: &str, edges: Edges, findings: &mut Findings) {
        let Self { id, states, steps } = self;
        let words: Vec<&str> = steps.iter().map(|(_, state)| state.as_str()).collect();
        let gapless = steps.iter().zip(1i64..).all(|((n, _), expected)| *n == expected);
        findings.require(gapless, || format!("{what} {id}: its steps are not numbered 1, 2, 3 …"));
        let may = |from: &str, to: &str| edges.iter().any(|(state, next)| *state == from && next.contains(&to));
        let begins = words.first().is_some_and(|first| *first == edges[0].0);
        let legal = begins && words.windows(2).all(|pair| may(pair[0], pair[1]));
        findings.require(legal, || format!("{what} {id}: went {}, which is no way", words.join(", ")));
        let ends = states.len() == 1 && states.first().map(String::as_str) == words.last().copied();
        findings.require(ends, || format!("{what} {id}: is {states:?}, expected {:?} as its last step says", words.last()));
    }
}
