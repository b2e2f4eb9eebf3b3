//! The files that `--report DIR` writes: the report for programs, pages and viewers, one file each.

use super::{html, json};
use crate::error::CliError;
use crate::files;
use crate::report::Report;
use std::path::Path;

/// What makes the text of a file.
type Text = fn(&Report) -> String;

/// The name of each file, and what makes its text.
const FILES: &[(&str, Text)] = &[("report.json", json::report), ("report.html", html::report)];

/// Tries whether the files can be written into a folder, before anything runs.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn check(folder: &Path) -> Result<(), CliError> {
    FILES
        .iter()
        .try_for_each(|(name, _)| files::check(&folder.join(name)))
}

/// Writes the files of a report into a folder, in place of those of an earlier one.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn write(folder: &Path, report: &Report) -> Result<(), CliError> {
    FILES
        .iter()
        .try_for_each(|(name, text)| files::write(&folder.join(name), &text(report)))
}
