//! T4: time decides. Windows have the length they must have; a proof, a verdict and a decision come before their time is
//! over, and the clock decides exactly then.

use crate::error::AuditError;
use crate::findings::Findings;
use crate::life::{Acceptance, Life, Task, lives};
use crate::reader::Reader;
use crate::rules::{CHANGES_LEAST, DECISION, DISPUTE, EXTENSION_MOST, HOUR, MINUTE, REVIEW_LEFT_LEAST, review_hours};

pub(super) fn check(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    windows(reader, findings)?;
    let acceptances = lives(reader, |life| {
        if let Some(case) = Case::of(&life) {
            for fault in case.faults() {
                findings.wrong(|| format!("acceptance {} ({}): {fault}", life.id, case.acceptance.status));
            }
        }
    })?;
    findings.count("acceptances", acceptances);
    Ok(())
}

/// The review window of a task is that of its reward.
fn windows(reader: &Reader, findings: &mut Findings) -> Result<(), AuditError> {
    let mut tasks = 0u64;
    reader.rows("select id, reward, review_hours from tasks order by id", |row| {
        tasks += 1;
        let (id, found, expected) = (row.id(0)?, i128::from(row.int(2)?), review_hours(row.int(1)?.into()));
        findings.require(found == expected, || format!("task {id}: {found} hours of review, expected {expected}"));
        Ok(())
    })?;
    findings.count("tasks", tasks);
    Ok(())
}

/// From the first instant to the last, both included.
type Within = (i128, i128);

/// An acceptance with its task. Others are reported by T3 and T5.
struct Case<'l> {
    life: &'l Life,
    acceptance: &'l Acceptance,
    task: Task,
}

impl<'l> Case<'l> {
    fn of(life: &'l Life) -> Option<Self> {
        let acceptance = life.acceptance.as_ref()?;
        Some(Self { life, acceptance, task: acceptance.task? })
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = self.accepted();
        faults.extend(self.proofs());
        faults.extend(self.state());
        faults.extend(self.remarks());
        faults
    }

    fn accepted(&self) -> Vec<String> {
        let (from, until) = (self.task.published_at, self.task.takes_until);
        within("accepted", Some(self.acceptance.accepted_at), (from, until - 1))
    }

    /// When a promise, or the wait for changes, that began at `from` must be over. A limit may have moved it, once.
    fn deadline(&self, from: i128, length: i128) -> Within {
        let most = if self.acceptance.extended { EXTENSION_MOST } else { 0 };
        (from + length, from + length + most)
    }

    fn promise(&self) -> Within {
        self.deadline(self.acceptance.accepted_at, self.task.deadline_minutes * MINUTE)
    }

    fn changes(&self, from: i128) -> Within {
        self.deadline(from, (self.task.deadline_minutes * MINUTE).max(CHANGES_LEAST))
    }

    const fn window(&self) -> i128 {
        self.task.review_hours * HOUR
    }

    /// A first proof comes in time after the promise, a later one after changes were asked for.
    fn proofs(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for proof in &self.life.proofs {
            let in_time = if proof.n <= 1 {
                (self.acceptance.accepted_at..self.promise().1).contains(&proof.at)
            } else {
                self.life.of("changes").any(|asked| (asked.at..self.changes(asked.at).1).contains(&proof.at))
            };
            if !in_time {
                faults.push(format!("proof {} at {}, which is not in time", proof.n, proof.at));
            }
        }
        faults
    }

    /// When a review that is under way ends: by the proof, or by what was left when changes were asked for.
    fn review_end(&self) -> i128 {
        let Acceptance { phase_at, submitted_at, review_left, .. } = self.acceptance;
        if *submitted_at == Some(*phase_at) { phase_at + self.window() } else { phase_at + review_left }
    }

    fn state(&self) -> Vec<String> {
        let Acceptance { status, phase_at, due_at, settled_at, auto, .. } = self.acceptance;
        let phase = *phase_at;
        let before = |end: i128| (phase, end - 1);
        let exactly = |at: i128| (at, at);
        match status.as_str() {
            "accepted" => [within("due", *due_at, self.promise()), self.began(self.acceptance.accepted_at)].concat(),
            "expired" => [within("settled", *settled_at, self.promise()), self.began(self.acceptance.accepted_at)].concat(),
            "withdrawn" if self.acceptance.submissions == 0 => within("settled", *settled_at, before(self.promise().1)),
            "withdrawn" => within("settled", *settled_at, before(self.changes(phase).1)),
            "submitted" => [within("due", *due_at, exactly(self.review_end())), self.review_began()].concat(),
            "changes_requested" => [within("due", *due_at, self.changes(phase)), self.left(), self.asked()].concat(),
            "rejected" => {
                let (what, at) = if due_at.is_some() { ("due", *due_at) } else { ("settled", *settled_at) };
                [within(what, at, exactly(phase + DISPUTE)), self.began(self.acceptance.reviewed_at.unwrap_or(-1)), self.verdict()].concat()
            }
            "disputed" => [within("due", *due_at, exactly(phase + DECISION)), self.disputed(), self.verdict()].concat(),
            "approved" if self.life.count("rejection") == 0 => {
                let end = self.review_end();
                let when = if *auto { exactly(end) } else { before(end) };
                let reviewed = within("reviewed", self.acceptance.reviewed_at, exactly(settled_at.unwrap_or(-1)));
                [within("settled", *settled_at, when), reviewed, self.review_began()].concat()
            }
            _ => {
                let end = phase + DECISION;
                let when = if *auto { exactly(end) } else { before(end) };
                [within("settled", *settled_at, when), self.disputed(), self.verdict()].concat()
            }
        }
    }

