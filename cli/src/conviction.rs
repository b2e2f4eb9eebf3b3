//! From a failing seed to the smallest schedule that shows the same failure.

use crate::backend::Choice;
use crate::progress::Progress;
use crate::recorded::Sighting;
use crate::runner::{self, Broken, Options, Tally, Trial, Worker, draw};
use crate::{interrupt, regressions};
use plimsoll_oracle::{Property, Verdict, Violation};
use plimsoll_scenarios::{Regression, Scenario, shrink};
use std::path::{Path, PathBuf};

/// A violated property, and what shows it.
#[derive(Debug)]
pub struct Conviction {
    /// Which.
    pub property: Property,
    /// The lowest seed that breaks it.
    pub seed: u64,
    /// In how many runs it was violated.
    pub runs: u64,
    /// What shows it.
    pub evidence: Evidence,
    /// The command that shows it again.
    pub again: String,
    /// Where its schedule was written, or why it could not be.
    pub regression: Option<Result<PathBuf, String>>,
}

/// What shows a violation.
#[derive(Debug)]
pub enum Evidence {
    /// The smallest schedule that breaks the property.
    Shrunk(Box<Shrunk>),
    /// There is no smaller schedule, for this reason.
    NotShrunk(NotShrunk),
    /// The run in real time that broke it, which no other run is like.
    Seen(Box<Sighting>),
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

/// Shrinks the first failure of every property of every trial.
pub fn convict_all(
    trials: &[Trial],
    tallies: &[Tally],
    options: Options,
    folder: &Path,
) -> Vec<Vec<Conviction>> {
    let findings: Vec<(usize, Property, u64)> = tallies
        .iter()
        .enumerate()
        .flat_map(|(index, tally)| {
            let failures = tally.failures(&trials[index].expectation);
            failures.map(move |(property, seed)| (index, property, seed))
        })
        .collect();
    let progress = Progress::new(findings.len() as u64, "failures shrunk");
    let mut convictions: Vec<Vec<Conviction>> = trials.iter().map(|_| Vec::new()).collect();
    let mut shrunk: Vec<_> = findings
        .iter()
        .map(|_| Err(NotShrunk::Interrupted))
        .collect();
    let work = |worker: &mut Worker, index: u64| {
        let (trial, property, seed) = findings[index as usize];
        convict(worker, &trials[trial].scenario, seed, property)
    };
    runner::in_order(
        options.jobs,
        findings.len() as u64,
        Worker::default,
        work,
        |index, result| {
            progress.advance(1);
            shrunk[index as usize] = result;
        },
    );
    progress.finish();
    for ((index, property, seed), shrunk) in findings.into_iter().zip(shrunk) {
        let runs = tallies[index].count(property).violated;
        let conviction = keep(&trials[index], property, seed, runs, shrunk, folder);
        convictions[index].push(conviction);
    }
    convictions
}

/// Writes the regression, and says how to see the failure again.
fn keep(
    trial: &Trial,
    property: Property,
    seed: u64,
    runs: u64,
    shrunk: Result<Shrunk, NotShrunk>,
    folder: &Path,
) -> Conviction {
    let regression = shrunk.as_ref().ok().map(|shrunk| {
        regressions::write(folder, trial, &shrunk.regression).map_err(|error| error.to_string())
    });
    let again = match &regression {
        Some(Ok(path)) => regressions::replay_command(path),
        _ => trial.again(seed, &Choice::Sim),
    };
    Conviction {
        property,
        seed,
        runs,
        evidence: match shrunk {
            Ok(shrunk) => Evidence::Shrunk(Box::new(shrunk)),
            Err(why) => Evidence::NotShrunk(why),
        },
        again,
        regression,
    }
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
