//! From a run that cannot be had again, because it takes real time, to a smaller one that fails in
//! the same way: several candidates run side by side, each once, and are judged like any other run.

use super::End;
use crate::backend::StartedBackend;
use crate::error::CliError;
use crate::interrupt;
use crate::progress::Progress;
use crate::render::{counted, counted_or_no};
use crate::runner::{self, Recorded, Worker};
use plimsoll_oracle::{Property, Verdict};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::shrink::{self, Observed, Team, Width};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

/// The limits of a search, at which it ends with the smallest so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The number of runs.
    pub runs: u32,
    /// The time after which no other run begins.
    pub within: Duration,
}

/// A failure, as others must be to count as the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shows {
    /// The property that is violated.
    pub property: Property,
    /// The kind of its violation.
    kind: &'static str,
}

impl Shows {
    /// Tells whether a verdict shows it.
    pub(crate) fn is_in(self, verdict: &Verdict) -> bool {
        let mut violations = verdict.violations();
        violations
            .any(|(property, violation)| property == self.property && violation.kind == self.kind)
    }
}

/// A run that fails.
#[derive(Clone, Debug)]
pub(crate) struct Failing {
    shows: Shows,
    run: Recorded,
}

impl Failing {
    /// Takes a run that violates `property`; `None`: it does not.
    pub(crate) fn of(property: Property, run: Recorded) -> Option<Self> {
        let kind = {
            let mut violations = run.verdict.violations();
            violations
                .find(|(violated, _)| *violated == property)?
                .1
                .kind
        };
        Some(Self {
            shows: Shows { property, kind },
            run,
        })
    }
}

/// The result of a search.
#[derive(Clone, Debug)]
pub(crate) struct Smaller {
    /// The failure that it shows.
    pub shows: Shows,
    /// The smallest plan that failed.
    pub plan: Plan,
    /// The run of it that failed.
    pub run: Recorded,
    /// The number of runs of the search.
    pub runs: u32,
    /// The number of runs among them without an answer.
    pub silent: u32,
    /// The reason for which the search ended.
    pub end: End,
}

/// Tells whether a plan runs alone: it breaks the brokers of all others.
pub(crate) fn is_alone(plan: &Plan) -> bool {
    plan.faults.iter().any(|fault| fault.kind.breaks_brokers())
}

/// Says how large a plan is.
pub(crate) fn in_words(plan: &Plan) -> String {
    format!(
        "{}, {} and {}",
        counted(plan.starts.len() as u64, "member"),
        counted(plan.messages.len() as u64, "message"),
        counted_or_no(plan.faults.len() as u64, "fault"),
    )
}

/// Backends that run several plans at the same time.
pub(crate) struct Crew<'a> {
    backend: &'a StartedBackend,
    jobs: NonZeroUsize,
}

impl<'a> Crew<'a> {
    /// Makes one that runs `jobs` plans side by side.
    pub(crate) const fn new(backend: &'a StartedBackend, jobs: NonZeroUsize) -> Self {
        Self { backend, jobs }
    }

    /// Runs a plan `times`, as far as possible side by side, or until a run is enough.
    pub(crate) fn run_until(
        &self,
        plan: &Plan,
        times: usize,
        is_enough: impl Fn(&Recorded) -> bool,
    ) -> Vec<Result<Recorded, CliError>> {
        let at_once = match is_alone(plan) {
            true => 1,
            false => self.jobs.get(),
        };
        let mut runs: Vec<Result<Recorded, CliError>> = Vec::new();
        while runs.len() < times
            && !interrupt::requested()
            && !runs.iter().flatten().any(&is_enough)
        {
            let more = vec![plan.clone(); at_once.min(times - runs.len())];
            runs.extend(self.run_all(&more));
        }
        runs
    }

    fn run_all(&self, plans: &[Plan]) -> Vec<Result<Recorded, CliError>> {
        let interrupted = || Err(CliError::Interrupted);
        let mut results: Vec<Result<Recorded, CliError>> =
            plans.iter().map(|_| interrupted()).collect();
        let work = |worker: &mut Worker, index: u64| -> Result<Recorded, CliError> {
            let plan = &plans[index as usize];
            let run = worker.run(plan)?;
            Ok(worker.record(plan.seed, run.verdict))
        };
        let state = || Worker::new(self.backend.another());
        runner::in_order(
            self.jobs,
            plans.len() as u64,
            state,
            work,
            |index, result| {
                results[index as usize] = result;
            },
        );
        results
    }

    /// Searches for a smaller plan that fails in the same way as `failing`, which is a run of
    /// `plan`. `tell` gets a line for each candidate.
    ///
    /// # Errors
    /// Where Plimsoll itself failed.
    pub(crate) fn smaller(
        &self,
        plan: &Plan,
        failing: Failing,
        limits: Limits,
        progress: &Progress,
        tell: &dyn Fn(&str),
    ) -> Result<Smaller, CliError> {
        let Failing { shows, run } = failing;
        let observed = Observed::new(run.verdict.clone(), &run.trace, 0);
        let mut search = Search {
            crew: self,
            shows,
            begun: Instant::now(),
            limits,
            progress,
            tell,
            failed: vec![(plan.clone(), run)],
            silent: 0,
            broken: None,
        };
        let width = Width {
            side_by_side: self.jobs.get(),
            runs: limits.runs,
        };
        let property = shows.property;
        let shrunk = shrink::shrink_side_by_side(plan, &observed, property, width, &mut search);
        let shrunk = shrunk.expect("the run violates the property");
        if let Some(error) = search.broken {
            return Err(error);
        }
        let mut failed = search.failed.into_iter();
        let (plan, run) = failed
            .find(|(plan, _)| *plan == shrunk.plan)
            .expect("it is kept");
        Ok(Smaller {
            shows,
            plan,
            run,
            runs: shrunk.runs,
            silent: search.silent,
            end: match shrunk.end {
                shrink::End::Smallest => End::Smallest,
                shrink::End::Runs | shrink::End::Events => End::Schedules,
                shrink::End::Stopped if interrupt::requested() => End::Interrupted,
                shrink::End::Stopped => End::Time,
            },
        })
    }
}

