//! From a failing seed to the smallest schedule that shows the same failure.

use super::{Conviction, Death, End, Evidence, NotShrunk, Recording, SameAs, Shrunk, death};
use crate::args::{BackendName, ShrinkLimits};
use crate::backend::Choice;
use crate::error::CliError;
use crate::progress::Progress;
use crate::runner::{self, Options, Tally, Worker, draw};
use crate::trial::Trial;
use crate::{interrupt, regressions};
use plimsoll_oracle::Property;
use plimsoll_oracle::story::Story;
use plimsoll_scenarios::shrink::{self, Budget, Observed};
use plimsoll_scenarios::{Plan, Regression, Scenario};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Shrinks the first failure of every property of every trial, and writes the regressions into
/// `folder`, one for each trace.
pub(crate) fn convict_all(
    trials: &[Trial],
    tallies: &[Tally],
    options: Options,
    limits: ShrinkLimits,
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
    let progress = Progress::in_real_time(findings.len() as u64, "failures shrunk");
    let mut shrunk: Vec<_> = findings
        .iter()
        .map(|_| Err(NotShrunk::Interrupted))
        .collect();
    let work = |worker: &mut Worker, index: u64| {
        let (trial, property, seed) = findings[index as usize];
        let scenario = &trials[trial].scenario;
        convict(worker, scenario, seed, property, limits, &progress)
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
    let mut convictions: Vec<Vec<Conviction>> = trials.iter().map(|_| Vec::new()).collect();
    let mut kept = Kept::new(folder);
    for ((index, property, seed), shrunk) in findings.into_iter().zip(shrunk) {
        let runs = tallies[index].count(property).violated;
        let conviction = kept.keep(&trials[index], property, seed, runs, shrunk);
        convictions[index].push(conviction);
    }
    convictions
}

/// The regressions that are written.
struct Kept<'a> {
    folder: &'a Path,
    /// By hash of the trace: the conviction that it was written for, and the file.
    files: BTreeMap<String, (SameAs, PathBuf)>,
}

impl<'a> Kept<'a> {
    const fn new(folder: &'a Path) -> Self {
        Self {
            folder,
            files: BTreeMap::new(),
        }
    }

    /// Writes the regression, unless one with the same trace is written, and makes the conviction
    /// that names it.
    fn keep(
        &mut self,
        trial: &Trial,
        property: Property,
        seed: u64,
        runs: u64,
        shrunk: Result<Shrunk, NotShrunk>,
    ) -> Conviction {
        let (mut regression, mut same_as) = (None, None);
        if let Ok(shrunk) = &shrunk {
            let trace = shrunk.regression.trace().to_owned();
            if let Some((first, path)) = self.files.get(&trace) {
                same_as = Some(first.clone());
                regression = Some(Ok(path.clone()));
            } else {
                let written = regressions::write(self.folder, trial, &shrunk.regression);
                if let Ok(path) = &written {
                    let label = trial.label.clone();
                    let first = SameAs { label, property };
                    self.files.insert(trace, (first, path.clone()));
                }
                regression = Some(written.map_err(|error| error.to_string()));
            }
        }
        let again = match &regression {
            Some(Ok(path)) => regressions::replay_command(path),
            _ => trial.again(seed, &Choice::Sim),
        };
        let death = shrunk.as_ref().ok().and_then(|shrunk| {
            let death = shrunk.death.as_ref()?;
            let file = regressions::write(self.folder, trial, &death.regression).ok()?;
            Some(Death {
                broke: death.violation.summary.clone(),
                again: regressions::replay_command(&file),
            })
        });
        Conviction {
            property,
            seed,
            runs,
            death,
            evidence: match shrunk {
                Ok(shrunk) => Evidence::Shrunk(Box::new(shrunk)),
                Err(why) => Evidence::NotShrunk(why),
            },
            again,
            regression,
            same_as,
        }
    }
}

/// Shrinks the run of `scenario` under `seed`, which violates `property`.
///
/// # Errors
/// Where Plimsoll itself failed.
pub(crate) fn convict(
    worker: &mut Worker,
    scenario: &Scenario,
    seed: u64,
    property: Property,
    limits: ShrinkLimits,
    progress: &Progress,
) -> Result<Shrunk, NotShrunk> {
    let plan = draw(scenario, seed).map_err(NotShrunk::Broken)?;
    let mut shrinker = Shrinker {
        worker,
        limits,
        progress,
    };
    let mut shrunk = shrinker.smallest(&plan, property)?;
    if shrunk.story.at_stake.is_some() {
        shrunk.death = death::search(&mut shrinker, &plan).map(Box::new);
    }
    Ok(shrunk)
}

