//! The files that commands write.

use crate::error::CliError;
use plimsoll_oracle::{Header, Trace};
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

/// Writes a text into a file that is not there yet, and makes the folders above it. Returns whether
/// the file has this text now: one of another text stays as it is.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn write_new(path: &Path, text: &str) -> Result<bool, CliError> {
    match make_room(path).and_then(|()| create_new(path, text)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Ok(fs::read(path).is_ok_and(|there| there == text.as_bytes()))
        }
        Err(error) => Err(refused(path, &error)),
    }
}

/// Writes a trace into a file as JSON lines, and makes the folders above it.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn write_trace(path: &Path, header: &Header, trace: &Trace) -> Result<(), CliError> {
    let written = create(path).and_then(|file| {
        let mut file = BufWriter::new(file);
        trace.write_jsonl(header, &mut file)?;
        file.flush()
    });
    written.map_err(|error| refused(path, &error))
}

/// Refuses a file for a trace that is one of the scenarios that are run, or cannot be written:
/// before anything runs.
///
/// # Errors
/// Where it is.
pub(crate) fn check_trace<'a>(
    trace: Option<&Path>,
    mut scenarios: impl Iterator<Item = &'a str>,
) -> Result<(), CliError> {
    let Some(trace) = trace else {
        return Ok(());
    };
    check(trace)?;
    let Ok(there) = trace.canonicalize() else {
        return Ok(());
    };
    let is_there = |label: &str| {
        Path::new(label)
            .canonicalize()
            .is_ok_and(|path| path == there)
    };
    match scenarios.find(|label| is_there(label)) {
        None => Ok(()),
        Some(label) => Err(CliError::usage(
            format!("the trace would overwrite the scenario {label}"),
            "Name another file with --trace FILE.",
        )),
    }
}

/// Tries whether a file can be written, before anything runs: one that is there keeps its text, and
/// one that is not is not there afterwards, for there may be nothing to write in the end.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn check(path: &Path) -> Result<(), CliError> {
    let tried = match path.exists() {
        true => File::options().append(true).open(path).map(drop),
        false => create(path).and_then(|_| fs::remove_file(path)),
    };
    tried.map_err(|error| refused(path, &error))
}

/// Removes the files of a folder whose names are those of an earlier writing.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn remove(folder: &Path, is_ours: impl Fn(&str) -> bool) -> Result<(), CliError> {
    let entries = fs::read_dir(folder).map_err(|error| refused(folder, &error))?;
    for entry in entries {
        let path = entry.map_err(|error| refused(folder, &error))?.path();
        let name = path.file_name().unwrap_or_default();
        if name.to_str().is_some_and(&is_ours) {
            fs::remove_file(&path).map_err(|error| refused(&path, &error))?;
        }
    }
    Ok(())
}

/// Appends a text to a file, which need not be there yet.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn append(path: &Path, text: &str) -> Result<(), CliError> {
    let opened = File::options().create(true).append(true).open(path);
    opened
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| refused(path, &error))
}

/// Writes a text into a file that is not there yet.
///
/// # Errors
/// Where it is there, or the file system refuses.
pub(crate) fn create_new(path: &Path, text: &str) -> io::Result<()> {
    File::create_new(path)?.write_all(text.as_bytes())
}

fn create(path: &Path) -> io::Result<File> {
    make_room(path)?;
    File::create(path)
}

/// Makes the folders above a file.
fn make_room(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new("")))
}

/// Makes the error of a file that the file system refuses to write.
pub(crate) fn refused(path: &Path, error: &io::Error) -> CliError {
    CliError::Environment(format!("cannot write {}: {error}", path.display()))
}
