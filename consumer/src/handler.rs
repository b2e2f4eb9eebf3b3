//! The handler, which a user writes, and how it says that it failed.

use crate::Message;
use plimsoll_core::Outcome;
use std::error::Error;
use std::fmt;

/// The code that handles messages, one at a call.
///
/// A closure that returns a future is a handler:
///
/// ```
/// use plimsoll::{Handler, HandlerError, Message};
///
/// fn handler() -> impl Handler {
///     async |message: Message| {
///         let text = str::from_utf8(message.payload().unwrap_or_default())
///             .map_err(HandlerError::permanent)?;
///         println!("{text}");
///         Ok::<(), HandlerError>(())
///     }
/// }
/// ```
///
/// A message is finished when its handler returns `Ok`. After an error the handler is called again,
/// after a pause and up to the budget of attempts; then the message goes to the dead-letter topic.
/// A panic counts as an error. Meanwhile the messages behind it wait, as far as
/// [`Ordering`](crate::Ordering) says so.
///
/// A handler that takes longer than its [deadline](crate::Config::handler_deadline) is stopped, and
/// so is one whose partition goes to another member, if it does not end in time: its future is
/// dropped. [`Message::deadline`] and [`Message::cancellation`] tell it before; with the latter it
/// can end by itself, and what it has started elsewhere is waited for. A message never has two
/// attempts at once in a process.
///
/// A handler can be called again for a message that it handled before, after a crash for example,
/// so its effect should be one that may happen twice.
///
/// As in all async code, a handler must not block the thread: long computations belong in
/// [`tokio::task::spawn_blocking`]. Those of less than some milliseconds may be done in place:
/// after one that took more than 200 µs before it first waited, the next 64 calls run as tasks of
/// the runtime from their start, beside each other and beside the driver; then one is tried again.
pub trait Handler: Send + Sync + 'static {
    /// Handles a message. The future is dropped before it is done where the attempt is stopped.
    fn handle(&self, message: Message) -> impl Future<Output = Result<(), HandlerError>> + Send;
}

impl<F, R> Handler for F
where
    F: Fn(Message) -> R + Send + Sync + 'static,
    R: Future<Output = Result<(), HandlerError>> + Send,
{
    fn handle(&self, message: Message) -> impl Future<Output = Result<(), HandlerError>> + Send {
        self(message)
    }
}

/// The error of a handler, and whether it makes sense to call the handler again.
///
/// Any error becomes a retryable one by `?`.
#[derive(Debug)]
pub struct HandlerError(
    /// In a box, so that a result is one word: it is moved a few times after each call, and mostly is
    /// no error.
    Box<Failure>,
);

#[derive(Debug)]
struct Failure {
    /// Whether the handler would fail each time.
    permanent: bool,
    source: Box<dyn Error + Send + Sync>,
}

impl HandlerError {
    /// Creates an error after which the handler may succeed when it is called again: something was
    /// not available.
    pub fn retryable(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(false, error.into())
    }

    /// Creates an error that would come each time: the message itself cannot be handled. It goes to
    /// the dead-letter topic at once.
    pub fn permanent(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(true, error.into())
    }

    fn new(permanent: bool, source: Box<dyn Error + Send + Sync>) -> Self {
        Self(Box::new(Failure { permanent, source }))
    }

    /// Returns whether the message itself cannot be handled.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        self.0.permanent
    }

    pub(crate) fn outcome(&self) -> Outcome {
        if self.is_permanent() {
            Outcome::Permanent
        } else {
            Outcome::Retryable
        }
    }
}

/// Writes the error, and each error that caused it.
impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.source.fmt(f)?;
        let mut source = self.0.source.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

/// Creates a retryable error: one that was not declared permanent must not cost the message.
impl<E: Error + Send + Sync + 'static> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::retryable(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_retryable_unless_said_otherwise() {
        fn parse(text: &str) -> Result<u32, HandlerError> {
            Ok(text.parse::<u32>()?)
        }
        let error = parse("x").unwrap_err();
        assert_eq!(error.outcome(), Outcome::Retryable);
        assert_eq!(error.to_string(), "invalid digit found in string");
        let error = HandlerError::permanent("no such order");
        assert!(error.is_permanent());
        assert_eq!(error.to_string(), "no such order");
    }
}
