//! Runs scenarios over seeds, on many threads, with a result that does not depend on how many.
//!
//! Seeds are cut into chunks of a fixed size. Threads take chunks in order; results are merged in
//! order, up to and including the chunk in which a scenario first failed. What other threads did
//! beyond that is thrown away.

mod chunks;
mod pool;
mod tally;
mod worker;

pub use chunks::Chunks;
pub use pool::in_order;
pub use tally::{Count, Tally};
pub use worker::{Broken, Run, Worker, draw};

use crate::args::SeedRange;
use crate::backend::{Choice, Engine};
use crate::recorded::Recorded;
use crate::{interrupt, regressions};
use plimsoll_oracle::Property;
use plimsoll_scenarios::scenario::Expected;
use plimsoll_scenarios::{BackendError, Scenario};
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};

/// A scenario to run over some seeds.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What names the scenario on the command line.
    pub label: String,
    /// The scenario, with the subject that stands trial.
    pub scenario: Scenario,
    /// Who stands trial: a subject's name, or a command.
    pub subject: String,
    /// Under which seeds.
    pub seeds: SeedRange,
    /// But not under these: the backend cannot execute their plans.
    pub without: BTreeSet<u64>,
    /// What it must show.
    pub expectation: Expectation,
}

impl Trial {
    /// How many schedules it has.
    pub fn schedules(&self) -> u64 {
        self.seeds.len() - self.without.len() as u64
    }

    /// The command that runs one seed again.
    pub fn again(&self, seed: u64, choice: &Choice) -> String {
        let label = regressions::quoted(&self.label);
        let mut command = format!("plimsoll run {label} --seeds {seed}..{}", seed + 1);
        if self.expectation == Expectation::Open && choice.command().is_none() {
            command += &format!(" --subject {}", self.subject);
        }
        command + &choice.arguments()
    }
}

/// What a trial must show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The verdict that the scenario names.
    Stated(Expected),
    /// The subject is not the scenario's own: whatever it violates is reported.
    Open,
}

impl Expectation {
    /// Whether a violation of this property is what is expected.
    pub fn names(&self, property: Property) -> bool {
        self.named().contains(&property)
    }

    /// The properties whose violation is expected.
    pub fn named(&self) -> &[Property] {
        match self {
            Self::Stated(Expected::Violated(properties)) => properties,
            Self::Stated(Expected::Held) | Self::Open => &[],
        }
    }
}

/// How trials are run.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many threads.
    pub jobs: NonZeroUsize,
    /// Whether a scenario goes on after it has failed.
    pub keep_going: bool,
    /// Whether traces are hashed.
    pub hashes: bool,
    /// Whether a run in real time is kept although nothing is wrong with it.
    pub record: bool,
}

/// How many seeds a thread takes at once: small enough that a scenario which fails early ends
/// early, large enough that taking them costs nothing. The summary of a failing scenario depends
/// on it, so it is not a setting.
const CHUNK: u64 = 25;

/// In real time a schedule takes so long that each is taken for itself.
const CHUNK_IN_REAL_TIME: u64 = 1;

/// Runs every trial; one tally for each. `watch` sees each chunk: its trial, how many seeds it
/// had, and what they came to.
pub fn run(
    trials: &[Trial],
    options: Options,
    engine: &Engine,
    mut watch: impl FnMut(usize, u64, &Tally),
) -> Vec<Tally> {
    let size = if engine.is_real() {
        CHUNK_IN_REAL_TIME
    } else {
        CHUNK
    };
    let chunks = Chunks::new(trials.iter().map(|trial| trial.seeds), size);
    // The first seed of the first chunk that ended its trial, by trial.
    let ended: Vec<AtomicU64> = trials.iter().map(|_| AtomicU64::new(u64::MAX)).collect();
    let work = |worker: &mut Worker, index: u64| {
        let (trial, seeds) = chunks.get(index);
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
        chunks.len(),
        || Worker::new(engine.another()),
        work,
        |index, tally| {
            let (trial, seeds) = chunks.get(index);
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
        match worker.run_seed(&trial.scenario, seed) {
            Ok(run) => {
                tally.add(seed, &run, worker.trace(), hashes);
                let failed = tally.failures(&trial.expectation).next().is_some();
                if worker.is_real() && (failed || options.record) {
                    tally.recorded.push(Recorded {
                        seed,
                        verdict: run.verdict,
                        trace: worker.take_trace(),
                    });
                }
            }
            Err(Broken::Failed(BackendError::Interrupted)) => break,
            Err(broken) => {
                tally.broken = Some((seed, broken));
                break;
            }
        }
    }
    tally
}
