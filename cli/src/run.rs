//! `plimsoll run`: scenarios over many seeds.

use crate::args::{BackendName, Format, RunArgs};
use crate::backend::{Choice, StartedBackend};
use crate::conviction::{Conviction, recorded, shrinking};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::report::{Failure, Report, ScenarioReport, Timing};
use crate::runner::{self, Options, Tally, Worker};
use crate::selection::{self, Selection, Wanted};
use crate::terminal::{Detail, Look};
use crate::trial::{Expectation, Trial};
use crate::{files, interrupt, missing, render};
use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Runs `plimsoll run`.
///
/// # Errors
/// Where an argument is wrong, or the environment refuses.
pub(crate) fn run(args: &RunArgs, look: Look) -> Result<Outcome, CliError> {
    let choice = Choice::of(&args.backend, &args.command, &args.trying.declared)?;
    let selection = selection::select(Wanted::of(args, &choice), &choice)?;
    let labels = selection.trials.iter().map(|trial| trial.label.as_str());
    files::check_trace(args.trace.as_deref(), labels)?;
    if let Some(folder) = &args.report {
        render::files::check(folder)?;
    }
    interrupt::listen()?;
    let backend = choice.start(selection.load(choice.jobs(args.trying.jobs)))?;
    let report = report(args, &choice, selection, &backend, look);
    backend.shut_down();
    let report = report?;
    let outcome = outcome(&report, args, look);
    Ok(match write_report(&report) {
        Ok(()) => outcome,
        Err(error) => outcome.and_failed(error),
    })
}

/// The variable in which GitHub Actions names the file of a step's summary, to which steps append
/// Markdown: <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>.
const GITHUB_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Writes the files of `--report`, and the summary of a step of GitHub Actions.
fn write_report(report: &Report) -> Result<(), CliError> {
    if let Some(folder) = &report.folder {
        render::files::write(folder, report)?;
    }
    match env::var_os(GITHUB_SUMMARY) {
        Some(path) if !path.is_empty() => {
            files::append(Path::new(&path), &render::markdown::report(report))
        }
        _ => Ok(()),
    }
}

fn report(
    args: &RunArgs,
    choice: &Choice,
    selection: Selection,
    backend: &StartedBackend,
    look: Look,
) -> Result<Report, CliError> {
    let Selection {
        trials,
        not_executed,
        skipped,
    } = selection;
    let options = Options {
        jobs: choice.jobs(args.trying.jobs),
        keep_going: args.keep_going == Some(true),
        hashes: args.print_hashes,
        record: args.trace.is_some() && only(&trials).is_some(),
    };
    let regressions = args.trying.regressions();
    let started = Instant::now();
    let mut tallies = try_all(&trials, options, backend, look);
    let timing = Timing {
        elapsed: started.elapsed(),
        jobs: options.jobs,
    };
    // Asked before the shrinking: Ctrl-C during it takes nothing away from what was counted.
    let interrupted = interrupt::requested();
    let convictions = if backend.is_real() {
        let trials = trials.iter().zip(&tallies);
        trials
            .map(|(trial, tally)| recorded::convict(trial, tally, choice, regressions))
            .collect()
    } else {
        shrinking::convict_all(&trials, &tallies, options, args.limits, regressions)
    };
    keep_unjudged(&trials, &mut tallies, regressions);
    let trace = write_trace(args, &trials, &tallies)?;
    let found = trials.into_iter().zip(tallies).zip(convictions);
    let scenarios = found.map(|((trial, mut tally), convictions)| {
        let failures = failures(&trial, &mut tally, convictions, choice);
        let mut report = ScenarioReport {
            trial,
            tally,
            failures,
            untried: Vec::new(),
        };
        // What has not happened yet may still happen under the seeds that are left.
        if !interrupted && report.tally.schedules == report.trial.schedules() {
            add_missing(&mut report, args.strict == Some(true), choice);
        }
        report
    });
    Ok(Report {
        backend: choice.name(),
        place: choice.place(),
        seeds: args.seeds.unwrap_or(choice.default_seeds()),
        subject: args
            .subject
            .map(|subject| subject.to_string())
            .or(choice.command()),
        scenarios: scenarios.collect(),
        not_executed,
        skipped,
        interrupted,
        trace,
        folder: args.report.clone(),
        hashes: args.print_hashes,
        timing,
    })
}

/// Writes the traces of runs that do not count, because the machine disturbed them.
fn keep_unjudged(trials: &[Trial], tallies: &mut [Tally], folder: &Path) {
    for (trial, tally) in trials.iter().zip(tallies) {
        for unjudged in &mut tally.unjudged {
            recorded::keep_unjudged(trial, unjudged, folder);
        }
    }
}

