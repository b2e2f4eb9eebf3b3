//! The files that commands write.

use crate::error::CliError;
use plimsoll_oracle::Trace;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

/// Writes a text into a file, and makes the folders above it.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), CliError> {
    create(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| refused(path, &error))
}

/// Writes a trace into a file as JSON lines, and makes the folders above it.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn write_trace(path: &Path, trace: &Trace) -> Result<(), CliError> {
    let written = create(path).and_then(|file| {
        let mut file = BufWriter::new(file);
        trace.write_jsonl(&mut file)?;
        file.flush()
    });
    written.map_err(|error| refused(path, &error))
}

fn create(path: &Path) -> io::Result<File> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("")))?;
    File::create(path)
}

fn refused(path: &Path, error: &io::Error) -> CliError {
    CliError::Environment(format!("cannot write {}: {error}", path.display()))
}
