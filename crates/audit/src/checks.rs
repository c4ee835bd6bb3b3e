//! The table of checks. One row and one small file each.

mod addresses;
mod blocks;
mod books;
mod capital;
mod causes;
mod chain;
mod commissions;
mod credentials;
mod deliveries;
mod deposits;
mod entries;
mod escrows;
mod event_numbers;
mod events;
mod holdings;
mod identities;
mod negative;
mod orders;
mod outcomes;
mod outgoing;
mod postings;
mod reputations;
mod settlements;
mod shapes;
mod slots;
mod states;
mod steps;
mod task_states;
mod times;
mod told;
mod told_money;
mod withdrawals;

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
    pub(crate) look: Look,
}

/// How a check looks.
pub(crate) enum Look {
    /// At the tables alone.
    Tables(fn(&Reader, &mut Findings) -> Result<(), AuditError>),
    /// With the number of months for which referrers earn commissions.
    Months(fn(&Reader, u32, &mut Findings) -> Result<(), AuditError>),
}
use Look::{Months, Tables};

/// All checks in the order of the report.
pub(crate) const CHECKS: [Check; 31] = [
    Check { id: "M1", name: "books balance", since: 2, look: Tables(books::check) },
    Check { id: "M2", name: "no account below zero", since: 2, look: Tables(negative::check) },
    Check { id: "M3", name: "balance = postings", since: 2, look: Tables(postings::check) },
    Check { id: "M3e", name: "entries = postings", since: 2, look: Tables(entries::check) },
    Check { id: "M4", name: "hash chain", since: 2, look: Tables(chain::check) },
    Check { id: "M5", name: "one event, one booking", since: 2, look: Tables(events::check) },
    Check { id: "M6", name: "account identities", since: 2, look: Tables(identities::check) },
    Check { id: "M7", name: "shares of a slot", since: 5, look: Months(settlements::check) },
    Check { id: "M9", name: "posting shapes", since: 2, look: Tables(shapes::check) },
    Check { id: "M10", name: "bookings have a cause", since: 5, look: Tables(causes::check) },
    Check { id: "T1", name: "escrow = open slots", since: 5, look: Tables(escrows::check) },
    Check { id: "T2", name: "one slot, one worker", since: 5, look: Tables(slots::check) },
    Check { id: "T3", name: "slots settled once", since: 5, look: Tables(outcomes::check) },
    Check { id: "T4", name: "time decides", since: 5, look: Tables(times::check) },
    Check { id: "T5", name: "states tell one story", since: 5, look: Tables(states::check) },
    Check { id: "C1", name: "blocks without a gap", since: 6, look: Tables(blocks::check) },
    Check { id: "C2", name: "deposits credited once", since: 6, look: Tables(deposits::check) },
    Check { id: "C2a", name: "one address per user", since: 6, look: Tables(addresses::check) },
    Check { id: "C3", name: "one attempt lives", since: 6, look: Tables(orders::check) },
    Check { id: "C3s", name: "steps are legal", since: 6, look: Tables(steps::check) },
    Check { id: "C4", name: "withdrawals end once", since: 6, look: Tables(withdrawals::check) },
    Check { id: "C5", name: "chain = books", since: 6, look: Tables(holdings::check) },
    Check { id: "C6", name: "nothing leaves unknown", since: 6, look: Tables(outgoing::check) },
    Check { id: "C7", name: "capital in and out", since: 6, look: Tables(capital::check) },
    Check { id: "D3", name: "events = what happened", since: 5, look: Tables(told::check) },
    Check { id: "D3m", name: "money events", since: 6, look: Tables(told_money::check) },
    Check { id: "E1", name: "events numbered", since: 4, look: Tables(event_numbers::check) },
    Check { id: "W1", name: "events are sent once", since: 7, look: Tables(deliveries::check) },
    Check { id: "R1", name: "commissions earned", since: 5, look: Months(commissions::check) },
    Check { id: "R2", name: "reputations", since: 5, look: Tables(reputations::check) },
    Check { id: "U1", name: "credentials, answers", since: 3, look: Tables(credentials::check) },
];
