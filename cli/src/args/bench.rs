//! The command line of `plimsoll bench`.

use super::values::{jobs, one_of_the_words};
use super::{BackendArgs, SeedRange, TableFormat};
use crate::exit;
use clap::{Args, Subcommand};
use plimsoll_core::Ordering;
use plimsoll_scenarios::scenario::alone;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Measure what each commit interval costs in commits and in duplicates, and recommend one.
    ///
    /// A delay runs from the acknowledgement of a record to its first effect. A record waited
    /// through an outage if, between the two, a fault was under way or a partition of the group had
    /// no owner; or if, when it was acknowledged, a record of its partition that had waited through
    /// an outage had not reached a handler yet. All others waited in healthy time.
    ///
    /// A crash repeats the records that took effect again after it. Its worst case is the most that
    /// any crash repeated that was measured, or what a formula allows for any of these crashes if
    /// that is more.
    ///
    /// The rate at which a backlog is worked off is measured without faults, from records that are
    /// all there when the members start; the first and the last tenth are left out. In the
    /// simulator it is the model's, where no processor is busy: it says what partitions, members
    /// and handlers allow, and how the intervals compare.
    #[command(after_help = exit::HELP)]
    CommitInterval(CommitIntervalArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CommitIntervalArgs {
    /// Scenario to measure: a file, or the name of an embedded one (see `plimsoll list`). The
    /// intervals replace its commit settings. [default: a steady load with crashes, a graceful stop
    /// and a member that joins, as the options below say]
    #[arg(value_name = "FILE|NAME", conflicts_with = "LoadArgs")]
    pub scenario: Option<String>,
    /// Number of records that one crash may repeat, at worst: recommends the longest interval that
    /// keeps to it. If no intervals are named, one between those of the list is tried too. If none
    /// keeps to it, says what to change, and ends with exit code 10.
    #[arg(long, value_name = "N")]
    pub max_duplicates: Option<u32>,
    /// Commit intervals, separated by commas; `record` commits after every record.
    /// [default: record,100ms,1s,5s,15s,30s,90s, as far as the load lets them show]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub intervals: Vec<Interval>,
    #[command(flatten)]
    pub backend: BackendArgs,
    /// Seeds to run, the same for every interval: `N` means 0..N, `A..B` means from A up to, not
    /// including, B. [default: 200, of many messages down to 20, in real time 1]
    #[arg(long, value_name = "N|A..B", allow_negative_numbers = true)]
    pub seeds: Option<SeedRange>,
    /// Number of schedules that run side by side; what the simulator finds does not depend on it.
    /// [default: one for each core, in real time one for each interval]
    #[arg(short, long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
    pub jobs: Option<NonZeroUsize>,
    /// Format of the table.
    #[arg(long, value_enum, default_value_t = TableFormat::Human)]
    pub format: TableFormat,
    /// Write duplicates and commits over the interval as a picture.
    #[arg(long, value_name = "FILE.svg", value_parser = picture)]
    pub plot: Option<PathBuf>,
    /// The last one, or its heading would be that of the others.
    #[command(flatten)]
    pub load: LoadArgs,
}

/// Reads the name of a picture. Its ending keeps it from a scenario.
fn picture(text: &str) -> Result<PathBuf, &'static str> {
    match text.ends_with(".svg") {
        true => Ok(text.into()),
        false => Err("expected a file whose name ends with .svg"),
    }
}

/// The built-in load of `plimsoll bench`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Load, in place of a scenario")]
pub(crate) struct LoadArgs {
    /// Records that are produced, as in 500/s or 90/min. [default: 4/s]
    #[arg(long, value_name = "RATE", value_parser = alone::rate)]
    pub rate: Option<f64>,
    /// Number of partitions that they go to, evenly. [default: 6]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub partitions: Option<u32>,
    /// Number of members from the start; one more joins half-way. [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=63))]
    pub members: Option<u32>,
    /// Time that a handler takes, or the shortest and the longest. [default: 5ms..50ms]
    #[arg(long, value_name = "TIME", value_parser = alone::durations)]
    pub handler: Option<(Duration, Duration)>,
    /// Number of different keys; with 0, records have none. [default: 0]
    #[arg(long, value_name = "N")]
    pub keys: Option<u32>,
    /// Records of a partition that may be handled at the same time. [default: partition]
    #[arg(long, value_name = "ORDER", value_parser = one_of_the_words::<Ordering>())]
    pub ordering: Option<Ordering>,
}

/// The commit interval of a consumer, by length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Interval {
    /// A commit after every record.
    EveryRecord,
    /// A commit at the latest this long after a record was finished.
    Every(Duration),
}

impl Interval {
    /// Returns the longest time for which a finished record stands uncommitted: nothing where
    /// every record is committed.
    pub(crate) const fn time(self) -> Duration {
        match self {
            Self::EveryRecord => Duration::ZERO,
            Self::Every(interval) => interval,
        }
    }
}

impl FromStr for Interval {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "record" {
            return Ok(Self::EveryRecord);
        }
        match alone::duration(text) {
            Ok(Duration::ZERO) => Err("expected `record`, or a duration above 0".into()),
            Ok(interval) => Ok(Self::Every(interval)),
            Err(error) => Err(format!("{error}, or `record`")),
        }
    }
}
