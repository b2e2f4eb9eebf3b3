//! Writing to standard output and to files.

use crate::error::CliError;
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::{fs, io};

/// Writes text to standard output. A reader that went away (`| head`) is not an error.
///
/// # Errors
/// Where standard output cannot be written for any other reason.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(CliError::Environment(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes text to standard error, where nothing can be done about a failure.
pub fn print_to_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes a file, with the folders above it.
///
/// # Errors
/// Where the file system refuses.
pub fn write_file(path: &Path, text: &str) -> Result<(), CliError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| CliError::Environment(format!("cannot write {}: {error}", path.display())))
}
