//! The arguments of every command that tries a consumer.

use super::values::jobs;
use clap::Args;
use plimsoll_scenarios::scenario::Override;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// How a consumer is tried, and where its failures go.
#[derive(Debug, Args)]
pub(crate) struct TryingArgs {
    #[command(flatten)]
    pub declared: DeclaredArgs,
    /// Number of schedules that run side by side; what the simulator finds does not depend on it.
    /// Those that break brokers run alone on a cluster that is shared. [default: one for each core;
    /// in real time four, with embedded brokers 16]
    #[arg(short, long, value_name = "N", value_parser = jobs, allow_negative_numbers = true)]
    pub jobs: Option<NonZeroUsize>,
    /// Folder into which failures are written: shrunk, or with their trace where they ran
    /// in real time. [default: regressions]
    #[arg(long, value_name = "DIR")]
    pub regressions: Option<PathBuf>,
}

impl TryingArgs {
    /// Returns the folder into which failures are written.
    pub(crate) fn regressions(&self) -> &Path {
        self.regressions
            .as_deref()
            .unwrap_or(Path::new("regressions"))
    }
}

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
