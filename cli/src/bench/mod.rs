//! `plimsoll bench commit-interval`: what each commit interval costs, in commits and duplicates,
//! and which one to take.

mod advice;
mod catch_up;
mod formula;
mod load;
mod measure;
mod plot;
mod render;
mod report;
mod summary;
mod throughput;

use crate::args::{CommitIntervalArgs, DeclaredArgs, Interval, SeedRange, TableFormat, threads};
use crate::backend::{Choice, StartedBackend};
use crate::error::CliError;
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::report::Timing;
use crate::runner::{self, Chunks, Worker, draw};
use crate::terminal::Look;
use crate::{files, interrupt, kafka, progress};
use load::Load;
use measure::Measured;
use plimsoll_core::CommitPolicy;
use plimsoll_scenarios::Scenario;
use report::Report;
use std::iter;
use std::num::NonZeroUsize;
use std::time::Instant;
use summary::Row;

/// The number of messages that a thread simulates before it takes more seeds.
const CHUNK: u64 = 7_000;

/// Runs `plimsoll bench commit-interval`.
///
/// # Errors
/// Where an argument is wrong, the environment refuses, or Plimsoll itself fails.
pub(crate) fn commit_interval(args: &CommitIntervalArgs, look: Look) -> Result<Outcome, CliError> {
    let choice = Choice::of(&args.backend, &[], &DeclaredArgs::default())?;
    let load = Load::of(args, &choice)?;
    refuse_seeds(&load, &choice)?;
    files::check_trace(args.plot.as_deref(), iter::empty())?;
    let jobs = match (args.jobs, &choice, NonZeroUsize::new(load.intervals.len())) {
        // Schedules in real time wait more than they work.
        (None, Choice::Kafka(_), Some(intervals)) => intervals,
        (jobs, _, _) => threads(jobs),
    };
    interrupt::listen()?;
    let backend = choice.start(kafka::Load::default())?;
    let report = report(args, load, jobs, &backend);
    backend.shut_down();
    Ok(outcome(&report?, args, look))
}

/// Says what was found, and writes the picture. One that cannot be written takes nothing away from
/// what there is to say.
fn outcome(report: &Report, args: &CommitIntervalArgs, look: Look) -> Outcome {
    let text = match args.format {
        TableFormat::Human => render::human(report, look),
        TableFormat::Csv => render::csv(report),
        TableFormat::Json => render::json(report),
    };
    let mut outcome = Outcome::new(text, report.exit());
    let Some(path) = &args.plot else {
        return outcome;
    };
    match files::write(path, &plot::svg(report)) {
        Ok(()) if args.format == TableFormat::Human => {
            outcome.stdout += &format!("Picture written to {}.\n", path.display());
        }
        Ok(()) => {}
        Err(error) => {
            outcome.exit = outcome.exit.max(error.exit());
            outcome.stderr += &error.into_report();
        }
    }
    outcome
}

/// Refuses a scenario that the backend cannot execute under one of the seeds, before anything is
/// started.
fn refuse_seeds(load: &Load, choice: &Choice) -> Result<(), CliError> {
    if *choice == Choice::Sim {
        return Ok(());
    }
    for seed in load.seeds.from..load.seeds.to {
        let located = |error: CliError| error.in_schedule(&load.label, seed);
        let plan = draw(&load.scenario, seed).map_err(located)?;
        if let Some(reason) = choice.refuses(&plan) {
            let message = format!("it cannot run {}: {reason}", choice.place());
            return Err(located(CliError::Refused {
                message,
                help: None,
            }));
        }
    }
    Ok(())
}

/// Measures every interval, and one more where that brings the wish closer.
fn report(
    args: &CommitIntervalArgs,
    mut load: Load,
    jobs: NonZeroUsize,
    backend: &StartedBackend,
) -> Result<Report, CliError> {
    let started = Instant::now();
    let mut rows = rows(&load, &load.intervals, jobs, backend)?;
    let is_open = args.intervals.is_empty() && !backend.is_real() && !interrupt::requested();
    let wish = args.max_duplicates.filter(|_| is_open);
    if let Some(between) = wish.and_then(|most| advice::between(&rows, most)) {
        let between = Interval::Every(between);
        rows.extend(self::rows(&load, &[between], jobs, backend)?);
        rows.sort_by_key(|row| row.interval);
        load.intervals = rows.iter().map(|row| row.interval).collect();
    }
    let timing = Timing {
        elapsed: started.elapsed(),
        jobs,
    };
    // The throughput is measured last, alone on the cluster.
    let throughputs = throughputs(&load, backend)?;
    for (row, throughput) in rows.iter_mut().zip(throughputs) {
        row.throughput = throughput;
    }
    let interrupted = interrupt::requested();
    let is_real = backend.is_real();
    let wish = args.max_duplicates;
    Ok(Report::new(load, is_real, rows, wish, interrupted, timing))
}

