//! `plimsoll check`: scenario files are parsed, and nothing is run.

use crate::args::CheckArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::{library, output};

/// Runs `plimsoll check`.
///
/// # Errors
/// Where an argument names nothing, or scenarios have mistakes: then all mistakes at once.
pub fn check(args: &CheckArgs) -> Result<Exit, CliError> {
    let sources = library::sources(&args.paths)?;
    let mut errors = Vec::new();
    let mut good = String::new();
    for source in &sources {
        match source.parse() {
            Ok(loaded) => good += &format!("ok  {}\n", loaded.label),
            Err(error) => errors.push(error),
        }
    }
    output::print(&good)?;
    if errors.is_empty() {
        return Ok(Exit::Met);
    }
    let files = sources.len();
    Err(CliError::Scenarios { errors, files })
}
