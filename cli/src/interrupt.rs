//! A signal (Ctrl-C, SIGTERM, SIGHUP) ends a command with a summary of what was done; a second one
//! ends it at once.

use crate::error::CliError;
use crate::exit::Exit;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// What is called at the first signal.
static ALSO: Mutex<Option<Box<dyn Fn() + Send>>> = Mutex::new(None);

/// Begins to listen for signals. The second one ends the program here, since no command can return
/// to `main` at once.
///
/// # Errors
/// Where the operating system refuses the handler.
pub(crate) fn listen() -> Result<(), CliError> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::SeqCst) {
            process::exit(Exit::Interrupted.code().into());
        }
        tell();
    })
    .map_err(|error| CliError::Environment(format!("cannot listen for signals: {error}")))
}

/// Tells whether a signal came.
pub(crate) fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}

/// Calls `also` as soon as a signal comes; at once, if one came.
#[cfg(unix)]
pub(crate) fn on_request(also: impl Fn() + Send + 'static) {
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
