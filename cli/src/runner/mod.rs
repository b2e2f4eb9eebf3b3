//! Runs scenarios over seeds, on many threads, with a result that does not depend on their number.
//!
//! Seeds are cut into chunks of a fixed size. Threads take chunks in order; results are merged in
//! order, up to and including the chunk in which a scenario first failed. What other threads did
//! beyond that is thrown away.

mod chunks;
mod effects;
mod pool;
mod tally;
mod worker;

pub(crate) use chunks::Chunks;
pub(crate) use effects::Effect;
use pool::Queue;
pub(crate) use pool::in_order;
pub(crate) use tally::{Count, Recorded, Tally, Unjudged};
pub(crate) use worker::{Run, Worker, draw};

use crate::args::SeedRange;
use crate::backend::StartedBackend;
use crate::error::CliError;
use crate::interrupt;
use crate::trial::Trial;
use std::cmp::Reverse;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

/// How trials are run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The number of threads.
    pub jobs: NonZeroUsize,
    /// Whether a scenario goes on after it has failed.
    pub keep_going: bool,
    /// Whether traces are hashed.
    pub hashes: bool,
    /// Whether a run in real time is kept although nothing is wrong with it.
    pub record: bool,
}

/// The number of seeds that a thread takes at once: small enough that a scenario which fails early
/// ends early, large enough that taking them costs nothing. The summary of a failing scenario
/// depends on it, so it is not a setting.
const CHUNK: u64 = 25;

/// The number of seeds that a thread takes at once in real time, where a single schedule takes many
/// seconds.
const CHUNK_IN_REAL_TIME: u64 = 1;

/// Runs every trial and returns a tally for each. `watch` sees each chunk: its trial, the number of
/// its seeds, and its tally.
pub(crate) fn run(
    trials: &[Trial],
    options: Options,
    backend: &StartedBackend,
    mut watch: impl FnMut(usize, u64, &Tally),
) -> Vec<Tally> {
    let size = if backend.is_real() {
        CHUNK_IN_REAL_TIME
    } else {
        CHUNK
    };
    let turns = turns(trials, backend);
    let chunks = Chunks::new(turns.iter().map(|turn| trials[*turn].seeds), size);
    let chunk = |index: u64| {
        let (turn, seeds) = chunks.get(index);
        (turns[turn], seeds)
    };
    // The first seed of the first chunk that ended its trial, by trial.
    let ended: Vec<AtomicU64> = trials.iter().map(|_| AtomicU64::new(u64::MAX)).collect();
    let work = |worker: &mut Worker, index: u64| {
        let (trial, seeds) = chunk(index);
        if seeds.from > ended[trial].load(Ordering::Relaxed) {
            return Tally::default();
        }
        let tally = run_chunk(worker, &trials[trial], seeds, options);
        if tally.ends(&trials[trial], options.keep_going) {
            ended[trial].fetch_min(seeds.from, Ordering::Relaxed);
        }
        tally
    };
    let mut merged: Vec<Tally> = trials.iter().map(|_| Tally::default()).collect();
    in_order(
        options.jobs,
        queue(trials, chunks.len(), chunk, backend),
        || Worker::new(backend.another()),
        work,
        |index, tally| {
            let (trial, seeds) = chunk(index);
            // What other threads did beyond the end of a trial does not count.
            if merged[trial].ends(&trials[trial], options.keep_going) {
                watch(trial, seeds.len(), &Tally::default());
            } else {
                watch(trial, seeds.len(), &tally);
                merged[trial].merge(tally);
            }
        },
    );
    merged
}

/// Returns the indices of the trials in the order in which they begin: in real time the longest
/// first, so that no long one is left when all others have ended.
fn turns(trials: &[Trial], backend: &StartedBackend) -> Vec<usize> {
    let mut turns: Vec<usize> = (0..trials.len()).collect();
    if backend.is_real() {
        turns.sort_by_key(|turn| Reverse(trials[*turn].usual_length()));
    }
    turns
}

/// Makes the order in which threads take the `count` chunks: those whose plans break brokers of a
/// real cluster wait for one another, and for others only if they must.
fn queue(
    trials: &[Trial],
    count: u64,
    chunk: impl Fn(u64) -> (usize, SeedRange),
    backend: &StartedBackend,
) -> Queue {
    let mut queue = Queue::from(count);
    if trials.iter().all(|trial| trial.apart.is_empty()) {
        return queue;
    }
    let is_apart = |index: &u64| {
        let (trial, seeds) = chunk(*index);
        trials[trial]
            .apart
            .range(seeds.from..seeds.to)
            .next()
            .is_some()
    };
    queue.apart = (0..count).filter(is_apart).collect();
    queue.places = backend.apart();
    queue
}

fn run_chunk(worker: &mut Worker, trial: &Trial, seeds: SeedRange, options: Options) -> Tally {
    let mut tally = Tally::default();
    // A regression's hash is compared with the recorded one.
    let hashes = options.hashes || trial.scenario.settings.expect.trace.is_some();
    for seed in seeds.from..seeds.to {
        if interrupt::requested() {
            break;
        }
        if trial.without.contains(&seed) {
            continue;
        }
        let result = worker.run_seed(&trial.scenario, seed);
        tally.unjudged.extend(worker.take_unjudged());
        match result {
            Ok(run) => {
                tally.add(seed, &run, worker.trace(), hashes);
                let failed = tally.failures(&trial.expectation).next().is_some();
                if worker.is_real() && (failed || options.record) {
                    tally.recorded.push(worker.record(seed, run.verdict));
                }
            }
            Err(CliError::Interrupted) => break,
            Err(error) => {
                tally.broken = Some((seed, error));
                break;
            }
        }
    }
    tally
}
