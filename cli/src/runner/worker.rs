//! One thread's backend, judge and trace, used again from run to run.

use crate::backend::Engine;
use crate::panics::{self, Panic};
use plimsoll_core::Instant;
use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Trace, Verdict};
use plimsoll_scenarios::{BackendError, Plan, Refusal, Scenario};
use std::mem;

/// One thread's backend, judge and trace.
#[derive(Debug, Default)]
pub struct Worker {
    engine: Engine,
    judge: Judge,
    trace: Trace,
}

/// What one run came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// The judgement of every property.
    pub verdict: Verdict,
    /// When the run ended, by its own clock.
    pub ended: Instant,
    /// How many events were simulated.
    pub events: u64,
}

/// Why there is no verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// Plimsoll itself panicked.
    Panicked(Panic),
    /// The backend cannot execute the plan.
    Refused(Refusal),
    /// The backend could not execute it to its end.
    Failed(BackendError),
}

impl Worker {
    /// A worker that has not run anything yet.
    pub fn new(engine: Engine) -> Self {
        Self {
            engine,
            ..Self::default()
        }
    }

    /// Whether its runs take real time, and can never be had again.
    pub const fn is_real(&self) -> bool {
        self.engine.is_real()
    }

    /// Draws the plan of a seed, executes and judges it.
    ///
    /// # Errors
    /// Where there is no verdict.
    pub fn run_seed(&mut self, scenario: &Scenario, seed: u64) -> Result<Run, Broken> {
        let plan = draw(scenario, seed)?;
        self.run(&plan)
    }

    /// Executes and judges a plan; its trace stands in [`Worker::trace`] afterwards.
    ///
    /// # Errors
    /// Where there is no verdict.
    pub fn run(&mut self, plan: &Plan) -> Result<Run, Broken> {
        if let Some(refusal) = self.engine.backend().refuses(plan) {
            return Err(Broken::Refused(refusal));
        }
        match panics::catch(|| self.execute(plan)) {
            Ok(run) => run.map_err(Broken::Failed),
            Err(panic) => {
                // What panicked half-way is not used again.
                *self = Self::new(self.engine.another());
                Err(Broken::Panicked(panic))
            }
        }
    }

    /// What was observed in the last run.
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Gives that away.
    pub fn take_trace(&mut self) -> Trace {
        mem::take(&mut self.trace)
    }

    fn execute(&mut self, plan: &Plan) -> Result<Run, BackendError> {
        let before = self.engine.events();
        self.trace.clear();
        let backend = self.engine.backend();
        backend.run(plan, &mut self.trace)?;
        let unobservable = backend.unobservable();
        let verdict = self.judge.judge(&plan.terms(), &self.trace, unobservable);
        let last = self.trace.entries().last();
        Ok(Run {
            verdict,
            ended: last.map_or(Instant::ZERO, |entry| entry.at),
            events: self.engine.events() - before,
        })
    }
}

/// Draws the plan of a seed.
///
/// # Errors
/// Where drawing it panicked.
pub fn draw(scenario: &Scenario, seed: u64) -> Result<Plan, Broken> {
    panics::catch(|| Plan::draw(scenario, seed)).map_err(Broken::Panicked)
}
