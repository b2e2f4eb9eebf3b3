//! `plimsoll show` and `plimsoll init`: scenarios as text, to read and to begin with.

use crate::args::{InitArgs, ShowArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::outcome::Outcome;
use crate::render::json;
use crate::{config, files, library};
use plimsoll_scenarios::scenario;
use serde_json::Value;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The scenario that `plimsoll init` writes where no other is named.
const START: &str = include_str!("start.toml");

/// The file of the schema of scenarios, beside them.
const SCHEMA: &str = "plimsoll.schema.json";

/// The line by which editors find it.
const SCHEMA_LINE: &str = "#:schema ./plimsoll.schema.json\n";

/// The file of the schema of the configuration, beside it.
const CONFIG_SCHEMA: &str = "plimsoll.config.schema.json";

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

/// Runs `plimsoll init`: writes a scenario to begin with, or the configuration, and the schema by
/// which editors know its words; says what to do next.
///
/// # Errors
/// Where the argument does not name one embedded scenario, or the file is there already, or cannot
/// be written.
pub(crate) fn init(args: &InitArgs) -> Result<Outcome, CliError> {
    if args.config {
        return init_config();
    }
    let (name, text) = match &args.name {
        None => ("scenario".to_owned(), START.to_owned()),
        Some(name) => {
            let source = library::source_of_one(name)?;
            let stem = source.label.rsplit('/').next().unwrap_or(name).to_owned();
            (
                stem.trim_end_matches(".toml").to_owned(),
                format!("{SCHEMA_LINE}{}", source.text()),
            )
        }
    };
    let path = args
        .file
        .clone()
        .unwrap_or_else(|| Path::new(&name).with_extension("toml"));
    begin(
        &path,
        &text,
        "`--file` gives another name; nothing is written over.",
    )?;
    let schema = write_schema(&path, SCHEMA, &scenario::schema())?;
    let path = path.display();
    let said = format!(
        "Wrote {path}{schema}.\n\nTry Plimsoll's own consumer, then one that loses messages:\n\n    \
         plimsoll run {path}\n    plimsoll run {path} --subject auto-commit\n\n`plimsoll explain \
         WORD` says what a word of the file means, and `plimsoll help\nlanguage` what it may \
         say. `plimsoll init --config` writes a plimsoll.toml.\n"
    );
    Ok(Outcome::new(said, Exit::Met))
}

fn init_config() -> Result<Outcome, CliError> {
    let path = Path::new(config::NAME);
    begin(path, config::START, "Nothing is written over.")?;
    let schema = write_schema(path, CONFIG_SCHEMA, &config::schema())?;
    let said = format!(
        "Wrote {}{schema}.\n\nAll of it is comments yet. `plimsoll explain plimsoll.toml` lists what \
         it may say.\n",
        config::NAME
    );
    Ok(Outcome::new(said, Exit::Met))
}

/// Writes a file that is not there yet.
fn begin(path: &Path, text: &str, help: &str) -> Result<(), CliError> {
    files::create_new(path, text).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => {
            CliError::usage(format!("{} is there already", path.display()), help)
        }
        _ => files::refused(path, &error),
    })
}

/// Writes a schema beside a file, and returns how that is told: not at all, where one is there
/// already, which stays as it is.
fn write_schema(beside: &Path, name: &str, schema: &Value) -> Result<String, CliError> {
    let path: PathBuf = beside.with_file_name(name);
    match files::create_new(&path, &json::to_text(schema)) {
        Ok(()) => Ok(format!(", and {} for editors", path.display())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(String::new()),
        Err(error) => Err(files::refused(&path, &error)),
    }
}