/// What shrinks plans.
pub(super) struct Shrinker<'a> {
    pub worker: &'a mut Worker,
    limits: ShrinkLimits,
    progress: &'a Progress,
}

impl Shrinker<'_> {
    /// Returns the smallest plan that violates `property` as this one does.
    ///
    /// # Errors
    /// Where Plimsoll itself failed.
    pub(super) fn smallest(
        &mut self,
        plan: &Plan,
        property: Property,
    ) -> Result<Shrunk, NotShrunk> {
        let found = self.worker.run(plan).map_err(NotShrunk::Broken)?.verdict;
        let found: Vec<Property> = found.violations().map(|(property, _)| property).collect();
        let budget = Budget {
            runs: self.limits.schedules(BackendName::Sim),
            events: self.limits.shrink_events,
        };
        let mut search = Search {
            worker: &mut *self.worker,
            property,
            limits: self.limits,
            deadline: None,
            progress: self.progress,
            broken: None,
        };
        let shrunk = shrink::shrink(plan, property, budget, &mut search);
        if let Some(error) = search.broken {
            return Err(NotShrunk::Broken(error));
        }
        let shrunk = shrunk.ok_or(NotShrunk::Interrupted)?;
        self.told(&shrunk, property, &found)
    }

    /// Runs what was found once more, and tells of it.
    fn told(
        &mut self,
        shrunk: &shrink::Shrunk,
        property: Property,
        found: &[Property],
    ) -> Result<Shrunk, NotShrunk> {
        let plan = &shrunk.plan;
        let run = self.worker.run(plan).map_err(NotShrunk::Broken)?;
        let trace = self.worker.trace();
        let mut violations = run.verdict.violations();
        let violation = violations.find(|(violated, _)| *violated == property);
        let (_, violation) = violation.ok_or(NotShrunk::Interrupted)?;
        Ok(Shrunk {
            story: Story::of(&plan.terms(), trace, property, violation),
            regression: Regression::from_plan(
                plan,
                property,
                found,
                &run.verdict,
                trace.fingerprint(),
                plan.settings.consumers.subject,
            ),
            messages: plan.messages.len(),
            faults: plan.faults.len(),
            runs: shrunk.runs,
            end: match shrunk.end {
                shrink::End::Smallest => End::Smallest,
                shrink::End::Runs => End::Schedules,
                shrink::End::Events => End::Events,
                shrink::End::Stopped if interrupt::requested() => End::Interrupted,
                shrink::End::Stopped => End::Time,
            },
            violation: violation.clone(),
            recording: Recording {
                plan: plan.clone(),
                trace: trace.clone(),
            },
            death: None,
        })
    }
}

/// What runs the schedules of a search.
struct Search<'a> {
    worker: &'a mut Worker,
    property: Property,
    limits: ShrinkLimits,
    /// The moment at which the search ends; absent before the first schedule has run.
    deadline: Option<Instant>,
    progress: &'a Progress,
    broken: Option<CliError>,
}

impl shrink::Runner for Search<'_> {
    fn run(&mut self, plan: &Plan) -> Option<Observed> {
        let is_late = |deadline: Instant| deadline <= Instant::now();
        if interrupt::requested() || self.deadline.is_some_and(is_late) {
            return None;
        }
        match self.worker.run(plan) {
            Ok(run) => {
                if let (None, Some(limit)) = (self.deadline, self.limits.shrink_time) {
                    self.deadline = Some(Instant::now() + limit);
                }
                Some(Observed::new(run.verdict, self.worker.trace(), run.events))
            }
            Err(error) => {
                self.broken = Some(error);
                None
            }
        }
    }

    fn found(&mut self, plan: &Plan, runs: u32) {
        self.progress.say(format!(
            "{}: messages left: {}, faults left: {}, schedules run: {runs}",
            self.property,
            plan.messages.len(),
            plan.faults.len(),
        ));
    }
}
