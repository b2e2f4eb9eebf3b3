//! Regression files: where they are written, and how they are called.

use crate::error::CliError;
use crate::trial::Trial;
use crate::{files, shell};
use plimsoll_scenarios::Regression;
use std::path::{Path, PathBuf};

/// Writes the regression of a failure of `trial` into `folder`.
///
/// A regression that is shrunk further keeps its name; otherwise the name says what failed.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn write(
    folder: &Path,
    trial: &Trial,
    regression: &Regression,
) -> Result<PathBuf, CliError> {
    let path = folder.join(file_name(trial, regression));
    files::write(&path, &regression.to_toml(&path))?;
    Ok(path)
}

/// Returns the name of a regression's file. Embedded scenarios of different folders may have the
/// same name, so their regressions' names begin with the folder.
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

/// Returns the command that replays a regression.
pub(crate) fn replay_command(path: &Path) -> String {
    format!(
        "plimsoll replay {}",
        shell::quoted(&path.display().to_string())
    )
}
