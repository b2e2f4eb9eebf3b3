//! One attempt at a message: how long it may take, and whether it was stopped.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Tells a handler, and what it has started, that its attempt was stopped; from
/// [`Message::cancellation`](crate::Message::cancellation).
///
/// It is a [`CancellationToken`], by whose methods one learns of the stop. And it counts as work at
/// the message: after a stop, the next attempt and the answer to a revocation wait until all of
/// them are dropped. So work that outlives the handler's future, on a thread of its own for
/// example, should have one:
///
/// ```
/// # use plimsoll::{Handler, HandlerError, Message};
/// fn handler() -> impl Handler {
///     async |message: Message| {
///         let cancellation = message.cancellation();
///         let work = tokio::task::spawn_blocking(move || {
///             for chunk in message.payload().unwrap_or_default().chunks(1_000) {
///                 if cancellation.is_cancelled() {
///                     return Err(HandlerError::retryable("stopped"));
///                 }
///                 std::hint::black_box(chunk);
///             }
///             Ok(())
///         });
///         work.await?
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Cancellation {
    token: CancellationToken,
    /// None outside of a consumer.
    _held: Option<Held>,
}

impl Cancellation {
    /// Creates one of an attempt that nothing stops, for messages outside of a consumer.
    pub(crate) fn never() -> Self {
        Self {
            token: CancellationToken::new(),
            _held: None,
        }
    }
}

impl Deref for Cancellation {
    type Target = CancellationToken;

    fn deref(&self) -> &CancellationToken {
        &self.token
    }
}

/// An attempt, shared by the driver and what works at it.
#[derive(Debug, Default)]
pub(crate) struct Attempt {
    deadline: Option<Instant>,
    /// Made once it is needed: most attempts end before that.
    state: OnceLock<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The token, once it was asked for.
    token: Option<CancellationToken>,
    is_stopped: bool,
    /// The number of shares of the work at it that are held.
    holders: usize,
    /// Dropped when no work at it goes on any more, after it was stopped.
    end: Option<oneshot::Sender<()>>,
}

/// A share of the work at an attempt.
#[derive(Debug)]
pub(crate) struct Held(Arc<Attempt>);

/// The end of an attempt that is stopped.
pub(crate) struct Stopped {
    /// Whether the handler asked for its cancellation, and can end by itself.
    pub(crate) is_heard: bool,
    /// Ready when no work at it goes on any more.
    pub(crate) ended: oneshot::Receiver<()>,
}

impl Attempt {
    pub(crate) fn new(deadline: Option<Instant>) -> Self {
        Self {
            deadline,
            state: OnceLock::new(),
        }
    }

    /// Makes it a new attempt, with this deadline: nothing else has it any more.
    #[inline]
    pub(crate) fn begin_anew(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        self.state.take();
    }

    /// Returns the moment at which it is stopped at the latest.
    pub(crate) const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(crate) fn cancellation(self: &Arc<Self>) -> Cancellation {
        let (token, is_stopped) = {
            let mut state = self.state();
            let token = state.token.get_or_insert_default().clone();
            (token, state.is_stopped)
        };
        if is_stopped {
            token.cancel();
        }
        Cancellation {
            token,
            _held: Some(Held::new(self)),
        }
    }

    /// Tells that it is stopped.
    pub(crate) fn stop(&self) -> Stopped {
        let (end, ended) = oneshot::channel();
        let token = {
            let mut state = self.state();
            state.is_stopped = true;
            state.end = Some(end).filter(|_| state.holders > 0);
            state.token.clone()
        };
        let is_heard = token.is_some();
        if let Some(token) = token {
            token.cancel();
        }
        Stopped { is_heard, ended }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.state.get_or_init(Mutex::default);
        state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    pub(crate) fn new(attempt: &Arc<Attempt>) -> Self {
        attempt.state().holders += 1;
        Self(Arc::clone(attempt))
    }
}

impl Clone for Held {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.holders -= 1;
        if state.holders == 0 {
            state.end = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_ended_when_it_was_stopped_and_nobody_works_at_it() {
        let attempt = Arc::new(Attempt::new(None));
        let held = Held::new(&attempt);
        let cancellation = attempt.cancellation();
        assert!(!cancellation.is_cancelled());
        let mut stopped = attempt.stop();
        assert!(stopped.is_heard && cancellation.is_cancelled());
        assert!(attempt.cancellation().is_cancelled());
        let mut has_ended =
            || stopped.ended.try_recv() == Err(oneshot::error::TryRecvError::Closed);
        drop(held);
        let another = cancellation.clone();
        drop(cancellation);
        assert!(!has_ended());
        drop(another);
        assert!(has_ended());
    }

    #[test]
    fn one_at_which_nobody_works_has_ended_at_once() {
        let attempt = Arc::new(Attempt::new(None));
        let mut stopped = attempt.stop();
        assert!(!stopped.is_heard && stopped.ended.try_recv().is_err());
        assert!(attempt.cancellation().is_cancelled());
    }
}
