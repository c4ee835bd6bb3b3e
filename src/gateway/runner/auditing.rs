//! The auditor looks at the books from time to time. When they are not right, nothing leaves any more.

use std::time::Duration;

use ::audit::{Options, Report, Source};

use crate::base::error::{Result, internal};
use crate::gateway::freeze::{self, FreezeReason};
use crate::gateway::runner::Gateway;

/// The first audit lets a start pass.
const FIRST_AFTER: Duration = Duration::from_mins(1);

/// What to audit, and by which rules.
#[derive(Clone)]
pub struct Books {
    /// The database.
    pub source: Source,
    /// The rules.
    pub options: Options,
}

impl Gateway {
    /// Audits in the period of the settings, for ever, beside what the gateway does.
    #[expect(clippy::disallowed_methods, reason = "the books are looked at in machine time: the sandbox may move its own by years")]
    pub(super) async fn audit_for_ever(&self) {
        let period = Duration::from_mins(self.dispatcher.config.chain.audit_minutes.into());
        if period.is_zero() {
            return std::future::pending().await;
        }
        tokio::time::sleep(FIRST_AFTER.min(period)).await;
        loop {
            let done = self.audit().await;
            Self::report(&[("auditing", done)]);
            tokio::time::sleep(period).await;
        }
    }

    /// Audits once; stops payouts when the books are not right. Only the gateway that is at work does.
    ///
    /// # Errors
    /// When the auditor cannot look. Then nobody knows, and nothing is stopped.
    pub async fn audit(&self) -> Result<()> {
        if self.lease().await?.is_none() {
            return Ok(());
        }
        let Books { source, options } = self.books.clone();
        let report = tokio::task::spawn_blocking(move || ::audit::audit(&source, &options)).await;
        let report = report.map_err(internal)?.map_err(|error| internal(format!("the auditor could not look: {error}")))?;
        let Some(detail) = complaint(&report) else {
            tracing::debug!(digest = report.digest, "the books are right");
            return Ok(());
        };
        // An audit may take longer than a lease lasts.
        match self.lease().await? {
            Some(token) => self.dispatcher.system(move |cx| freeze::report(cx, token, FreezeReason::Audit, &detail)).await,
            None => Err(internal(format!("{detail}; another gateway has taken over and will see it, too"))),
        }
    }
}

/// Which checks do not hold; nothing when all do.
fn complaint(report: &Report) -> Option<String> {
    let wrong = report.checks.iter().filter(|check| check.violations > 0);
    let wrong: Vec<_> = wrong.map(|check| format!("{} ({})", check.id, check.violations)).collect();
    (!wrong.is_empty()).then(|| format!("the audit found violations: {}; roborent audit shows them", wrong.join(", ")))
}
