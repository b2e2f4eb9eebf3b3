//! Ctrl-C ends a command with a summary of what was done; a second one ends it at once.

use crate::error::CliError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Who else wants to know.
static ALSO: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);

/// What a shell reports for a process that SIGINT ended.
const KILLED_BY_SIGINT: i32 = 130;

/// Begins to listen for Ctrl-C.
///
/// # Errors
/// Where the operating system refuses the handler.
pub fn listen() -> Result<(), CliError> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::SeqCst) {
            std::process::exit(KILLED_BY_SIGINT);
        }
        tell();
    })
    .map_err(|error| CliError::Environment(format!("cannot listen for Ctrl-C: {error}")))
}

/// Whether Ctrl-C was pressed.
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Calls `also` as soon as Ctrl-C is pressed; at once, if it was.
pub fn on_request(also: impl Fn() + Send + 'static) {
    *ALSO.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(also));
    if REQUESTED.load(Ordering::SeqCst) {
        tell();
    }
}

fn tell() {
    if let Some(also) = &*ALSO.lock().unwrap_or_else(PoisonError::into_inner) {
        also();
    }
}
