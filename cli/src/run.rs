//! `plimsoll run`: scenarios over many seeds.

use crate::args::{BackendName, Format, RunArgs, threads};
use crate::backend::{Choice, Engine};
use crate::conviction::{Conviction, convict_all};
use crate::error::CliError;
use crate::exit::Exit;
use crate::progress::Progress;
use crate::report::{Failure, Report, ScenarioReport, Timing};
use crate::runner::{self, Expectation, Options, Tally, Trial, Worker};
use crate::selection::{self, Selection};
use crate::{interrupt, output, recorded, regressions, render};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

/// From so many seeds on, a rare thing that a scenario names must have happened.
const ENOUGH_FOR_RARE_THINGS: u64 = 100;

/// Runs `plimsoll run`.
///
/// # Errors
/// Where an argument is wrong, or the environment refuses.
pub fn run(args: &RunArgs) -> Result<Exit, CliError> {
    let choice = Choice::of(&args.backend, &args.command)?;
    let selection = selection::select(args, &choice)?;
    interrupt::listen()?;
    let engine = choice.start()?;
    let report = report(args, &choice, selection, &engine);
    engine.shut_down();
    let report = report?;
    print(&report, args)?;
    Ok(report.exit())
}

fn report(
    args: &RunArgs,
    choice: &Choice,
    selection: Selection,
    engine: &Engine,
) -> Result<Report, CliError> {
    let Selection {
        trials,
        not_executed,
    } = selection;
    let options = Options {
        jobs: threads(args.jobs),
        keep_going: args.keep_going,
        hashes: args.print_hashes,
        record: args.trace.is_some() && only(&trials).is_some(),
    };
    let started = Instant::now();
    let tallies = try_all(&trials, options, engine);
    let timing = Timing {
        elapsed: started.elapsed(),
        jobs: options.jobs,
    };
    // Asked before the shrinking: Ctrl-C during it takes nothing away from what was counted.
    let interrupted = interrupt::requested();
    let convictions = if engine.is_real() {
        let trials = trials.iter().zip(&tallies);
        trials
            .map(|(trial, tally)| recorded::convict(trial, tally, choice, &args.regressions))
            .collect()
    } else {
        convict_all(&trials, &tallies, options, &args.regressions)
    };
    let trace = write_trace(args, &trials, &tallies)?;
    let scenarios =
        trials
            .into_iter()
            .zip(tallies)
            .zip(convictions)
            .map(|((trial, tally), convictions)| ScenarioReport {
                failures: failures(&trial, &tally, convictions, interrupted, choice),
                trial,
                tally,
            });
    Ok(Report {
        backend: choice.name(),
        seeds: args.seeds.unwrap_or(choice.default_seeds()),
        subject: args
            .subject
            .map(|subject| subject.to_string())
            .or(choice.command()),
        scenarios: scenarios.collect(),
        not_executed,
        interrupted,
        trace,
        timing,
    })
}

fn try_all(trials: &[Trial], options: Options, engine: &Engine) -> Vec<Tally> {
    let total = trials.iter().map(Trial::schedules);
    let total = total.fold(0, u64::saturating_add);
    let progress = if engine.is_real() {
        Progress::in_real_time(total, "schedules")
    } else {
        Progress::new(total, "schedules")
    };
    let mut failing = BTreeSet::new();
    let tallies = runner::run(trials, options, engine, |trial, seeds, tally| {
        progress.advance(tally.schedules);
        progress.shorten(seeds - tally.schedules);
        for (property, _) in tally.failures(&trials[trial].expectation) {
            if failing.insert((trial, property)) {
                progress.say(format!("{} failures found", failing.len()));
            }
        }
    });
    progress.finish();
    tallies
}

/// Every expectation of a trial that was not met.
fn failures(
    trial: &Trial,
    tally: &Tally,
    convictions: Vec<Conviction>,
    interrupted: bool,
    choice: &Choice,
) -> Vec<Failure> {
    let mut failures: Vec<Failure> = convictions
        .into_iter()
        .map(|conviction| Failure::Violated(Box::new(conviction)))
        .collect();
    if let Some((seed, broken)) = &tally.broken {
        failures.push(Failure::Broken {
            seed: *seed,
            broken: broken.clone(),
            again: trial.again(*seed, choice),
        });
    }
    // What has not happened yet may still happen under the seeds that are left.
    let complete = !interrupted && tally.schedules == trial.schedules();
    if complete && let Expectation::Stated(_) = trial.expectation {
        failures.extend(missing(trial, tally));
        // No trace of a run in real time is like another.
        if failures.is_empty() && *choice == Choice::Sim {
            failures.extend(other_trace(trial, tally));
        }
    }
    failures
}

/// What a scenario expects to happen, and what did not.
fn missing(trial: &Trial, tally: &Tally) -> Vec<Failure> {
    let mut missing: Vec<Failure> = trial
        .expectation
        .named()
        .iter()
        .filter(|property| tally.count(**property).violated == 0)
        .map(|property| Failure::NotViolated(*property))
        .collect();
    if tally.schedules >= ENOUGH_FOR_RARE_THINGS {
        let expected = &trial.scenario.settings.expect.sometimes;
        let never = tally
            .coverage
            .counts()
            .filter(|(rare, count)| *count == 0 && expected.contains(rare));
        missing.extend(never.map(|(rare, _)| Failure::NeverHappened(rare)));
    }
    missing
}

/// Whether a regression, whose verdict is the recorded one, left another trace.
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

/// Writes what `--trace` asks for: the first failing run, or the only one.
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
    let lines = match &args.backend.backend {
        BackendName::Sim => simulate(&trials[index], seed),
        BackendName::Kafka => {
            let mut recorded = tallies[index].recorded.iter();
            let run = recorded.find(|run| run.seed == seed);
            run.map(|run| regressions::json_lines(&run.trace))
        }
    };
    // A run that is broken has no trace; the report says so.
    let Some(lines) = lines else {
        return Ok(None);
    };
    output::write_file(path, &lines)?;
    Ok(Some(path.clone()))
}

/// The trace of a seed.
fn simulate(trial: &Trial, seed: u64) -> Option<String> {
    let mut worker = Worker::default();
    worker.run_seed(&trial.scenario, seed).ok()?;
    Some(regressions::json_lines(worker.trace()))
}

/// The index of the only trial and its only seed.
fn only(trials: &[Trial]) -> Option<(usize, u64)> {
    match trials {
        [trial] if trial.seeds.len() == 1 => Some((0, trial.seeds.from)),
        _ => None,
    }
}

fn print(report: &Report, args: &RunArgs) -> Result<(), CliError> {
    let text = match args.format {
        Format::Human => render::human::report(report),
        Format::Json => render::json::report(report, args.print_hashes),
    };
    if !args.print_hashes || args.format == Format::Json {
        return output::print(&text);
    }
    output::print_to_stderr(&text);
    let mut hashes = String::new();
    for ScenarioReport { trial, tally, .. } in &report.scenarios {
        for (seed, hash) in &tally.hashes {
            writeln!(hashes, "{} {seed} {hash}", trial.label).expect("writing to a string");
        }
    }
    output::print(&hashes)
}
