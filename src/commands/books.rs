//! Audits the books, and moves them between engines.

use std::path::Path;
use std::process::ExitCode;

use crate::base::config::Config;
use crate::cli::AuditArgs;
use crate::start::StartError;

pub(super) fn audit(_config: &Config, _args: &AuditArgs) -> ExitCode {
    ExitCode::from(2)
}

pub(super) fn export(_config: &Config, _out: &Path) -> Result<(), StartError> {
    Err(StartError("not yet".into()))
}

pub(super) fn import(_config: &Config, _file: &Path) -> Result<(), StartError> {
    Err(StartError("not yet".into()))
}
