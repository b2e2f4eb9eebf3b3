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

    /// Adds an error that came after all was done: what there is to say is said.
    pub(crate) fn and_failed(mut self, error: CliError) -> Self {
        self.exit = self.exit.max(error.exit());
        self.stderr += &error.into_report();
        self
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
