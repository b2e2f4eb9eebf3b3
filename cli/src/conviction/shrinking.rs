//! From a failing seed to the smallest schedule that shows the same failure.

use super::{Conviction, Evidence, NotShrunk, Shrunk};
use crate::backend::Choice;
use crate::progress::Progress;
use crate::runner::{self, Options, Tally, Worker, draw};
use crate::trial::Trial;
use crate::{interrupt, regressions};
use plimsoll_oracle::{Property, Timeline, Verdict};
use plimsoll_scenarios::{Regression, Scenario, shrink};
use std::path::Path;

/// Shrinks the first failure of every property of every trial, and writes the regressions into
/// `folder`.
pub(crate) fn convict_all(
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

/// Writes the regression, and makes the conviction that names it.
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

/// The number of schedules that the shrinker may run, which take a few seconds at most.
const BUDGET: u32 = 4_000;

/// Shrinks the run of `scenario` under `seed`, which violates `property`.
///
/// # Errors
/// Where Plimsoll itself failed.
pub(crate) fn convict(
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
            |error| {
                broken.get_or_insert(error);
                Verdict::new(Vec::new())
            },
            |run| run.verdict,
        )
    });
    if let Some(error) = broken {
        return Err(NotShrunk::Broken(error));
    }
    let run = worker.run(&shrunk.plan).map_err(NotShrunk::Broken)?;
    let violation = run
        .verdict
        .violations()
        .find(|(violated, _)| *violated == property)
        .map(|(_, violation)| violation.clone())
        .ok_or(NotShrunk::Interrupted)?;
    Ok(Shrunk {
        timeline: Timeline::of(&shrunk.plan.terms(), worker.trace(), &violation.evidence)
            .to_string(),
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
