//! A smaller schedule of what runs in real time.

use super::does_not_fail;
use crate::args::{BackendName, ShrinkArgs};
use crate::backend::Choice;
use crate::conviction::recorded;
use crate::conviction::smaller::{Crew, Failing, Limits, Smaller, in_words, is_alone};
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::kafka::Load;
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::render::page::Page;
use crate::render::{counted, human};
use crate::runner::draw;
use crate::terminal::{Detail, Look};
use crate::trial::Trial;
use plimsoll_oracle::Property;
use plimsoll_scenarios::Plan;
use std::cmp::Reverse;

/// The number of runs of the schedule, one of which must fail.
const TRIES: usize = 4;

/// The number of runs of what is found, which say how often it fails.
const REPEATED: usize = 5;

/// Shrinks the run of a trial under a seed.
pub(super) fn shrink(
    args: &ShrinkArgs,
    trial: &Trial,
    seed: u64,
    choice: &Choice,
    look: Look,
) -> Result<Outcome, CliError> {
    let plan =
        draw(&trial.scenario, seed).map_err(|error| error.in_schedule(&trial.label, seed))?;
    if let Some(reason) = choice.refuses(&plan) {
        return Err(CliError::Refused {
            message: format!("{} cannot run {}: {reason}", trial.label, choice.place()),
            help: Some("The simulator can shrink what it runs: choose --backend sim.".into()),
        });
    }
    interrupt::listen()?;
    let jobs = choice.jobs(args.trying.jobs);
    let backend = choice.start(Load {
        breaking: usize::from(is_alone(&plan)),
        sharing: usize::from(!is_alone(&plan)),
        jobs: jobs.get(),
    })?;
    let limits = Limits {
        runs: args.limits.schedules(BackendName::Kafka),
        within: args.limits.time_on_kafka(),
    };
    let progress = Progress::in_real_time(u64::from(limits.runs), "runs");
    let tell = |text: &str| {
        if look.detail != Detail::Quiet {
            progress.note(text);
        }
    };
    tell(&format!(
        "Looks {} for a smaller schedule that fails, within {} runs and {} s. Real time is not \
         deterministic: what fails once need not fail again.",
        choice.place(),
        limits.runs,
        limits.within.as_secs(),
    ));
    let crew = Crew::new(&backend, jobs);
    let found = search(args, trial, &plan, limits, &crew, &progress, &tell);
    progress.finish();
    backend.shut_down();
    let (smaller, repeated) = found?;
    Ok(outcome(
        args, trial, &plan, &smaller, repeated, choice, look,
    ))
}

/// The runs of what was found, and those of them that fail.
#[derive(Clone, Copy, Debug, Default)]
struct Repeated {
    runs: u64,
    failed: u64,
}

/// Looks whether the schedule fails, searches for a smaller one, and tries that a few times more.
fn search(
    args: &ShrinkArgs,
    trial: &Trial,
    plan: &Plan,
    limits: Limits,
    crew: &Crew<'_>,
    progress: &Progress,
    tell: &dyn Fn(&str),
) -> Result<(Smaller, Repeated), CliError> {
    let failing = first_failing(args, trial, plan, crew, tell)?;
    let smaller = crew.smaller(plan, failing, limits, progress, tell)?;
    let mut repeated = Repeated::default();
    for run in crew.run_until(&smaller.plan, REPEATED, |_| false) {
        match run {
            Ok(run) => {
                repeated.runs += 1;
                repeated.failed += u64::from(smaller.shows.is_in(&run.verdict));
            }
            Err(CliError::Interrupted) => {}
            Err(error) => tell(&format!("no answer: {error}")),
        }
    }
    Ok((smaller, repeated))
}

/// Runs the schedule until it fails.
fn first_failing(
    args: &ShrinkArgs,
    trial: &Trial,
    plan: &Plan,
    crew: &Crew<'_>,
    tell: &dyn Fn(&str),
) -> Result<Failing, CliError> {
    let is_sought = |property: Property| args.property.is_none_or(|asked| asked == property);
    let runs = crew.run_until(plan, TRIES, |run| {
        let mut violations = run.verdict.violations();
        violations.any(|(property, _)| is_sought(property))
    });
    let (mut answers, mut last) = (Vec::new(), None);
    for run in runs {
        match run {
            Ok(run) => answers.push(run),
            Err(error) => last = Some(error),
        }
    }
    if answers.is_empty() {
        let error = last.unwrap_or(CliError::Interrupted);
        return Err(error.in_schedule(&trial.label, plan.seed));
    }
    let tried = counted(answers.len() as u64, "run");
    let mut violated: Vec<(Property, usize)> = Vec::new();
    for (property, _) in answers.iter().flat_map(|run| run.verdict.violations()) {
        match violated.iter_mut().find(|(known, _)| *known == property) {
            Some((_, count)) => *count += 1,
            None => violated.push((property, 1)),
        }
    }
    violated.sort_by_key(|(property, count)| (Reverse(*count), *property as usize));
    let sought = violated.iter().find(|(property, _)| is_sought(*property));
    let Some((property, count)) = sought.copied() else {
        let place = format!("{} with seed {} in {tried}", trial.label, plan.seed);
        let properties: Vec<Property> = violated.iter().map(|(property, _)| *property).collect();
        return Err(does_not_fail(&place, args.property, &properties));
    };
    tell(&format!(
        "{property} is violated in {count} of {tried} of {}: {}",
        trial.label,
        in_words(plan),
    ));
    let failing = answers
        .into_iter()
        .find_map(|run| Failing::of(property, run));
    Ok(failing.expect("one of them violates it"))
}

/// Writes what was found, and tells it.
fn outcome(
    args: &ShrinkArgs,
    trial: &Trial,
    plan: &Plan,
    smaller: &Smaller,
    repeated: Repeated,
    choice: &Choice,
    look: Look,
) -> Outcome {
    let property = smaller.shows.property;
    let often = match repeated.runs {
        0 => "not at all: it was interrupted".into(),
        runs => format!(
            "it fails in {} of {}; runs of it differ",
            repeated.failed,
            counted(runs, "run")
        ),
    };
    let shrunk = match smaller.plan == *plan {
        true => format!("nothing smaller fails, in {}", runs(smaller)),
        false => format!("to {}, in {}", in_words(&smaller.plan), runs(smaller)),
    };
    let notes = [
        format!("Shrunk {} {shrunk}.", choice.place()),
        format!("Repeated: {often}."),
    ];
    let conviction = recorded::keep(trial, smaller, &notes, choice, args.trying.regressions());
    let mut page = Page::new(look.width());
    page.paragraph("", &human::heading(property, &trial.subject, &trial.label));
    let ended_early =
        human::ended_early(smaller.end).map(|why| format!("not the smallest, perhaps: {why}"));
    let facts = [
        ("Shrunk", Some(shrunk)),
        ("", ended_early),
        ("Repeated", Some(often)),
    ];
    let facts = facts
        .into_iter()
        .filter_map(|(name, text)| Some((name, text?)));
    human::smaller(&mut page, &conviction, &facts.collect::<Vec<_>>());
    Outcome::new(page.into_text(), Exit::Met)
}

fn runs(smaller: &Smaller) -> String {
    let runs = counted(u64::from(smaller.runs), "run");
    match smaller.silent {
        0 => runs,
        silent => format!("{runs}, {silent} of them without an answer"),
    }
}
