//! The backend, judge and trace of one thread, used again from run to run.

use super::effects::Happened;
use crate::backend::StartedBackend;
use crate::error::CliError;
use crate::panics;
use plimsoll_core::Instant;
use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Trace, Verdict};
use plimsoll_scenarios::{Plan, Scenario};
use std::mem;

/// The backend, judge and trace of one thread.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    backend: StartedBackend,
    judge: Judge,
    trace: Trace,
}

/// The result of one run.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The judgement of every property.
    pub verdict: Verdict,
    /// The time at which the run ended, by its own clock.
    pub ended: Instant,
    /// The number of simulated events.
    pub events: u64,
    /// The faults of its plan, and which of them took effect.
    pub happened: Happened,
}

impl Worker {
    /// Makes a worker that has not run anything yet.
    pub(crate) fn new(backend: StartedBackend) -> Self {
        Self {
            backend,
            ..Self::default()
        }
    }

    /// Tells whether its runs take real time, and can never be had again.
    pub(crate) const fn is_real(&self) -> bool {
        self.backend.is_real()
    }

    /// Draws the plan of a seed, executes and judges it.
    ///
    /// # Errors
    /// Where there is no verdict.
    pub(crate) fn run_seed(&mut self, scenario: &Scenario, seed: u64) -> Result<Run, CliError> {
        let plan = draw(scenario, seed)?;
        self.run(&plan)
    }

    /// Executes and judges a plan; [`Worker::trace`] returns its trace afterwards.
    ///
    /// # Errors
    /// Where there is no verdict.
    pub(crate) fn run(&mut self, plan: &Plan) -> Result<Run, CliError> {
        if let Some(refusal) = self.backend.get().refuses(plan) {
            return Err(refusal.into());
        }
        panics::catch(|| self.execute(plan)).unwrap_or_else(|panic| {
            // A backend or judge that panicked half-way is not used again.
            *self = Self::new(self.backend.another());
            Err(panic.into())
        })
    }

    /// Returns the trace of the last run.
    pub(crate) const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Takes the trace of the last run out of the worker.
    pub(crate) fn take_trace(&mut self) -> Trace {
        mem::take(&mut self.trace)
    }

    fn execute(&mut self, plan: &Plan) -> Result<Run, CliError> {
        let before = self.backend.events();
        self.trace.clear();
        let backend = self.backend.get();
        backend.run(plan, &mut self.trace)?;
        let unobservable = backend.unobservable();
        let verdict = self
            .judge
            .judge(&backend.terms(plan), &self.trace, unobservable);
        let last = self.trace.entries().last();
        Ok(Run {
            verdict,
            ended: last.map_or(Instant::ZERO, |entry| entry.at),
            events: self.backend.events() - before,
            happened: Happened::read(plan, &self.trace),
        })
    }
}

/// Draws the plan of a seed.
///
/// # Errors
/// Where drawing it panicked.
pub(crate) fn draw(scenario: &Scenario, seed: u64) -> Result<Plan, CliError> {
    panics::catch(|| Plan::draw(scenario, seed)).map_err(CliError::from)
}
