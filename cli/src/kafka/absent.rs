//! Stands in for real processes on systems that have no signals to end them.

use crate::args::{BackendArgs, DeclaredArgs};
use crate::error::CliError;
use plimsoll_oracle::{Terms, Trace};
use plimsoll_scenarios::scenario::{Cluster, Override};
use plimsoll_scenarios::{Backend, BackendError, Plan, Refusal};
use std::convert::Infallible;
use std::ffi::OsString;
use std::num::NonZeroUsize;

/// The plans that a command has for real processes, which nothing reads.
#[derive(Clone, Copy, Debug, Default)]
#[expect(dead_code, reason = "there is no backend to read it")]
pub(crate) struct Load {
    pub breaking: usize,
    pub sharing: usize,
    pub jobs: usize,
}

/// The choices of a run of real processes, of which there is none here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options(Infallible);

impl Options {
    /// Refuses: this program has the simulator only.
    ///
    /// # Errors
    /// Always.
    pub(crate) fn of(_: &BackendArgs, _: &[OsString], _: &DeclaredArgs) -> Result<Self, CliError> {
        Err(CliError::usage(
            "here, plimsoll has the simulator only: real processes are tried on Linux and macOS",
            super::INSTALL,
        ))
    }

    pub(crate) const fn command(&self) -> Option<String> {
        match self.0 {}
    }

    pub(crate) const fn declared(&self) -> Option<&Declared> {
        match self.0 {}
    }

    pub(crate) const fn for_each_core(&self) -> NonZeroUsize {
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

/// The settings known of a program on trial: there is none.
#[derive(Clone, Debug)]
pub(crate) struct Declared(Infallible);

impl Declared {
    pub(crate) const fn terms(&self, _: &Plan) -> Terms {
        match self.0 {}
    }
}

/// Changes nothing: there are no containers that a cluster could be like.
pub(crate) const fn like_containers(_: &mut Cluster) -> Vec<Override> {
    Vec::new()
}

/// A real cluster: there is none.
#[derive(Clone, Debug)]
pub(crate) struct Kafka(Infallible);

impl Kafka {
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
