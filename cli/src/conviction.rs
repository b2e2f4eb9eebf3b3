//! From a failing seed to the smallest schedule that shows the same failure.

use crate::interrupt;
use crate::regressions;
use crate::runner::{Broken, Worker, draw};
use plimsoll_scenarios::{Property, Regression, Scenario, Verdict, Violation, shrink};
use std::path::PathBuf;

/// A violated property, and what shows it.
#[derive(Debug)]
pub struct Conviction {
    /// Which.
    pub property: Property,
    /// The lowest seed that breaks it.
    pub seed: u64,
    /// In how many runs it was violated.
    pub runs: u64,
    /// The smallest schedule that breaks it.
    pub shrunk: Result<Shrunk, NotShrunk>,
    /// The command that shows it again.
    pub again: String,
    /// Where the regression was written, or why it could not be.
    pub regression: Option<Result<PathBuf, String>>,
}

/// Why there is no smaller schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotShrunk {
    /// Ctrl-C came first.
    Interrupted,
    /// Plimsoll itself failed while it shrank.
    Broken(Broken),
}

/// A shrunk schedule that violates a property.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// How the property is violated.
    pub violation: Violation,
    /// The events that show it, for people.
    pub timeline: String,
    /// What becomes of it as a file.
    pub regression: Regression,
    /// How many messages are left.
    pub messages: usize,
    /// How many faults are left.
    pub faults: usize,
    /// How many schedules were run to find it.
    pub runs: u32,
}

/// How many schedules the shrinker may run: a few seconds at most.
const BUDGET: u32 = 4_000;

/// Shrinks the run of `scenario` under `seed`, which violates `property`.
///
/// # Errors
/// Where Plimsoll itself failed.
pub fn convict(
    worker: &mut Worker,
    scenario: &Scenario,
    seed: u64,
    property: Property,
) -> Result<Shrunk, NotShrunk> {
    let plan = draw(scenario, seed).map_err(NotShrunk::Broken)?;
    let mut broken = None;
    let shrunk = shrink::shrink(&plan, property, BUDGET, &mut |plan| {
        // An empty verdict violates nothing, so the shrinker keeps what it has.
        if interrupt::requested() {
            return Verdict::new(Vec::new());
        }
        worker.run(plan).map_or_else(
            |failure| {
                broken.get_or_insert(failure);
                Verdict::new(Vec::new())
            },
            |run| run.verdict,
        )
    });
    if let Some(broken) = broken {
        return Err(NotShrunk::Broken(broken));
    }
    let run = worker.run(&shrunk.plan).map_err(NotShrunk::Broken)?;
    let violation = run
        .verdict
        .violations()
        .find(|(violated, _)| *violated == property)
        .map(|(_, violation)| violation.clone())
        .ok_or(NotShrunk::Interrupted)?;
    Ok(Shrunk {
        timeline: regressions::timeline(&shrunk.plan, worker.trace(), &violation),
        regression: Regression::from_plan(
            &shrunk.plan,
            property,
            &run.verdict,
            worker.trace().fingerprint(),
            scenario.settings.consumers.subject,
        ),
        messages: shrunk.plan.messages.len(),
        faults: shrunk.plan.faults.len(),
        runs: shrunk.runs,
        violation,
    })
}
