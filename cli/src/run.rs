//! `plimsoll run`: scenarios over many seeds.

use crate::args::{Format, RunArgs, SeedRange, threads};
use crate::conviction::{Conviction, NotShrunk, Shrunk, convict};
use crate::error::CliError;
use crate::exit::Exit;
use crate::library::{self, Loaded};
use crate::progress::Progress;
use crate::report::{Failure, Report, ScenarioReport, Timing};
use crate::runner::{self, Expectation, Options, Tally, Trial, Worker};
use crate::{interrupt, output, regressions, render};
use plimsoll_scenarios::{Property, Subject};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// From so many seeds on, a rare thing that a scenario names must have happened.
const ENOUGH_FOR_RARE_THINGS: u64 = 100;

/// Runs `plimsoll run`.
///
/// # Errors
/// Where an argument is wrong, or the environment refuses.
pub fn run(args: &RunArgs) -> Result<Exit, CliError> {
    let trials = trials(args)?;
    interrupt::listen()?;
    let options = Options {
        jobs: threads(args.jobs),
        keep_going: args.keep_going,
        hashes: args.print_hashes,
    };
    let started = Instant::now();
    let tallies = try_all(&trials, options);
    let timing = Timing {
        elapsed: started.elapsed(),
        jobs: options.jobs,
    };
    // Asked before the shrinking: Ctrl-C during it takes nothing away from what was counted.
    let interrupted = interrupt::requested();
    let convictions = convict_all(&trials, &tallies, options, &args.regressions);
    let trace = write_trace(args, &trials, &tallies)?;
    let scenarios =
        trials
            .into_iter()
            .zip(tallies)
            .zip(convictions)
            .map(|((trial, tally), convictions)| ScenarioReport {
                failures: failures(&trial, &tally, convictions, interrupted),
                trial,
                tally,
            });
    let report = Report {
        seeds: args.seeds,
        subject: args.subject,
        scenarios: scenarios.collect(),
        interrupted,
        trace,
        timing,
    };
    print(&report, args)?;
    Ok(report.exit())
}

fn trials(args: &RunArgs) -> Result<Vec<Trial>, CliError> {
    let scenarios = library::load(&args.paths)?;
    Ok(scenarios
        .into_iter()
        .map(|loaded| trial(loaded, args.seeds, args.subject))
        .collect())
}

/// The trial of a scenario, perhaps with another subject than its own.
fn trial(loaded: Loaded, seeds: SeedRange, subject: Option<Subject>) -> Trial {
    let Loaded {
        label,
        mut scenario,
    } = loaded;
    let own = scenario.settings.consumers.subject;
    let tried = subject.unwrap_or(own);
    scenario.settings.consumers.subject = tried;
    let expectation = if tried == own {
        Expectation::Stated(scenario.settings.expect.verdict.clone())
    } else {
        Expectation::Open
    };
    Trial {
        label,
        seeds: scenario.seed.map_or(seeds, SeedRange::one),
        scenario,
        expectation,
    }
}

fn try_all(trials: &[Trial], options: Options) -> Vec<Tally> {
    let seeds = trials.iter().map(|trial| trial.seeds.len());
    let total = seeds.fold(0, u64::saturating_add);
    let progress = Progress::new(total, "schedules");
    let mut failing = BTreeSet::new();
    let tallies = runner::run(trials, options, |trial, seeds, tally| {
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

/// Shrinks the first failure of every property of every trial.
fn convict_all(
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
        Worker::new,
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
        _ => again(trial, seed),
    };
    Conviction {
        property,
        seed,
        runs,
        shrunk,
        again,
        regression,
    }
}

/// The command that runs one seed of a trial again.
fn again(trial: &Trial, seed: u64) -> String {
    let label = regressions::quoted(&trial.label);
    let mut command = format!("plimsoll run {label} --seeds {seed}..{}", seed + 1);
    if trial.expectation == Expectation::Open {
        let subject = trial.scenario.settings.consumers.subject;
        write!(command, " --subject {subject}").expect("writing to a string");
    }
    command
}

/// Every expectation of a trial that was not met.
fn failures(
    trial: &Trial,
    tally: &Tally,
    convictions: Vec<Conviction>,
    interrupted: bool,
) -> Vec<Failure> {
    let mut failures: Vec<Failure> = convictions
        .into_iter()
        .map(|conviction| Failure::Violated(Box::new(conviction)))
        .collect();
    if let Some((seed, broken)) = &tally.broken {
        failures.push(Failure::Broken {
            seed: *seed,
            broken: broken.clone(),
            again: again(trial, *seed),
        });
    }
    // What has not happened yet may still happen under the seeds that are left.
    let complete = !interrupted && tally.schedules == trial.seeds.len();
    if complete && let Expectation::Stated(_) = trial.expectation {
        failures.extend(missing(trial, tally));
        if failures.is_empty() {
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
    let failing = trials.iter().zip(tallies).find_map(|(trial, tally)| {
        let failures = tally.failures(&trial.expectation);
        Some((trial, failures.map(|(_, seed)| seed).min()?))
    });
    let only = match trials {
        [trial] if trial.seeds.len() == 1 => Some((trial, trial.seeds.from)),
        _ => None,
    };
    let Some((trial, seed)) = failing.or(only) else {
        return Ok(None);
    };
    let mut worker = Worker::new();
    // A run that is broken has no trace; the report says so.
    if worker.run_seed(&trial.scenario, seed).is_err() {
        return Ok(None);
    }
    output::write_file(path, &regressions::json_lines(worker.trace()))?;
    Ok(Some(path.clone()))
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
