//! `plimsoll schema`: the scenario language for editors.

use crate::error::CliError;
use crate::exit::Exit;
use crate::{output, render};
use plimsoll_scenarios::scenario;

/// Runs `plimsoll schema`.
///
/// # Errors
/// Where standard output cannot be written.
pub fn schema() -> Result<Exit, CliError> {
    output::print(&render::json::to_text(&scenario::schema()))?;
    Ok(Exit::Met)
}