/// Runs all trials, and shows how far they are.
pub(crate) fn try_all(
    trials: &[Trial],
    options: Options,
    backend: &StartedBackend,
    look: Look,
) -> Vec<Tally> {
    let total = trials.iter().map(Trial::schedules);
    let total = total.fold(0, u64::saturating_add);
    let progress = if backend.is_real() {
        let progress = Progress::in_real_time(total, "schedules");
        match look.detail {
            Detail::Quiet => progress,
            _ => progress.or_lines(),
        }
    } else {
        Progress::new(total, "schedules")
    };
    let mut failing = BTreeSet::new();
    let tallies = runner::run(trials, options, backend, |index, seeds, tally| {
        let trial = &trials[index];
        progress.advance(tally.schedules);
        progress.shorten(seeds - tally.schedules);
        if tally.failures(&trial.expectation).next().is_some() {
            failing.insert(index);
        }
        progress.say(match failing.len() {
            0 => trial.label.clone(),
            failed => format!("{failed} failed; {}", trial.label),
        });
    });
    progress.finish();
    tallies
}

/// Returns what went wrong in the runs of a trial.
fn failures(
    trial: &Trial,
    tally: &mut Tally,
    convictions: Vec<Conviction>,
    choice: &Choice,
) -> Vec<Failure> {
    let mut failures: Vec<Failure> = convictions
        .into_iter()
        .map(|conviction| Failure::Violated(Box::new(conviction)))
        .collect();
    if let Some((seed, error)) = tally.broken.take() {
        failures.push(Failure::Broken {
            seed,
            error,
            again: trial.again(seed, choice),
        });
    }
    failures
}

/// Adds what a trial, all of whose seeds have run, was to show and did not.
fn add_missing(report: &mut ScenarioReport, strict: bool, choice: &Choice) {
    let ScenarioReport {
        trial,
        tally,
        failures,
        untried,
    } = report;
    failures.extend(missing::violations(trial, tally));
    *untried = missing::happenings(trial, tally);
    if missing::fails(trial, tally, strict) {
        failures.append(untried);
    }
    // No trace of a run in real time is like another.
    if failures.is_empty() && *choice == Choice::Sim && trial.expectation != Expectation::Open {
        failures.extend(other_trace(trial, tally));
    }
}

/// Returns the failure of a regression that left another trace than the recorded one, although its
/// verdict is the same.
fn other_trace(trial: &Trial, tally: &Tally) -> Option<Failure> {
    let recorded = trial.scenario.settings.expect.trace.as_ref()?;
    let [(_, found)] = tally.hashes.as_slice() else {
        return None;
    };
    let found = found.to_string();
    (*recorded != found).then(|| Failure::TraceDiffers {
        recorded: recorded.clone(),
        found,
    })
}

/// Writes the trace that `--trace` asks for: of the first failing run, or of the only one.
fn write_trace(
    args: &RunArgs,
    trials: &[Trial],
    tallies: &[Tally],
) -> Result<Option<PathBuf>, CliError> {
    let Some(path) = &args.trace else {
        return Ok(None);
    };
    let failing = tallies.iter().enumerate().find_map(|(index, tally)| {
        let failures = tally.failures(&trials[index].expectation);
        Some((index, failures.map(|(_, seed)| seed).min()?))
    });
    let Some((index, seed)) = failing.or(only(trials)) else {
        return Ok(None);
    };
    // A run that broke off has no trace; the report says so.
    let trial = &trials[index];
    let Ok(plan) = runner::draw(&trial.scenario, seed) else {
        return Ok(None);
    };
    let backend = args.backend.name(&args.command);
    let header = trial.header(&plan, backend);
    match backend {
        BackendName::Sim => {
            let mut worker = Worker::default();
            if worker.run(&plan).is_err() {
                return Ok(None);
            }
            files::write_trace(path, &header, worker.trace())?;
        }
        BackendName::Turmoil | BackendName::Kafka => {
            let mut recorded = tallies[index].recorded.iter();
            let Some(run) = recorded.find(|run| run.seed == seed) else {
                return Ok(None);
            };
            files::write_trace(path, &header, &run.trace)?;
        }
    }
    Ok(Some(path.clone()))
}

/// Returns the index of the only trial and its only seed, if there is but one schedule.
fn only(trials: &[Trial]) -> Option<(usize, u64)> {
    match trials {
        [trial] if trial.seeds.len() == 1 => Some((0, trial.seeds.from)),
        _ => None,
    }
}

/// Puts the report into words, and on request the hashes in its place.
fn outcome(report: &Report, args: &RunArgs, look: Look) -> Outcome {
    let text = match args.format {
        Format::Human => render::human::report(report, look),
        Format::Json => render::json::report(report),
    };
    let plain = Outcome::new(text, report.exit());
    if !args.print_hashes || args.format == Format::Json {
        return plain;
    }
    let mut hashes = String::new();
    for ScenarioReport { trial, tally, .. } in &report.scenarios {
        for (seed, hash) in &tally.hashes {
            writeln!(hashes, "{} {seed} {hash}", trial.label).expect("writing to a string");
        }
    }
    Outcome {
        stdout: hashes,
        stderr: plain.stdout,
        ..plain
    }
}
