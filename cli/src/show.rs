//! `plimsoll show` and `plimsoll init`: scenarios as text, to read and to begin with.

use crate::args::{InitArgs, ShowArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::outcome::Outcome;
use crate::{files, library};
use std::io::ErrorKind;
use std::path::Path;

/// The scenario that `plimsoll init` writes where no other is named.
const START: &str = include_str!("start.toml");

/// Runs `plimsoll show`: prints the text of scenarios.
///
/// # Errors
/// Where the argument names nothing.
pub(crate) fn show(args: &ShowArgs) -> Result<Outcome, CliError> {
    let sources = library::sources(std::slice::from_ref(&args.name))?.scenarios;
    let texts: Vec<String> = match sources.as_slice() {
        [only] => vec![only.text().to_owned()],
        several => several
            .iter()
            .map(|source| format!("# {}\n\n{}", source.label, source.text()))
            .collect(),
    };
    Ok(Outcome::new(texts.join("\n"), Exit::Met))
}

/// Runs `plimsoll init`: writes a scenario to begin with, and says what to do next.
///
/// # Errors
/// Where the argument does not name one embedded scenario, or the file is there already, or cannot
/// be written.
pub(crate) fn init(args: &InitArgs) -> Result<Outcome, CliError> {
    let (name, text) = match &args.name {
        None => ("scenario".to_owned(), START.to_owned()),
        Some(name) => {
            let source = library::source_of_one(name)?;
            let stem = source.label.rsplit('/').next().unwrap_or(name).to_owned();
            (
                stem.trim_end_matches(".toml").to_owned(),
                source.text().to_owned(),
            )
        }
    };
    let path = args
        .file
        .clone()
        .unwrap_or_else(|| Path::new(&name).with_extension("toml"));
    files::create_new(&path, &text).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => CliError::usage(
            format!("{} is there already", path.display()),
            "`--file` gives another name; nothing is written over.",
        ),
        _ => files::refused(&path, &error),
    })?;
    let path = path.display();
    let said = format!(
        "Wrote {path}.\n\nTry Plimsoll's own consumer, then one that loses messages:\n\n    \
         plimsoll run {path}\n    plimsoll run {path} --subject auto-commit\n\n`plimsoll explain \
         WORD` says what a word of the file means, and `plimsoll help\nlanguage` what it may \
         say.\n"
    );
    Ok(Outcome::new(said, Exit::Met))
}
