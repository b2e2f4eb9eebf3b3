//! `plimsoll check`: scenario files are parsed, and nothing is run.

use crate::args::CheckArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::library::{self, Found};
use crate::outcome::Outcome;

/// Runs `plimsoll check`: names the good files, and shows every mistake of the others.
///
/// # Errors
/// Where an argument names nothing.
pub(crate) fn check(args: &CheckArgs) -> Result<Outcome, CliError> {
    let Found {
        scenarios: sources,
        skipped,
    } = library::sources(&args.paths)?;
    let mut errors = Vec::new();
    let mut good = String::new();
    for source in &sources {
        match source.parse() {
            Ok(loaded) if loaded.scenario.is_calm() => {
                good += &format!("ok  {}, in which nothing goes wrong\n", loaded.label);
            }
            Ok(loaded) => good += &format!("ok  {}\n", loaded.label),
            Err(error) => errors.push(error),
        }
    }
    let skipped = skipped.to_string();
    if !skipped.is_empty() {
        good += &(skipped + "\n");
    }
    if errors.is_empty() {
        return Ok(Outcome::new(good, Exit::Met));
    }
    let files = sources.len();
    let mistakes = Outcome::from(CliError::Scenarios { errors, files });
    Ok(Outcome {
        stdout: good,
        ..mistakes
    })
}
