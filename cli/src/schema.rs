//! `plimsoll schema`: the scenario language for editors.

use crate::error::CliError;
use crate::exit::Exit;

/// Runs `plimsoll schema`.
///
/// # Errors
/// Where standard output cannot be written.
pub fn schema() -> Result<Exit, CliError> {
    unimplemented!("waits for the schema of the scenario language")
}
