//! `plimsoll cluster`: the Kafka cluster that stays for later runs.

use crate::error::CliError;
use crate::exit::Exit;
use crate::kafka;
use crate::outcome::Outcome;
use clap::Subcommand;

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Start a Kafka cluster of three brokers in containers, and keep it for later runs.
    ///
    /// Runs with `--backend kafka` use it from then on, one at a time, and start none of their own.
    /// They may break its brokers, which are started again, and remove their topics and groups. If
    /// it is there already, what of it does not run is started.
    #[command(after_help = crate::exit::HELP)]
    Up,
    /// Remove the cluster that `up` started.
    #[command(after_help = crate::exit::HELP)]
    Down,
    /// Say whether there is such a cluster, and whether runs can use it; exit code 3 if not.
    #[command(after_help = crate::exit::HELP)]
    Status,
}

/// Runs `plimsoll cluster`.
///
/// # Errors
/// Where the environment refuses, and where the program is built without containers.
pub(crate) fn cluster(command: ClusterCommand) -> Result<Outcome, CliError> {
    let (text, is_well) = match command {
        ClusterCommand::Up => (kafka::up()?, true),
        ClusterCommand::Down => (kafka::down()?, true),
        ClusterCommand::Status => kafka::status()?,
    };
    let exit = match is_well {
        true => Exit::Met,
        false => Exit::Environment,
    };
    Ok(Outcome::new(text, exit))
}