/// Measures these intervals.
fn rows(
    load: &Load,
    intervals: &[Interval],
    jobs: NonZeroUsize,
    backend: &StartedBackend,
) -> Result<Vec<Row>, CliError> {
    let scenarios = intervals.iter();
    let scenarios: Vec<Scenario> = scenarios
        .map(|interval| with_interval(&load.scenario, *interval))
        .collect();
    let measured = measure_all(&scenarios, load, jobs, backend)
        .map_err(|(seed, error)| error.in_schedule(&load.label, seed))?;
    let rows = intervals.iter().zip(&scenarios).zip(measured);
    let rows = rows.map(|((interval, scenario), measured)| Row::of(*interval, scenario, measured));
    Ok(rows.collect())
}

/// Measures the records a second with each interval, unless Ctrl-C came first.
fn throughputs(load: &Load, backend: &StartedBackend) -> Result<Vec<Option<f64>>, CliError> {
    if interrupt::requested() {
        return Ok(Vec::new());
    }
    let Load {
        scenario,
        intervals,
        seeds,
        ..
    } = load;
    let StartedBackend::Kafka(kafka) = backend else {
        let mut worker = Worker::new(backend.another());
        return catch_up::measure(&mut worker, scenario, intervals, seeds.from);
    };
    let policies: Vec<CommitPolicy> = intervals.iter().map(|interval| policy(*interval)).collect();
    let waiting = progress::waiting("measuring the throughput with each interval");
    let measured = throughput::measure(kafka, &policies);
    waiting.finish_and_clear();
    let rates = measured?.unwrap_or_default();
    Ok(rates.into_iter().map(Some).collect())
}

/// Runs every seed with every interval, and returns what each interval showed.
fn measure_all(
    scenarios: &[Scenario],
    load: &Load,
    jobs: NonZeroUsize,
    backend: &StartedBackend,
) -> Result<Vec<Measured>, (u64, CliError)> {
    let seeds = load.seeds;
    let messages = u64::from(load::messages(&load.scenario)).max(1);
    let chunk = match backend.is_real() {
        true => 1,
        false => (CHUNK / messages).max(1),
    };
    let chunks = Chunks::new(scenarios.iter().map(|_| seeds), chunk);
    let total = seeds.len().saturating_mul(scenarios.len() as u64);
    let progress = if backend.is_real() {
        Progress::in_real_time(total, "schedules")
    } else {
        Progress::new(total, "schedules")
    };
    let mut measured: Vec<Measured> = scenarios.iter().map(|_| Measured::default()).collect();
    let mut broken = None;
    let work = |worker: &mut Worker, index: u64| {
        let (interval, seeds) = chunks.get(index);
        measure_chunk(worker, &scenarios[interval], seeds)
    };
    let worker = || Worker::new(backend.another());
    runner::in_order(jobs, chunks.len(), worker, work, |index, result| {
        let (interval, seeds) = chunks.get(index);
        progress.advance(seeds.len());
        match result {
            Ok(result) => measured[interval].merge(result),
            Err(error) => {
                broken.get_or_insert(error);
            }
        }
    });
    progress.finish();
    broken.map_or(Ok(measured), Err)
}

/// Gives the scenario another commit interval.
fn with_interval(scenario: &Scenario, interval: Interval) -> Scenario {
    let mut scenario = scenario.clone();
    scenario.settings.consumers.config.commit = policy(interval);
    scenario
}

const fn policy(interval: Interval) -> CommitPolicy {
    match interval {
        Interval::EveryRecord => CommitPolicy {
            interval: None,
            every: Some(1),
        },
        Interval::Every(interval) => CommitPolicy {
            interval: Some(interval),
            every: None,
        },
    }
}

fn measure_chunk(
    worker: &mut Worker,
    scenario: &Scenario,
    seeds: SeedRange,
) -> Result<Measured, (u64, CliError)> {
    let mut measured = Measured::default();
    for seed in seeds.from..seeds.to {
        if interrupt::requested() {
            break;
        }
        let plan = draw(scenario, seed).map_err(|error| (seed, error))?;
        match worker.run(&plan) {
            Ok(run) => measured.add(seed, &run.verdict, worker.trace()),
            Err(CliError::Interrupted) => break,
            Err(error) => return Err((seed, error)),
        }
    }
    Ok(measured)
}
