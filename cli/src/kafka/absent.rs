//! Stands in for real Kafka in a program that is built without it.

use crate::args::{BackendArgs, DeclaredArgs};
use crate::error::CliError;
use plimsoll_core::CommitPolicy;
use plimsoll_oracle::Trace;
use plimsoll_scenarios::{Backend, BackendError, Plan, Refusal};
use std::convert::Infallible;
use std::ffi::OsString;
use std::time::Duration;

/// The plans that a command has for real Kafka, which nothing reads.
#[derive(Clone, Copy, Debug, Default)]
#[expect(dead_code, reason = "there is no real Kafka to read it")]
pub(crate) struct Load {
    pub breaking: usize,
    pub sharing: usize,
    pub jobs: usize,
}

/// What a run on real Kafka needs to know: none can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options(Infallible);

impl Options {
    /// Refuses: this program has no real Kafka.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn of(_: &BackendArgs, _: &[OsString], _: &DeclaredArgs) -> Result<Self, CliError> {
        absent()
    }

    pub(crate) const fn command(&self) -> Option<String> {
        match self.0 {}
    }

    pub(crate) const fn place(&self) -> &'static str {
        match self.0 {}
    }

    pub(crate) const fn arguments(&self) -> String {
        match self.0 {}
    }

    pub(crate) const fn refuses(&self, _: &Plan) -> Option<String> {
        match self.0 {}
    }

    pub(crate) const fn start(&self, _: Load) -> Result<Kafka, CliError> {
        match self.0 {}
    }
}

/// A real cluster: there is none.
#[derive(Clone, Debug)]
pub(crate) struct Kafka(Infallible);

impl Kafka {
    pub(crate) const fn backlog(&self, _: u32, _: usize) -> Result<Backlog, CliError> {
        match self.0 {}
    }

    pub(crate) const fn apart(&self) -> usize {
        match self.0 {}
    }

    pub(crate) const fn shut_down(self) {
        match self.0 {}
    }
}

impl Backend for Kafka {
    fn name(&self) -> &'static str {
        match self.0 {}
    }

    fn refuses(&self, _: &Plan) -> Option<Refusal> {
        match self.0 {}
    }

    fn run(&mut self, _: &Plan, _: &mut Trace) -> Result<(), BackendError> {
        match self.0 {}
    }
}

/// A topic full of records: there is none.
#[derive(Debug)]
pub(crate) struct Backlog(Infallible);

impl Backlog {
    pub(crate) const fn consume(&self, _: CommitPolicy) -> Result<Duration, CliError> {
        match self.0 {}
    }
}

/// Refuses to start a cluster.
///
/// # Errors
/// Always.
pub(crate) fn up() -> Result<String, CliError> {
    absent()
}

/// Refuses to remove a cluster.
///
/// # Errors
/// Always.
pub(crate) fn down() -> Result<String, CliError> {
    absent()
}

/// Refuses to look for a cluster.
///
/// # Errors
/// Always.
pub(crate) fn status() -> Result<(String, bool), CliError> {
    absent()
}

fn absent<T>() -> Result<T, CliError> {
    Err(CliError::usage(
        "this plimsoll is built without real Kafka: it has the simulator only",
        "Install it with the feature `kafka` (on Linux or macOS, with make and a C++ compiler): \
         `cargo install plimsoll-cli --features kafka`, or in a checkout `cargo install --path \
         cli --features kafka`.",
    ))
}
