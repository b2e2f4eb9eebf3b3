//! The command line.

use crate::cluster::ClusterCommand;
use crate::exit;
use crate::terminal::TerminalArgs;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use plimsoll_core::Ordering;
use plimsoll_oracle::{Property, Word};
use plimsoll_scenarios::Subject;
use plimsoll_scenarios::scenario::{Override, alone};
use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// Tries Kafka consumers against what may go wrong, in a deterministic simulator or on real Kafka.
///
/// A scenario says what may go wrong. Plimsoll runs it under thousands of seeds, says which
/// promise the consumer broke, and shrinks the failure to a file of a few lines that replays
/// byte for byte. The same file runs against real brokers and real processes, in real time.
#[derive(Debug, Parser)]
#[command(
    name = "plimsoll",
    version,
    after_help = exit::HELP,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub terminal: TerminalArgs,
    #[command(flatten)]
    pub config: ConfigArgs,
    #[command(subcommand)]
    pub command: Command,
}

/// The choice of what `plimsoll.toml` says.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArgs {
    /// Use this profile of `plimsoll.toml` (see `plimsoll explain plimsoll.toml`).
    /// [default: the one that PLIMSOLL_PROFILE names, or none]
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios over many seeds and judge every property.
    #[command(after_help = exit::HELP)]
    Run(RunArgs),
    /// Run a regression again, print its timeline, and compare verdict and trace with the record.
    #[command(after_help = REPLAY_HELP)]
    Replay(ReplayArgs),
    /// Shrink a failing schedule to the fewest faults and messages that still fail.
    #[command(after_help = exit::HELP)]
    Shrink(ShrinkArgs),
    /// Parse scenario files and show every mistake; run nothing.
    #[command(after_help = exit::HELP)]
    Check(CheckArgs),
    /// List the embedded library, or the names of subjects, properties, faults and rare things.
    List(ListArgs),
    /// Print the text of an embedded scenario, or of a file.
    Show(ShowArgs),
    /// Write a scenario to begin with: a commented one, or a copy of an embedded one.
    #[command(after_help = exit::HELP)]
    Init(InitArgs),
    /// Say what a word means: a property, a fault, a rare thing, a consumer or a setting.
    Explain(ExplainArgs),
    /// Print the JSON schema of scenario files, for editors.
    Schema(SchemaArgs),
    /// Print the help of a command, or with `language` the manual of scenario files.
    Help(HelpArgs),
    /// Measure what a promise costs.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// Keep a Kafka cluster for runs with `--backend kafka`, which then start none.
    #[command(subcommand)]
    Cluster(ClusterCommand),
    /// Print what a shell needs to complete command lines.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands into a folder.
    Man(ManArgs),
    /// Run one member of a group on real Kafka, as the environment says; the harness starts it.
    #[cfg(feature = "kafka")]
    #[command(hide = true)]
    Member,
}

const REPLAY_HELP: &str = "\
Exit codes:
   0  verdict and trace are the recorded ones
   1  the trace differs although the verdict is the recorded one: this version of Plimsoll
      behaves otherwise than the one that wrote the file (`plimsoll shrink FILE` records it anew);
      or Plimsoll itself failed
   2  the command or the file has a mistake
   3  the environment lacks something (a folder that can be written, ...)
  10  the verdict differs: a property was violated that the file does not name, or a property that
      it names was not violated";

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Scenario files, folders of them, or names of embedded scenarios (see `plimsoll list`).
    /// [default: the whole embedded library, on real Kafka those marked as quick enough]
    #[arg(value_name = "FILE|DIR|NAME")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub backend: BackendArgs,
    /// With `--backend kafka`, the consumer to try: any program; it is started once for each
    /// member.
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "subject")]
    pub command: Vec<OsString>,
    #[command(flatten)]
    pub declared: DeclaredArgs,
    /// Seeds to run: `N` means 0..N, `A..B` means from A up to, not including, B. A file that
    /// carries its own seed runs with that seed only. [default: 1000, on real Kafka 1]
    #[arg(long, value_name = "N|A..B", allow_negative_numbers = true)]
    pub seeds: Option<SeedRange>,
    /// Try this consumer instead of the one that each scenario names.
    #[arg(long, value_name = "NAME", value_parser = subjects())]
    pub subject: Option<Subject>,
    /// Number of schedules that run side by side; what the simulator finds does not depend on it.
    /// [default: one for each core, four on real Kafka]
    #[arg(short, long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
    pub jobs: Option<NonZeroUsize>,
    /// Format of the report.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Write the trace of the first failing schedule, or of the only one, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Write the report as files for browsers and machines into this folder as well: a page, JSON,
    /// JUnit XML, Markdown, and the run of each bug for Perfetto. The folder is the report's own:
    /// files with its names, `report.*` and `bug-*`, are replaced, and no others.
    #[arg(long, value_name = "DIR")]
    pub report: Option<PathBuf>,
    /// Folder into which failures are written: shrunk, or with their trace where they come from
    /// real Kafka. [default: regressions]
    #[arg(long, value_name = "DIR")]
    pub regressions: Option<PathBuf>,
    #[command(flatten)]
    pub limits: ShrinkLimits,
    /// Run all seeds of a scenario, although some have failed.
    #[arg(
        long, value_name = "true|false", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", hide_possible_values = true
    )]
    pub keep_going: Option<bool>,
    /// Fail a scenario in which something that it names did not happen, a rare thing or a fault,
    /// also under fewer than 100 seeds and of other consumers than its own. On real Kafka, such a
    /// scenario is else `not tried`, which fails nothing.
    #[arg(
        long, value_name = "true|false", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", hide_possible_values = true
    )]
    pub strict: Option<bool>,
    /// Print one line for each schedule (scenario, seed, hash of the trace) and nothing else to
    /// standard output, so that two runs can be compared with `cmp`; the report goes to standard
    /// error.
    #[arg(long)]
    pub print_hashes: bool,
}