/// A search that is under way.
struct Search<'a> {
    crew: &'a Crew<'a>,
    shows: Shows,
    begun: Instant,
    limits: Limits,
    progress: &'a Progress,
    tell: &'a dyn Fn(&str),
    /// The plans that failed, each with its run.
    failed: Vec<(Plan, Recorded)>,
    /// The number of runs without an answer.
    silent: u32,
    broken: Option<CliError>,
}

impl Search<'_> {
    /// Says what became of a candidate, and returns what it showed.
    fn take(&mut self, plan: &Plan, result: Result<Recorded, CliError>) -> Option<Observed> {
        let property = self.shows.property;
        let (said, observed) = match result {
            Ok(run) => {
                let observed = Observed::new(run.verdict.clone(), &run.trace, 0);
                let said = match run.verdict.violates(property) {
                    _ if self.shows.is_in(&run.verdict) => {
                        self.failed.push((plan.clone(), run));
                        "fails too".to_owned()
                    }
                    true => format!("violates {property} in another way"),
                    false => format!("does not violate {property}"),
                };
                (said, Some(observed))
            }
            Err(CliError::Interrupted) => ("interrupted".into(), None),
            Err(error) => {
                self.silent += 1;
                let said = format!("no answer, so it counts as not smaller: {error}");
                if matches!(error, CliError::Internal(_)) {
                    self.broken = Some(error);
                }
                (said, None)
            }
        };
        let after = self.begun.elapsed().as_secs();
        (self.tell)(&format!("{after:>5} s  {}: {said}", in_words(plan)));
        observed
    }
}

impl Team for Search<'_> {
    fn run(&mut self, plans: &[Plan]) -> Option<Vec<Option<Observed>>> {
        if interrupt::requested() || self.begun.elapsed() >= self.limits.within {
            return None;
        }
        let results = self.crew.run_all(plans);
        let answers = plans.iter().zip(results);
        let answers = answers
            .map(|(plan, result)| self.take(plan, result))
            .collect();
        self.progress.advance(plans.len() as u64);
        self.broken.is_none().then_some(answers)
    }

    fn found(&mut self, plan: &Plan, _: u32) {
        (self.tell)(&format!("         left: {}", in_words(plan)));
        self.progress.say(format!("left: {}", in_words(plan)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::library;
    use crate::runner::draw;
    use plimsoll_scenarios::Subject;
    use std::cell::RefCell;

    /// Shrinks a run of the recipe that marks what failed; the simulator stands for real Kafka.
    /// Returns the plan, what was found, and what was told.
    fn found(limits: Limits) -> (Plan, Smaller, Vec<String>) {
        let loaded = library::load_one("crash/consumer-killed").expect("it is embedded");
        let mut scenario = loaded.scenario;
        scenario.settings.consumers.subject = Subject::SaramaAutoMark;
        let plan = draw(&scenario, 0).expect("it can be drawn");
        let backend = StartedBackend::default();
        let crew = Crew::new(&backend, NonZeroUsize::new(4).expect("it is not 0"));
        let runs = crew.run_until(&plan, 2, |_| false);
        let runs: Vec<Recorded> = runs.into_iter().map(|run| run.expect("it runs")).collect();
        assert_eq!(runs.len(), 2);
        let [run, _] = <[Recorded; 2]>::try_from(runs).expect("there are two");
        let failing = Failing::of(Property::NoLoss, run).expect("it loses");
        let told = RefCell::new(Vec::new());
        let tell = |line: &str| told.borrow_mut().push(line.to_owned());
        let progress = Progress::in_real_time(1, "runs");
        let smaller = crew.smaller(&plan, failing, limits, &progress, &tell);
        (plan, smaller.expect("Plimsoll is right"), told.into_inner())
    }

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn fewer_faults_members_and_messages_fail_in_the_same_way() {
        let (plan, smaller, told) = found(Limits {
            runs: 60,
            within: LONG,
        });
        let left = &smaller.plan;
        assert!(
            left.messages.len() < plan.messages.len() / 2,
            "{}",
            in_words(left)
        );
        assert!(left.faults.len() <= plan.faults.len(), "{}", in_words(left));
        assert!(smaller.shows.is_in(&smaller.run.verdict));
        assert!(smaller.runs <= 60);
        assert_eq!(smaller.silent, 0);
        // Settings stay: what a program is told is not what is searched.
        assert_eq!(
            left.settings.consumers.config,
            plan.settings.consumers.config
        );
        let fails = told.iter().filter(|line| line.ends_with("fails too"));
        let left = told.iter().filter(|line| line.contains("left: "));
        assert!(left.count() > 0 && fails.count() > 0, "{told:#?}");
        assert!(
            told.iter()
                .any(|line| line.ends_with("does not violate no-loss")),
            "{told:#?}"
        );
    }

    #[test]
    fn a_search_ends_at_its_limits_with_what_it_has() {
        let (_, few, _) = found(Limits {
            runs: 6,
            within: LONG,
        });
        assert_eq!((few.runs, few.end), (6, End::Schedules));
        let (plan, none, told) = found(Limits {
            runs: 60,
            within: Duration::ZERO,
        });
        assert_eq!((none.runs, none.end, none.plan), (0, End::Time, plan));
        assert!(told.is_empty(), "{told:?}");
    }
}
