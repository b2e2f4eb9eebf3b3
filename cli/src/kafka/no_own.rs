//! Says that this program lacks Plimsoll's own consumer as a process.

use super::{INSTALL, Kafka};
use crate::error::CliError;
use plimsoll_core::CommitPolicy;
use std::convert::Infallible;
use std::time::Duration;

/// Refuses to try Plimsoll's own consumer.
///
/// # Errors
/// Always.
#[cfg(unix)]
pub(super) fn subject() -> Result<plimsoll_chaos::SubjectCommand, CliError> {
    absent()
}

/// A topic full of records for the own consumer: there is none.
#[derive(Debug)]
pub(crate) struct Backlog(Infallible);

impl Backlog {
    pub(crate) const fn consume(&self, _: CommitPolicy) -> Result<Duration, CliError> {
        match self.0 {}
    }
}

/// Refuses to produce a backlog.
///
/// # Errors
/// Always.
pub(crate) fn backlog(_: &Kafka, _: u32, _: usize) -> Result<Backlog, CliError> {
    absent()
}

fn absent<T>() -> Result<T, CliError> {
    Err(CliError::usage(
        "this plimsoll is built without its own consumer as a process, and no command says what \
         to try",
        format!(
            "Any program can stand trial: `plimsoll run quick -- COMMAND`. The own consumer needs \
             librdkafka. {INSTALL}"
        ),
    ))
}
