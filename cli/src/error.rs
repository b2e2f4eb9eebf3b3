//! Why a command was not carried out, by whose mistake, and the exit code that follows from it.
//!
//! Errors of the crates below become a [`CliError`] here and nowhere else, so that the same mistake
//! ends every command with the same code.

use crate::exit::Exit;
use crate::panics::Panic;
use crate::words;
use miette::Diagnostic;
use plimsoll_scenarios::scenario::{Mistake, ScenarioError};
use plimsoll_scenarios::{BackendError, Refusal};
use thiserror::Error;

/// Why a command, or one schedule of it, was not carried out.
#[derive(Debug, Error, Diagnostic)]
pub(crate) enum CliError {
    /// Mistakes in scenario files, each shown in its place.
    #[error("{}", mistakes(errors.len(), *files))]
    Scenarios {
        /// The mistakes.
        #[related]
        errors: Vec<ScenarioError>,
        /// The number of files that were read.
        files: usize,
    },

    /// Mistakes in `plimsoll.toml`, each shown in its place.
    #[error("{} has a mistake", .0.file())]
    Config(ScenarioError),

    /// A mistake in the command: a name that nothing has, or arguments that make no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do instead.
        #[help]
        help: Option<String>,
    },

    /// A plan that the backend cannot execute.
    #[error("{message}")]
    Refused {
        /// What is refused, and why.
        message: String,
        /// What to do instead.
        #[help]
        help: Option<String>,
    },

    /// Something that the environment lacks, or a subject that cannot be run.
    #[error("{0}")]
    Environment(String),

    /// Ctrl-C, before there was anything to report.
    #[error("interrupted before there was a result")]
    Interrupted,

    /// A fault of Plimsoll itself.
    #[error("{0}")]
    #[diagnostic(help("This is a fault of Plimsoll itself; please report it."))]
    Internal(String),
}

impl CliError {
    /// Makes the error of a mistake in the command, with a hint.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage {
            message: message.into(),
            help: Some(help.into()),
        }
    }

    /// Returns the exit code that the error ends the program with.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Scenarios { .. } | Self::Config(_) | Self::Usage { .. } => Exit::Mistake,
            Self::Refused { .. } | Self::Environment(_) => Exit::Environment,
            Self::Interrupted => Exit::Interrupted,
            Self::Internal(_) => Exit::Internal,
        }
    }

    /// Adds the schedule to which the error happened, for commands that run a single one.
    pub(crate) fn in_schedule(mut self, label: &str, seed: u64) -> Self {
        match &mut self {
            Self::Usage { message, .. }
            | Self::Refused { message, .. }
            | Self::Environment(message)
            | Self::Internal(message) => *message = format!("{label}: {message}, with seed {seed}"),
            Self::Scenarios { .. } | Self::Config(_) | Self::Interrupted => {}
        }
        self
    }

    /// Returns the error as a report for standard error, in colour where that is a terminal.
    pub(crate) fn into_report(self) -> String {
        match self {
            Self::Scenarios { errors, files } => report_of_scenarios(&errors, files),
            Self::Config(error) => {
                mistakes_of(&error, |_| None)
                    + "`plimsoll explain plimsoll.toml` lists what it may say.\n"
            }
            error => format!("{:?}", miette::Report::new(error)),
        }
    }
}

/// Returns each mistake in its place, one after the other, and where several files were read, how
/// many have some.
fn report_of_scenarios(errors: &[ScenarioError], files: usize) -> String {
    let mut text: String = errors
        .iter()
        .map(|error| mistakes_of(error, explained))
        .collect();
    if files > 1 {
        text += &format!("{}. ", self::mistakes(errors.len(), files));
    }
    text + "`plimsoll help language` is the manual of scenario files.\n"
}

/// Names the command that explains the word of the language that a mistake is about.
fn explained(mistake: &Mistake) -> Option<String> {
    let word = words::first_known(&mistake.words)?;
    Some(format!("`plimsoll explain {word}` says more"))
}

/// Returns each mistake of a file in its place, with what is to be said besides.
fn mistakes_of(error: &ScenarioError, more: impl Fn(&Mistake) -> Option<String>) -> String {
    let mistakes = error.mistakes().iter().cloned();
    let reports = mistakes.map(|mut mistake| {
        let help = [mistake.help.take(), more(&mistake)];
        let help: Vec<String> = help.into_iter().flatten().collect();
        mistake.help = (!help.is_empty()).then(|| help.join("\n"));
        let report = miette::Report::new(mistake).with_source_code(error.source().clone());
        format!("{report:?}\n")
    });
    reports.collect()
}

impl From<Panic> for CliError {
    fn from(panic: Panic) -> Self {
        Self::Internal(format!("Plimsoll itself {panic}"))
    }
}

impl From<Refusal> for CliError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused {
            message: format!("the backend refuses: {}", refusal.reason),
            help: None,
        }
    }
}

impl From<BackendError> for CliError {
    fn from(error: BackendError) -> Self {
        match error {
            BackendError::Environment(text) | BackendError::Subject(text) => {
                Self::Environment(text)
            }
            BackendError::Internal(text) => Self::Internal(text),
            BackendError::Interrupted => Self::Interrupted,
        }
    }
}

fn mistakes(errors: usize, files: usize) -> String {
    match (errors, files) {
        (_, 1) => "the scenario has a mistake".into(),
        (1, files) => format!("1 of {files} scenarios has a mistake"),
        (errors, files) => format!("{errors} of {files} scenarios have a mistake"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers a schedule that is refused when it is run. No process shows one: the simulator
    /// refuses no plan, and real Kafka is asked before anything is started.
    #[test]
    fn every_error_of_a_backend_has_one_exit_code() {
        let text = || String::from("something");
        let refusal = Refusal {
            fault: None,
            reason: text(),
        };
        assert_eq!(CliError::from(refusal).exit(), Exit::Environment);
        let panic = Panic {
            message: text(),
            location: text(),
        };
        assert_eq!(CliError::from(panic).exit(), Exit::Internal);
        for (error, exit) in [
            (BackendError::Environment(text()), Exit::Environment),
            (BackendError::Subject(text()), Exit::Environment),
            (BackendError::Internal(text()), Exit::Internal),
            (BackendError::Interrupted, Exit::Interrupted),
        ] {
            assert_eq!(CliError::from(error).exit(), exit);
        }
    }

    #[test]
    fn an_error_in_a_schedule_names_it_and_keeps_its_exit_code() {
        let error = CliError::Environment("no broker answers".into()).in_schedule("network/cut", 7);
        let said = "network/cut: no broker answers, with seed 7";
        assert_eq!(error.to_string(), said);
        assert_eq!(error.exit(), Exit::Environment);
    }
}
