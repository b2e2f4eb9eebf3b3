//! The backend, judge and trace of one thread, used again from run to run.

use super::effects::Happened;
use super::tally::{Recorded, Unjudged};
use crate::backend::StartedBackend;
use crate::error::CliError;
use crate::panics;
use plimsoll_core::Instant;
use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Trace, Verdict, Word};
use plimsoll_scenarios::{Plan, Scenario};
use std::mem;

/// The backend, judge and trace of one thread.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    backend: StartedBackend,
    judge: Judge,
    trace: Trace,
    unjudged: Vec<Unjudged>,
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

    /// Keeps the last run, which cannot be had again.
    pub(crate) fn record(&mut self, seed: u64, verdict: Verdict) -> Recorded {
        Recorded {
            seed,
            verdict,
            trace: mem::take(&mut self.trace),
            logs: self.backend.get().logs(),
        }
    }

    /// Takes out the runs since the last call that do not count, because the machine disturbed
    /// them.
    pub(crate) fn take_unjudged(&mut self) -> Vec<Unjudged> {
        mem::take(&mut self.unjudged)
    }

    /// Executes and judges a plan until the run counts.
    fn execute(&mut self, plan: &Plan) -> Result<Run, CliError> {
        undisturbed(|is_second| {
            if is_second {
                self.backend.get().make_room();
            }
            let run = self.execute_once(plan)?;
            let disturbance = self.backend.get().disturbance();
            let why = disturbance.and_then(|told| not_judged(&run.verdict, told));
            if let Some(why) = why.clone() {
                let recorded = self.record(plan.seed, run.verdict.clone());
                self.unjudged.push(Unjudged {
                    recorded,
                    why,
                    trace: None,
                });
            }
            Ok((run, why))
        })
    }

    fn execute_once(&mut self, plan: &Plan) -> Result<Run, CliError> {
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

/// Says which properties a disturbed run would violate if it counted, and what disturbed it: there
/// may be something to look at.
fn not_judged(verdict: &Verdict, disturbance: &str) -> Option<String> {
    let broken = verdict.violations().map(|(property, _)| property.word());
    let broken: Vec<&str> = broken.collect();
    (!broken.is_empty()).then(|| format!("{} not judged: {disturbance}", broken.join(", ")))
}

/// Returns what a run shows. One that violates a property although something besides its faults
/// disturbed it proves nothing against its subject: it is tried once more, with less beside it.
/// `run` is told whether it is the second.
///
/// # Errors
/// Where there is no verdict: also where that one is disturbed too.
fn undisturbed<T>(
    mut run: impl FnMut(bool) -> Result<(T, Option<String>), CliError>,
) -> Result<T, CliError> {
    let (shown, disturbance) = run(false)?;
    let Some(first) = disturbance else {
        return Ok(shown);
    };
    let (shown, disturbance) = run(true)?;
    match disturbance {
        None => Ok(shown),
        Some(second) => Err(CliError::Environment(format!(
            "disturbed by its machine, twice, and so without a verdict ({first}; {second}); fewer \
             --jobs may help"
        ))),
    }
}

/// Draws the plan of a seed.
///
/// # Errors
/// Where drawing it panicked.
pub(crate) fn draw(scenario: &Scenario, seed: u64) -> Result<Plan, CliError> {
    panics::catch(|| Plan::draw(scenario, seed)).map_err(CliError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(disturbances: &[Option<&str>]) -> (Result<usize, CliError>, usize) {
        let mut count = 0;
        let result = undisturbed(|is_second| {
            count += 1;
            assert_eq!(is_second, count == 2);
            Ok((count, disturbances[count - 1].map(str::to_owned)))
        });
        (result, count)
    }

    #[test]
    fn a_violation_on_a_machine_that_stalls_is_tried_again_and_never_told() {
        assert!(matches!(runs(&[None]), (Ok(1), 1)));
        assert!(matches!(runs(&[Some("late"), None]), (Ok(2), 2)));
        let (twice, count) = runs(&[Some("first"), Some("second")]);
        let error = twice.expect_err("it has no verdict");
        assert_eq!((error.exit(), count), (crate::exit::Exit::Environment, 2));
    }
}
