//! One thread's simulator, judge and trace, used again from run to run.

use crate::panics::{self, Panic};
use plimsoll_core::Instant;
use plimsoll_scenarios::check::Judge;
use plimsoll_scenarios::{Backend, BackendError, Plan, Refusal, Scenario, Trace, Verdict};
use plimsoll_sim::Simulator;

/// One thread's simulator, judge and trace.
#[derive(Debug, Default)]
pub struct Worker {
    simulator: Simulator,
    judge: Judge,
    trace: Trace,
}

/// What one run came to.
#[derive(Clone, Debug)]
pub struct Run {
    /// The judgement of every property.
    pub verdict: Verdict,
    /// When the run ended, in simulated time.
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
    pub fn new() -> Self {
        Self::default()
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
        if let Some(refusal) = self.simulator.refuses(plan) {
            return Err(Broken::Refused(refusal));
        }
        match panics::catch(|| self.execute(plan)) {
            Ok(run) => run.map_err(Broken::Failed),
            Err(panic) => {
                // What panicked half-way is not used again.
                *self = Self::new();
                Err(Broken::Panicked(panic))
            }
        }
    }

    /// What was observed in the last run.
    pub const fn trace(&self) -> &Trace {
        &self.trace
    }

    fn execute(&mut self, plan: &Plan) -> Result<Run, BackendError> {
        let before = self.simulator.events();
        self.trace.clear();
        self.simulator.run(plan, &mut self.trace)?;
        let unobservable = self.simulator.unobservable();
        let verdict = self.judge.judge(plan, &self.trace, unobservable);
        let last = self.trace.entries().last();
        Ok(Run {
            verdict,
            ended: last.map_or(Instant::ZERO, |entry| entry.at),
            events: self.simulator.events() - before,
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