impl RunArgs {
    /// Returns the folder into which failures are written.
    pub(crate) fn regressions(&self) -> &Path {
        self.regressions
            .as_deref()
            .unwrap_or(Path::new(REGRESSIONS))
    }
}

/// The folder into which failures are written by default.
const REGRESSIONS: &str = "regressions";

/// What is declared of the consumer that stands trial.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct DeclaredArgs {
    /// Let this setting stand over the one of each scenario, by its key in the scenario's own
    /// words, as in `consumers.commit.interval=5s`; may be repeated. Of a command it says as well
    /// that the program does so, and the program is judged by it.
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<Override>,
    /// With a command, the settings that the program does as it is told by its environment:
    /// `consumers` for all of them, or `consumers.commit`, ...; separated by commas. What hangs on
    /// a setting that is not declared is not observed.
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub keeps: Vec<String>,
}

/// The choice of a backend.
#[derive(Debug, Args)]
pub(crate) struct BackendArgs {
    /// Backend that executes the schedules.
    #[arg(long, value_enum, default_value_t = BackendName::Sim)]
    pub backend: BackendName,
    /// With `--backend kafka`, addresses of a cluster that is there already. Plimsoll does not
    /// break its brokers, and refuses schedules that would. [default: three brokers in containers,
    /// those of `plimsoll cluster up` if they are there]
    #[arg(long, value_name = "HOST:PORT[,HOST:PORT]", value_parser = bootstrap)]
    pub bootstrap: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// A regression: a scenario file with a seed.
    pub file: String,
    /// Write the trace as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ShrinkArgs {
    /// A scenario file, the name of an embedded one, or a regression to shrink further.
    pub file: String,
    /// Failing seed. [default: the one that the file carries]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..u64::MAX))]
    pub seed: Option<u64>,
    /// Property that must still be violated. [default: the first that is violated]
    #[arg(long, value_name = "NAME", value_parser = properties())]
    pub property: Option<Property>,
    /// Try this consumer instead of the one that the scenario names.
    #[arg(long, value_name = "NAME", value_parser = subjects())]
    pub subject: Option<Subject>,
    /// Folder into which the regression is written. [default: regressions]
    #[arg(long, value_name = "DIR")]
    pub regressions: Option<PathBuf>,
    #[command(flatten)]
    pub limits: ShrinkLimits,
}

impl ShrinkArgs {
    /// Returns the folder into which the regression is written.
    pub(crate) fn regressions(&self) -> &Path {
        self.regressions
            .as_deref()
            .unwrap_or(Path::new(REGRESSIONS))
    }
}

/// The limits of the search for a smaller schedule, at which it ends with the smallest so far.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ShrinkLimits {
    /// Number of schedules that the shrinking of one failure may run; it ends with the smallest
    /// failing one so far.
    #[arg(long, value_name = "N", default_value_t = 4_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub shrink_schedules: u32,
    /// Number of simulated events that the shrinking of one failure may take, likewise.
    #[arg(long, value_name = "N", default_value_t = 50_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub shrink_events: u64,
    /// Time that the shrinking of one failure may take (250ms, 5s, 2min), likewise. The result then
    /// depends on the machine. [default: no limit]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub shrink_time: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Scenario files, folders of them, or names of embedded ones.
    #[arg(required = true, value_name = "FILE")]
    pub paths: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Name of an embedded scenario or folder (see `plimsoll list`), or a file.
    pub name: String,
}

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// Name of an embedded scenario to copy (see `plimsoll list`). [default: a commented scenario]
    pub name: Option<String>,
    /// File to write; it must not be there yet. [default: the scenario's name and `.toml`]
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Write `plimsoll.toml` instead, the configuration of this folder and those below it.
    #[arg(long, conflicts_with_all = ["name", "file"])]
    pub config: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Print that of `plimsoll.toml` instead.
    #[arg(long)]
    pub config: bool,
    /// Print that of the report that `run --format json` prints instead.
    #[arg(long, conflicts_with = "config")]
    pub report: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Word as it stands in files and reports, such as `no-loss`, `crash` or `commit.interval`.
    pub word: String,
}

