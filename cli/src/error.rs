//! What can go wrong with a command, by whose mistake it is.

use crate::exit::Exit;
use miette::Diagnostic;
use plimsoll_scenarios::scenario::ScenarioError;
use thiserror::Error;

/// Why a command could not do what it was asked.
#[derive(Debug, Error, Diagnostic)]
pub enum CliError {
    /// Scenario files have mistakes; each is shown in its place.
    #[error("{}", mistakes(errors.len(), *files))]
    Scenarios {
        /// The mistakes.
        #[related]
        errors: Vec<ScenarioError>,
        /// How many files were read.
        files: usize,
    },

    /// The command names something that does not exist, or asks for what makes no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do instead.
        #[help]
        help: Option<String>,
    },

    /// The backend can execute nothing of what was named; a line for each.
    #[error("real Kafka cannot run what was named:\n{0}")]
    #[diagnostic(help(
        "A scenario that only takes long runs there when it is named on its own; all of them run \
         in the simulator (`--backend sim`)."
    ))]
    Refused(String),

    /// The environment lacks something.
    #[error("{0}")]
    Environment(String),

    /// Plimsoll itself failed.
    #[error("{0}")]
    #[diagnostic(help("This is a fault of Plimsoll itself; please report it."))]
    Internal(String),
}

impl CliError {
    /// A mistake in the command, with a hint.
    pub fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            help: Some(help.into()),
        }
    }

    /// How the program ends because of it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Scenarios { .. } | Self::Usage { .. } => Exit::Mistake,
            Self::Refused(_) | Self::Environment(_) => Exit::Environment,
            Self::Internal(_) => Exit::Internal,
        }
    }

    /// Prints it to standard error, in colour where that is a terminal.
    pub fn print(self) {
        crate::output::print_to_stderr(&format!("{:?}", miette::Report::new(self)));
    }
}

fn mistakes(errors: usize, files: usize) -> String {
    match (errors, files) {
        (_, 1) => "the scenario has a mistake".into(),
        (errors, files) => format!("{errors} of {files} scenarios have a mistake"),
    }
}
