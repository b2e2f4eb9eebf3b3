//! What a command says and how it ends; `main` prints it.

use crate::error::CliError;
use crate::exit::Exit;

/// What a command says and how it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The text for standard output.
    pub stdout: String,
    /// The text for standard error.
    pub stderr: String,
    /// How the program ends.
    pub exit: Exit,
}

impl Outcome {
    /// Makes the outcome of a command that says one thing, on standard output.
    pub(crate) const fn new(stdout: String, exit: Exit) -> Self {
        Self {
            stdout,
            stderr: String::new(),
            exit,
        }
    }
}

impl From<CliError> for Outcome {
    fn from(error: CliError) -> Self {
        Self {
            stdout: String::new(),
            exit: error.exit(),
            stderr: error.into_report(),
        }
    }
}
