//! The sending end of the world's channel: each part of a run has one for what it observes, and
//! knows nothing of the world.
//!
//! A part that goes on only when what it observed stands in the trace, and all that follows from it
//! is done, asks ([`Sender::ask`]) and waits for the answer: so a fault hits before the answer that
//! triggered it goes on. One that nothing waits for sends ([`Sender::send`]). What is sent first is
//! taken in first, whichever part it comes from.

use std::fmt;
use std::sync::Arc;
use tokio::sync::oneshot;

/// The sending end for one part of a run.
pub(crate) struct Sender<T> {
    put: Arc<dyn Fn(T) + Send + Sync>,
}

/// The place of an answer.
pub(crate) type Reply<A> = oneshot::Sender<A>;

/// The end of the run, or of what was asked about: there is no answer any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoAnswer;

impl<T> Sender<T> {
    /// Makes an end that puts into the channel what it is given.
    pub(crate) fn new(put: impl Fn(T) + Send + Sync + 'static) -> Self {
        Self { put: Arc::new(put) }
    }

    /// Sends something. At the end of a run it is lost with the run.
    pub(crate) fn send(&self, what: T) {
        (self.put)(what);
    }

    /// Sends something with a place for the answer, and waits for the answer. It is sent as soon as
    /// the returned future is first polled, whatever becomes of the future.
    ///
    /// # Errors
    /// Where the answer will never come.
    pub(crate) async fn ask<A>(&self, ask: impl FnOnce(Reply<A>) -> T) -> Result<A, NoAnswer> {
        let (reply, answer) = oneshot::channel();
        self.send(ask(reply));
        answer.await.map_err(|_| NoAnswer)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self {
            put: self.put.clone(),
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Sender")
    }
}