    fn began(&self, at: i128) -> Vec<String> {
        within("waiting since", Some(self.acceptance.phase_at), (at, at))
    }

    /// A review begins with the proof, or when the changes did not come.
    fn review_began(&self) -> Vec<String> {
        let Acceptance { phase_at, submitted_at, .. } = self.acceptance;
        if *submitted_at == Some(*phase_at) {
            return Vec::new();
        }
        match self.life.of("changes").next_back() {
            Some(asked) => [within("waiting since", Some(*phase_at), self.changes(asked.at)), self.left()].concat(),
            None => vec![format!("in review since {phase_at}, expected since its proof at {submitted_at:?}")],
        }
    }

    fn left(&self) -> Vec<String> {
        within("milliseconds of review left", Some(self.acceptance.review_left), (REVIEW_LEFT_LEAST, self.window()))
    }

    /// Changes are asked for in a review, which leaves the rest of it.
    fn asked(&self) -> Vec<String> {
        let Acceptance { phase_at, submitted_at, submissions, review_left, .. } = self.acceptance;
        let asked = self.life.of("changes").next_back().map_or(-1, |asked| asked.at);
        let mut faults = self.began(asked);
        // Once for each proof: then the review was a whole one.
        if self.life.count("changes") as u64 == u64::try_from(*submissions).unwrap_or_default() {
            let left = (submitted_at.unwrap_or_default() + self.window() - phase_at).max(REVIEW_LEFT_LEAST);
            faults.extend(within("milliseconds of review left", Some(*review_left), (left, left)));
        }
        faults
    }

    /// A dispute begins with the rejection, or while it can be disputed.
    fn disputed(&self) -> Vec<String> {
        let reviewed = self.acceptance.reviewed_at.unwrap_or(-1);
        match self.life.of("dispute").next() {
            None => self.began(reviewed),
            Some(dispute) => {
                let bounds = within("disputed", Some(dispute.at), (reviewed, reviewed + DISPUTE - 1));
                [self.began(dispute.at), bounds].concat()
            }
        }
    }

    /// A rejection came in the review of the newest proof. Whether that went on after changes that did not come is told
    /// by when they were asked for.
    fn verdict(&self) -> Vec<String> {
        let proof = self.acceptance.submitted_at.unwrap_or_default();
        let first = (proof, proof + self.window() - 1);
        let resumed = self.life.of("changes").next_back().filter(|asked| asked.at >= proof).map(|asked| {
            let (from, until) = self.changes(asked.at);
            (asked.at > proof, from, until + self.acceptance.review_left - 1)
        });
        let bounds = match resumed {
            None => first,
            Some((true, from, until)) => (from, until),
            Some((false, _, until)) => (first.0, first.1.max(until)),
        };
        within("reviewed", self.acceptance.reviewed_at, bounds)
    }

    /// What was said was said then.
    fn remarks(&self) -> Vec<String> {
        let Acceptance { reviewed_at, settled_at, auto, .. } = self.acceptance;
        let mut faults = Vec::new();
        for rejection in self.life.of("rejection") {
            faults.extend(within("reviewed", *reviewed_at, (rejection.at, rejection.at)));
        }
        for decision in self.life.of("decision") {
            // The clock may be late.
            let from = if *auto { i128::MIN } else { decision.at };
            faults.extend(within("settled", *settled_at, (from, decision.at)));
        }
        faults
    }
}

/// What is wrong when `at` is not within these instants.
fn within(what: &str, at: Option<i128>, (from, until): Within) -> Vec<String> {
    match at {
        Some(at) if (from..=until).contains(&at) => Vec::new(),
        found => {
            let found = found.map_or_else(|| "never".to_owned(), |at| at.to_string());
            vec![format!("{what} {found}, expected {from} to {until}")]
        }
    }
}
