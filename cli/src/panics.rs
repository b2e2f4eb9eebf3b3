//! A panic inside a run is a finding about Plimsoll: it is caught, and reported with what is
//! needed to see it again.

use std::cell::RefCell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};

/// A panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Panic {
    /// The message of the panic.
    pub message: String,
    /// The place where it was raised, as `file:line`.
    pub location: String,
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked at {}: {}", self.location, self.message)
    }
}

thread_local! {
    /// The panic that the hook saw last on this thread.
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Makes panics silent: [`catch`] returns them, and its caller reports them.
pub(crate) fn install_hook() {
    panic::set_hook(Box::new(|info| {
        let caught = describe(info);
        LAST.with(|last| *last.borrow_mut() = Some(caught));
    }));
}

/// Runs `work`, and returns its panic as an error. The caller must throw away what a `work` that
/// panicked had borrowed mutably.
pub(crate) fn catch<R>(work: impl FnOnce() -> R) -> Result<R, Panic> {
    panic::catch_unwind(AssertUnwindSafe(work)).map_err(|_| {
        let last = LAST.with(|last| last.borrow_mut().take());
        last.unwrap_or_else(|| Panic {
            message: "a panic without a message".into(),
            location: "an unknown place".into(),
        })
    })
}

fn describe(info: &PanicHookInfo<'_>) -> Panic {
    let payload = info.payload();
    let message = payload
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into());
    let location = info.location().map_or_else(
        || "an unknown place".into(),
        |place| format!("{}:{}", place.file(), place.line()),
    );
    Panic { message, location }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_caught_with_its_message_and_place() {
        install_hook();
        let number = 7;
        let panic = catch(|| panic!("no event {number}")).expect_err("it panicked");
        assert_eq!(panic.message, "no event 7");
        assert!(panic.location.contains("panics.rs:"), "{panic}");
        assert_eq!(catch(|| number), Ok(7));
    }
}
