//! Regression files: what they hold, and what they are called.

use crate::error::CliError;
use crate::output;
use crate::runner::Trial;
use plimsoll_oracle::{Timeline, Trace, Violation};
use plimsoll_scenarios::{Plan, Regression};
use std::path::{Path, PathBuf};

/// Writes the regression of a failure of `trial` into `folder`.
///
/// A regression that is shrunk further keeps its name; otherwise the name says what failed.
///
/// # Errors
/// Where the file system refuses.
pub fn write(folder: &Path, trial: &Trial, regression: &Regression) -> Result<PathBuf, CliError> {
    let path = folder.join(file_name(trial, regression));
    output::write_file(&path, &regression.to_toml(&path))?;
    Ok(path)
}

/// Embedded scenarios of different folders may have the same name, so theirs begins with it.
fn file_name(trial: &Trial, regression: &Regression) -> String {
    let name = regression.file_name();
    if !trial.label.ends_with(".toml") {
        return match trial.label.split_once('/') {
            Some((folder, _)) => format!("{folder}-{name}"),
            None => name,
        };
    }
    let own_name = Path::new(&trial.label).file_name();
    match own_name {
        Some(own) if trial.scenario.seed.is_some() => own.to_string_lossy().into_owned(),
        _ => name,
    }
}

/// The command that replays a regression.
pub fn replay_command(path: &Path) -> String {
    format!("plimsoll replay {}", quoted(&path.display().to_string()))
}

/// A word for the shell.
pub fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./\\:".contains(letter);
    if word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The events that show a violation.
pub fn timeline(plan: &Plan, trace: &Trace, violation: &Violation) -> String {
    Timeline::of(&plan.terms(), trace, &violation.evidence).to_string()
}

/// A trace as JSON lines.
pub fn json_lines(trace: &Trace) -> String {
    let mut lines = Vec::new();
    trace
        .write_jsonl(&mut lines)
        .expect("writing to memory does not fail");
    String::from_utf8(lines).expect("JSON is UTF-8")
}
