//! `plimsoll help`: of a command, or the manual of scenario files.

use crate::args::{Cli, HelpArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::outcome::Outcome;
use clap::CommandFactory;
use plimsoll_oracle::nearest;
use plimsoll_scenarios::scenario::LANGUAGE;

/// The topic that is no command.
const LANGUAGE_TOPIC: &str = "language";

/// Runs `plimsoll help`.
///
/// # Errors
/// Where the topic is neither a command nor `language`.
pub(crate) fn help(args: &HelpArgs) -> Result<Outcome, CliError> {
    let mut command = Cli::command();
    command.build();
    let mut path = args.topic.iter().map(String::as_str);
    if args.topic == [LANGUAGE_TOPIC] {
        return Ok(Outcome::new(language(), Exit::Met));
    }
    let found = path.try_fold(&mut command, |command, word| {
        let names: Vec<String> = command
            .get_subcommands()
            .map(|c| c.get_name().to_owned())
            .collect();
        command
            .find_subcommand_mut(word)
            .ok_or_else(|| unknown(word, &names))
    })?;
    Ok(Outcome::new(
        found.render_long_help().to_string(),
        Exit::Met,
    ))
}

/// Returns the manual without the marks between which its tables are made.
fn language() -> String {
    let lines = LANGUAGE.lines().filter(|line| !line.starts_with("<!--"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn unknown(word: &str, names: &[String]) -> CliError {
    let known = names.iter().map(String::as_str).chain([LANGUAGE_TOPIC]);
    let hint = match nearest(word, known) {
        Some(known) => format!("Did you mean `plimsoll help {known}`?"),
        None => "`plimsoll help` lists the commands; `plimsoll help language` is the manual of \
                 scenario files."
            .into(),
    };
    CliError::usage(format!("there is no help on `{word}`"), hint)
}
