//! `plimsoll bench commit-interval`: what each commit interval costs, in commits and duplicates.

mod formula;
mod measure;
mod render;
mod summary;

use crate::args::{CommitIntervalArgs, Interval, SeedRange, TableFormat, threads};
use crate::error::CliError;
use crate::exit::Exit;
use crate::library::{self, Loaded};
use crate::progress::Progress;
use crate::report::Timing;
use crate::runner::{self, Broken, Chunks, Worker, draw};
use crate::{interrupt, output};
use measure::Measured;
use plimsoll_core::CommitPolicy;
use plimsoll_scenarios::Scenario;
use std::time::Instant;
use summary::Row;

/// The scenario that is measured: crashes, graceful stops and rebalances under steady load.
const SCENARIO: &str = "bench/commit-interval";

/// How many seeds a thread takes at once.
const CHUNK: u64 = 10;

/// Runs `plimsoll bench commit-interval`.
///
/// # Errors
/// Where an argument is wrong, or Plimsoll itself fails.
pub fn commit_interval(args: &CommitIntervalArgs) -> Result<Exit, CliError> {
    let Loaded { label, scenario } = library::load_one(SCENARIO)?;
    interrupt::listen()?;
    let jobs = threads(args.jobs);
    let started = Instant::now();
    let rows = args
        .intervals
        .iter()
        .map(|interval| (*interval, with_interval(&scenario, *interval)))
        .collect::<Vec<_>>();
    let chunks = Chunks::new(rows.iter().map(|_| args.seeds), CHUNK);
    let progress = Progress::new(args.seeds.len() * rows.len() as u64, "schedules");
    let mut measured: Vec<Measured> = rows.iter().map(|_| Measured::default()).collect();
    let mut broken = None;
    let work = |worker: &mut Worker, index: u64| {
        let (row, seeds) = chunks.get(index);
        measure_all(worker, &rows[row].1, seeds)
    };
    runner::in_order(jobs, chunks.len(), Worker::new, work, |index, result| {
        let (row, seeds) = chunks.get(index);
        progress.advance(seeds.len());
        match result {
            Ok(result) => measured[row].merge(result),
            Err(failure) => {
                broken.get_or_insert(failure);
            }
        }
    });
    progress.finish();
    if let Some((seed, broken)) = broken {
        return Err(broken.into_error(&label, seed));
    }
    let timing = Timing {
        elapsed: started.elapsed(),
        jobs,
    };
    let rows: Vec<Row> = rows
        .iter()
        .zip(measured)
        .map(|((interval, scenario), measured)| Row::of(*interval, scenario, measured))
        .collect();
    output::print(&match args.format {
        TableFormat::Human => render::human(&rows, args.seeds, interrupt::requested()),
        TableFormat::Csv => render::csv(&rows),
        TableFormat::Json => render::json(&rows, &timing),
    })?;
    Ok(exit(&rows))
}

/// The promises hold at every interval: a row that breaks one is a failure, not a price.
fn exit(rows: &[Row]) -> Exit {
    let broken = rows
        .iter()
        .any(|row| row.lost > 0 || !row.violations.is_empty());
    if broken { Exit::Violated } else { Exit::Met }
}

/// The scenario with another commit interval, and as much more time to become quiet in: the last
/// records are committed an interval after they are finished.
fn with_interval(scenario: &Scenario, interval: Interval) -> Scenario {
    let mut scenario = scenario.clone();
    if let Interval::Every(interval) = interval {
        scenario.settings.expect.liveness_within += interval;
    }
    scenario.settings.consumers.config.commit = match interval {
        Interval::EveryRecord => CommitPolicy {
            interval: None,
            every: Some(1),
        },
        Interval::Every(interval) => CommitPolicy {
            interval: Some(interval),
            every: None,
        },
    };
    scenario
}

fn measure_all(
    worker: &mut Worker,
    scenario: &Scenario,
    seeds: SeedRange,
) -> Result<Measured, (u64, Broken)> {
    let mut measured = Measured::default();
    for seed in seeds.from..seeds.to {
        if interrupt::requested() {
            break;
        }
        let plan = draw(scenario, seed).map_err(|broken| (seed, broken))?;
        let run = worker.run(&plan).map_err(|broken| (seed, broken))?;
        measured.add(seed, &run.verdict, worker.trace());
    }
    Ok(measured)
}