#[derive(Debug, Args)]
pub(crate) struct HelpArgs {
    /// A command, or `language`.
    pub topic: Vec<String>,
}

#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct ListArgs {
    /// List the consumers that can be tried.
    #[arg(long)]
    pub subjects: bool,
    /// List the properties that are judged.
    #[arg(long)]
    pub properties: bool,
    /// List the kinds of faults.
    #[arg(long)]
    pub faults: bool,
    /// List the rare things that runs count.
    #[arg(long)]
    pub sometimes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Folder into which the pages are written.
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

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
    /// including, B. [default: 200, of many messages down to 20, on real Kafka 1]
    #[arg(long, value_name = "N|A..B", allow_negative_numbers = true)]
    pub seeds: Option<SeedRange>,
    /// Number of schedules that run side by side; what the simulator finds does not depend on it.
    /// [default: one for each core, on real Kafka one for each interval]
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

/// The name of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendName {
    /// A cluster inside the program, thousands of schedules a second.
    Sim,
    /// Real brokers and real processes, in real time.
    #[cfg_attr(
        not(feature = "kafka"),
        doc = "Needs a program with the feature `kafka`, which this one lacks:\n\
               cargo install plimsoll-cli --features kafka."
    )]
    Kafka,
}

impl BackendName {
    /// Returns its word on the command line.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Sim => "sim",
            Self::Kafka => "kafka",
        }
    }
}

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// For programs: one versioned document.
    Json,
}

/// The format of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For people.
    Human,
    /// For spreadsheets.
    Csv,
    /// For programs: one versioned document.
    Json,
}

/// Seeds from `from` up to, not including, `to`; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeedRange {
    pub from: u64,
    pub to: u64,
}

impl SeedRange {
    /// Returns the range of this seed alone.
    pub(crate) const fn one(seed: u64) -> Self {
        Self {
            from: seed,
            to: seed + 1,
        }
    }

    /// Returns the number of seeds.
    pub(crate) const fn len(self) -> u64 {
        self.to - self.from
    }
}

impl FromStr for SeedRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.parse::<u64>()
                .map_err(|_| "expected a number of seeds such as 1000, or a range such as 200..300")
        };
        let (from, to) = match text.split_once("..") {
            Some((from, to)) => (number(from)?, number(to)?),
            None => (0, number(text)?),
        };
        if from < to {
            return Ok(Self { from, to });
        }
        Err(match to < from {
            true => format!("it counts down; expected {to}..{from}, or another range"),
            false => "expected at least one seed, as in 0..1000".into(),
        })
    }
}

fn jobs(text: &str) -> Result<NonZeroUsize, &'static str> {
    text.parse()
        .map_err(|_| "expected a whole number from 1 on")
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

/// Reads a time as in 250ms, 5s or 2min.
fn time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let unit = match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(1)),
        "s" => Some(Duration::from_secs(1)),
        "min" => Some(Duration::from_secs(60)),
        _ => None,
    };
    match (unit, digits.parse::<u32>()) {
        (Some(unit), Ok(count)) if count > 0 => Ok(unit * count),
        _ => Err("expected a time as in 250ms, 5s or 2min".into()),
    }
}

fn bootstrap(text: &str) -> Result<String, String> {
    let is_address = |address: &str| {
        address
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
    };
    if text.split(',').all(is_address) {
        Ok(text.to_owned())
    } else {
        Err("expected addresses as in localhost:9092,localhost:9093".into())
    }
}

fn subjects() -> impl TypedValueParser<Value = Subject> {
    one_of_the_words()
}

fn properties() -> impl TypedValueParser<Value = Property> {
    one_of_the_words()
}

/// Reads one of a type's words.
fn one_of_the_words<T: Word + Send + Sync>() -> impl TypedValueParser<Value = T> {
    let words = T::ALL.iter().map(|value| PossibleValue::new(value.word()));
    PossibleValuesParser::new(words)
        .map(|word| T::from_word(&word).expect("one of the possible values"))
}

/// Returns the number of threads to use.
pub(crate) fn threads(jobs: Option<NonZeroUsize>) -> NonZeroUsize {
    jobs.or_else(|| std::thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN)
}
