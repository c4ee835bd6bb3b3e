//! What creators agree to by publishing. The version that was shown is stored with the task.

use schemars::JsonSchema;
use serde::Serialize;

/// Moves with each change of the text.
pub const VERSION: i64 = 1;

const TEXT: &str = "By creating a task on RoboRent, creators agree that failure to review a submitted proof within the stated window \
                    constitutes implicit approval, and the platform will release escrowed funds to the worker accordingly.";

/// The terms of publishing.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub struct Terms {
    /// Which version.
    version: i64,
    /// What a creator agrees to.
    pub text: &'static str,
}

/// The terms in force.
pub const fn current() -> Terms {
    Terms { version: VERSION, text: TEXT }
}
