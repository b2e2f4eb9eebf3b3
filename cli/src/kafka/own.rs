//! Plimsoll's own consumer as a process.

use super::Kafka;
use crate::error::CliError;
use plimsoll_chaos::{Backlog, SubjectCommand};
use std::env;
use std::process::ExitCode;

/// Returns what stands trial where no command is given: this program.
///
/// # Errors
/// Where the system does not tell where it is.
pub(super) fn subject() -> Result<SubjectCommand, CliError> {
    let program = env::current_exe().map_err(|error| {
        CliError::Environment(format!("cannot tell where this program is: {error}"))
    })?;
    Ok(SubjectCommand::Own(program))
}

/// Runs one member of a group. A member is no harness: what it prints and how it ends is its own.
pub(crate) fn member() -> ExitCode {
    plimsoll_chaos::member_main()
}

/// Produces a topic full of records, for the own consumer to read.
///
/// # Errors
/// Where the cluster does not take them.
pub(crate) fn backlog(kafka: &Kafka, records: u32, bytes: usize) -> Result<Backlog, CliError> {
    Ok(kafka.backlog(records, bytes)?)
}
