//! The threads of the client. One that panics ends the client with an error: what waits for it
//! would wait for ever.

use super::outbox::Outbox;
use crate::ClientError;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};

/// Starts a thread that runs, and then does what is to be done at its end, also after a panic.
pub(super) fn spawn<T: Send + 'static>(
    name: &'static str,
    outbox: Outbox,
    mut state: T,
    run: impl FnOnce(&mut T) + Send + 'static,
    end: impl FnOnce(T) + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(move || {
        if catch_unwind(AssertUnwindSafe(|| run(&mut state))).is_err() {
            // Told before anything is dropped: the last owner of librdkafka's consumer waits until
            // the group is left.
            outbox.fail(ClientError::Fatal {
                reason: format!("its thread {name} panicked"),
            });
        }
        end(state);
    })
}
