//! The table of checks. One row and one small file each.

mod books;
mod chain;
mod credentials;
mod entries;
mod events;
mod identities;
mod negative;
mod postings;
mod shapes;

use crate::error::AuditError;
use crate::findings::Findings;
use crate::reader::Reader;

/// One thing that must hold.
pub(crate) struct Check {
    /// Short id for people and for `--only`.
    pub(crate) id: &'static str,
    /// What must hold, in at most 22 letters.
    pub(crate) name: &'static str,
    /// The schema that brought the tables it reads.
    pub(crate) since: i64,
    /// Looks at everything, notes what is wrong; an error if it could not look.
    pub(crate) run: fn(&Reader, &mut Findings) -> Result<(), AuditError>,
}

/// All checks in the order of the report.
pub(crate) const CHECKS: [Check; 9] = [
    Check { id: "M1", name: "books balance", since: 2, run: books::check },
    Check { id: "M2", name: "no account below zero", since: 2, run: negative::check },
    Check { id: "M3", name: "balance = postings", since: 2, run: postings::check },
    Check { id: "M3e", name: "entries = postings", since: 2, run: entries::check },
    Check { id: "M4", name: "hash chain", since: 2, run: chain::check },
    Check { id: "M5", name: "one event, one booking", since: 2, run: events::check },
    Check { id: "M6", name: "account identities", since: 2, run: identities::check },
    Check { id: "M9", name: "posting shapes", since: 2, run: shapes::check },
    Check { id: "U1", name: "credentials, answers", since: 3, run: credentials::check },
];
