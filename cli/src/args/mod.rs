//! The command line.

mod bench;
mod compare;
mod serve;
mod trying;
mod values;

pub(crate) use bench::{BenchCommand, CommitIntervalArgs, Interval, LoadArgs};
pub(crate) use compare::{CompareArgs, PlaceName};
pub(crate) use serve::{Form, ServeArgs};
pub(crate) use trying::{DeclaredArgs, TryingArgs};
pub(crate) use values::{BackendName, BrokersName, Format, SeedRange, TableFormat, threads};

use crate::cluster::ClusterCommand;
use crate::exit;
use crate::terminal::TerminalArgs;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use plimsoll_oracle::Property;
use plimsoll_scenarios::Subject;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use values::{advertise, bootstrap, listen, properties, subjects, time};

/// Tries Kafka consumers against what may go wrong, in a deterministic simulator or on real Kafka.
///
/// A scenario says what may go wrong. Plimsoll runs it under thousands of seeds, says which
/// promise the consumer broke, and shrinks the failure to a file of a few lines that replays
/// byte for byte. The same file runs against real processes of any consumer, on real brokers or on
/// simulated ones that this program serves.
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
    /// Shrink a failing schedule to the fewest faults and messages that still fail, in the
    /// simulator or in real time.
    #[command(after_help = exit::HELP)]
    Shrink(ShrinkArgs),
    /// Try a consumer in several places, and say where they differ: the simulator, embedded
    /// brokers, Apache Kafka.
    #[command(after_help = compare::HELP)]
    Compare(CompareArgs),
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
    /// Serve a simulated Kafka cluster over TCP, to any client.
    #[command(after_help = exit::HELP)]
    Serve(ServeArgs),
    /// Print what a shell needs to complete command lines.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands into a folder.
    Man(ManArgs),
    /// Run one member of a group, as the environment says; the harness starts it.
    #[cfg(all(unix, feature = "librdkafka"))]
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
    /// [default: the whole embedded library, in real time those marked as quick enough]
    #[arg(value_name = "FILE|DIR|NAME")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub backend: BackendArgs,
    /// The consumer to try in real time: any program; it is started once for each member.
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "subject")]
    pub command: Vec<OsString>,
    #[command(flatten)]
    pub trying: TryingArgs,
    /// Seeds to run: `N` means 0..N, `A..B` means from A up to, not including, B. A file that
    /// carries its own seed runs with that seed only. [default: 1000, in real time 1]
    #[arg(long, value_name = "N|A..B", allow_negative_numbers = true)]
    pub seeds: Option<SeedRange>,
    /// Try this consumer instead of the one that each scenario names.
    #[arg(long, value_name = "NAME", value_parser = subjects())]
    pub subject: Option<Subject>,
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
    #[command(flatten)]
    pub limits: ShrinkLimits,
    /// Run all seeds of a scenario, although some have failed.
    #[arg(
        long, value_name = "true|false", num_args = 0..=1, require_equals = true,
        default_missing_value = "true", hide_possible_values = true
    )]
    pub keep_going: Option<bool>,
    /// Fail a scenario in which something that it names did not happen, a rare thing or a fault,
    /// also under fewer than 100 seeds and of other consumers than its own. In real time, such a
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

/// The choice of a backend.
#[derive(Debug, Default, Args)]
pub(crate) struct BackendArgs {
    /// Backend that executes the schedules. [default: kafka with a command after `--` or where its
    /// brokers are chosen, else sim]
    #[arg(long, value_enum)]
    pub backend: Option<BackendName>,
    /// With `--backend kafka`, the brokers that it starts. [default: containers where a container
    /// engine answers and the program is built for them, else embedded]
    #[arg(long, value_enum, conflicts_with = "bootstrap")]
    pub brokers: Option<BrokersName>,
    /// With `--backend kafka`, addresses of a cluster that is there already, instead. Plimsoll does
    /// not break its brokers, and refuses schedules that would.
    #[arg(long, value_name = "HOST:PORT[,HOST:PORT]", value_parser = bootstrap)]
    pub bootstrap: Option<String>,
    /// With `--bootstrap`, a properties file that says how its brokers are reached, with TLS or
    /// SASL (PLAIN, SCRAM), in the words of librdkafka or of Java's clients. Subjects need none of
    /// it: the proxy speaks it for them, and they speak plain text to the proxy.
    #[arg(long, value_name = "FILE", requires = "bootstrap")]
    pub command_config: Option<PathBuf>,
    /// With `--backend kafka`, the address of this machine at which subjects reach the proxy and
    /// the sink, where they do not run on it themselves, as in containers; `0.0.0.0` for all. All
    /// that reaches it reaches the brokers. [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS", value_parser = listen)]
    pub listen: Option<IpAddr>,
    /// With `--listen`, the host that subjects are told, as in host.docker.internal. [default: the
    /// address of --listen]
    #[arg(long, value_name = "HOST", requires = "listen", value_parser = advertise)]
    pub advertise: Option<String>,
}

impl BackendArgs {
    /// Returns the backend that is asked for, perhaps by what only it has: a `command` or brokers.
    pub(crate) fn name(&self, command: &[OsString]) -> BackendName {
        let is_real = !command.is_empty() || self.brokers.is_some() || self.bootstrap.is_some();
        self.backend.unwrap_or(match is_real {
            true => BackendName::Kafka,
            false => BackendName::Sim,
        })
    }
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
    #[command(flatten)]
    pub backend: BackendArgs,
    /// The consumer that fails in real time: any program, started for each member. Real time is not
    /// deterministic: a candidate counts as smaller if it fails once, and the smallest is run a few
    /// times more, to say how often it fails.
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "subject")]
    pub command: Vec<OsString>,
    #[command(flatten)]
    pub trying: TryingArgs,
    /// Failing seed. [default: the one that the file carries]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..u64::MAX))]
    pub seed: Option<u64>,
    /// Property that must still be violated. [default: the first that is violated]
    #[arg(long, value_name = "NAME", value_parser = properties())]
    pub property: Option<Property>,
    /// Try this consumer instead of the one that the scenario names.
    #[arg(long, value_name = "NAME", value_parser = subjects())]
    pub subject: Option<Subject>,
    #[command(flatten)]
    pub limits: ShrinkLimits,
}

/// The limits of the search for a smaller schedule, at which it ends with the smallest so far.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct ShrinkLimits {
    /// Number of schedules that the shrinking of one failure may run; it ends with the smallest
    /// failing one so far. [default: 4000, in real time 60]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub shrink_schedules: Option<u32>,
    /// Number of simulated events that the shrinking of one failure may take, likewise.
    #[arg(long, value_name = "N", default_value_t = 50_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub shrink_events: u64,
    /// Time that the shrinking of one failure may take (250ms, 5s, 2min), likewise. The result then
    /// depends on the machine. [default: no limit, in real time 5min]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub shrink_time: Option<Duration>,
}

impl ShrinkLimits {
    /// Returns the number of schedules that may be run.
    pub(crate) fn schedules(&self, backend: BackendName) -> u32 {
        self.shrink_schedules.unwrap_or(match backend {
            BackendName::Sim => 4_000,
            BackendName::Turmoil | BackendName::Kafka => 60,
        })
    }

    /// Returns the time that it may take in real time.
    pub(crate) fn time_on_kafka(&self) -> Duration {
        self.shrink_time.unwrap_or(Duration::from_secs(300))
    }
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
