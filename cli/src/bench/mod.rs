//! `plimsoll bench commit-interval`: what each commit interval costs, in commits and duplicates.

mod formula;
mod measure;
mod render;
mod summary;
mod throughput;

use crate::args::{CommitIntervalArgs, Interval, SeedRange, TableFormat, threads};
use crate::backend::{Choice, StartedBackend};
use crate::error::CliError;
use crate::exit::Exit;
use crate::library::{self, Loaded};
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::report::Timing;
use crate::runner::{self, Chunks, Worker, draw};
use crate::{interrupt, progress};
use measure::Measured;
use plimsoll_core::CommitPolicy;
use plimsoll_scenarios::Scenario;
use std::num::NonZeroUsize;
use std::time::Instant;
use summary::Row;

/// The scenario that is measured: crashes, graceful stops and rebalances under steady load.
const SCENARIO: &str = "bench/commit-interval";

/// The number of seeds that a thread takes at once.
const CHUNK: u64 = 10;

/// Runs `plimsoll bench commit-interval`.
///
/// # Errors
/// Where an argument is wrong, the environment refuses, or Plimsoll itself fails.
pub(crate) fn commit_interval(args: &CommitIntervalArgs) -> Result<Outcome, CliError> {
    let choice = Choice::of(&args.backend, &[])?;
    let Loaded {
        label, scenario, ..
    } = library::load_one(SCENARIO)?;
    let intervals: Vec<(Interval, Scenario)> = args
        .intervals
        .iter()
        .map(|interval| (*interval, with_interval(&scenario, *interval)))
        .collect();
    let seeds = args.seeds.unwrap_or(match choice {
        Choice::Sim => SeedRange { from: 0, to: 200 },
        Choice::Kafka(_) => choice.default_seeds(),
    });
    let jobs = match (args.jobs, &choice, NonZeroUsize::new(intervals.len())) {
        // Schedules on real Kafka wait more than they work.
        (None, Choice::Kafka(_), Some(intervals)) => intervals,
        (jobs, _, _) => threads(jobs),
    };
    interrupt::listen()?;
    let backend = choice.start()?;
    let started = Instant::now();
    let measured = measure_all(&intervals, seeds, jobs, &backend)
        .map_err(|(seed, error)| error.in_schedule(&label, seed));
    let timing = Timing {
        elapsed: started.elapsed(),
        jobs,
    };
    // The throughput is measured last, alone on the cluster.
    let measured = measured.and_then(|all| Ok((all, throughputs(&backend, &args.intervals)?)));
    backend.shut_down();
    let (measured, throughputs) = measured?;
    let mut rows: Vec<Row> = intervals
        .iter()
        .zip(measured)
        .map(|((interval, scenario), measured)| Row::of(*interval, scenario, measured))
        .collect();
    for (row, throughput) in rows.iter_mut().zip(throughputs.unwrap_or_default()) {
        row.throughput = Some(throughput);
    }
    let interrupted = interrupt::requested();
    let text = match args.format {
        TableFormat::Human => render::human(&rows, seeds, interrupted),
        TableFormat::Csv => render::csv(&rows),
        TableFormat::Json => render::json(&rows, &timing),
    };
    Ok(Outcome::new(text, exit(&rows).or_interrupted(interrupted)))
}

/// Measures the records a second with each interval; `None` in the simulator, which cannot tell.
fn throughputs(
    backend: &StartedBackend,
    intervals: &[Interval],
) -> Result<Option<Vec<f64>>, CliError> {
    let StartedBackend::Kafka(kafka) = backend else {
        return Ok(None);
    };
    let policies: Vec<CommitPolicy> = intervals.iter().map(|interval| policy(*interval)).collect();
    let waiting = progress::waiting("measuring the throughput with each interval");
    let measured = throughput::measure(kafka, &policies);
    waiting.finish_and_clear();
    measured
}

/// Runs every seed with every interval, and returns what each interval showed.
fn measure_all(
    intervals: &[(Interval, Scenario)],
    seeds: SeedRange,
    jobs: NonZeroUsize,
    backend: &StartedBackend,
) -> Result<Vec<Measured>, (u64, CliError)> {
    let chunk = if backend.is_real() { 1 } else { CHUNK };
    let chunks = Chunks::new(intervals.iter().map(|_| seeds), chunk);
    let total = seeds.len().saturating_mul(intervals.len() as u64);
    let progress = if backend.is_real() {
        Progress::in_real_time(total, "schedules")
    } else {
        Progress::new(total, "schedules")
    };
    let mut measured: Vec<Measured> = intervals.iter().map(|_| Measured::default()).collect();
    let mut broken = None;
    let work = |worker: &mut Worker, index: u64| {
        let (interval, seeds) = chunks.get(index);
        measure_chunk(worker, &intervals[interval].1, seeds)
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

/// Returns how the program ends. The promises hold at every interval: a row that breaks one is a
/// failure, not a price.
fn exit(rows: &[Row]) -> Exit {
    let broken = rows
        .iter()
        .any(|row| row.lost > 0 || !row.violations.is_empty());
    if broken { Exit::Violated } else { Exit::Met }
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
