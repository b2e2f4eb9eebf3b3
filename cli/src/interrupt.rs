//! Ctrl-C ends a command with a summary of what was done; a second one ends it at once.

use crate::error::CliError;
use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// What a shell reports for a process that SIGINT ended.
const KILLED_BY_SIGINT: i32 = 130;

/// Begins to listen for Ctrl-C.
///
/// # Errors
/// Where the operating system refuses the handler.
pub fn listen() -> Result<(), CliError> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            std::process::exit(KILLED_BY_SIGINT);
        }
    })
    .map_err(|error| CliError::Environment(format!("cannot listen for Ctrl-C: {error}")))
}

/// Whether Ctrl-C was pressed.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}
