//! A handler of one's own, and its way to the sink.

use crate::calls::{Outbox, result};
use crate::message;
use plimsoll::{Handler, HandlerError, Message};
use plimsoll_core::Outcome;
use plimsoll_sim::program::{CallId, Step};

/// The place of a handler's effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effects {
    /// At its end: where it comes back well, the sink is called for it.
    AtTheEnd,
    /// At the calls of the sink that it makes.
    AtTheSink,
}

/// The way of a process to the sink, the system to which its handlers write.
#[derive(Clone, Debug)]
pub struct Sink {
    outbox: Outbox,
}

impl Sink {
    /// Writes the effect of a message, which takes the time and fails as the scenario says
    /// (`[handler]`, and faults like `outage` and `hang`).
    ///
    /// The first success finishes the message. A process that dies before has written nothing; one
    /// that stops to wait (drops the future) has, in time. Writes of one message are done one after
    /// the other.
    ///
    /// # Errors
    /// Fails as the scenario says: nothing was written.
    pub async fn write(&self, message: &Message) -> Result<(), HandlerError> {
        let id = message::call_id(message);
        let (answer, waits) = self.outbox.wait(id);
        if !waits {
            self.outbox.push_step(Step::Write(id));
        }
        result(answer.await)
    }

    /// Says that a message needs no effect, which finishes it.
    pub fn skip(&self, message: &Message) {
        self.outbox.push_step(Step::Skip(message::call_id(message)));
    }
}

/// A handler of one's own, and what the simulator must know of its calls.
pub(crate) struct Own<H> {
    handler: H,
    effects: Effects,
    sink: Sink,
}

impl<H: Handler> Own<H> {
    pub(crate) fn new(outbox: Outbox, build: impl FnOnce(&Sink) -> (H, Effects)) -> Self {
        let sink = Sink { outbox };
        let (handler, effects) = build(&sink);
        Self {
            handler,
            effects,
            sink,
        }
    }
}

impl<H: Handler> Handler for Own<H> {
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        let running = Running::begin(&self.sink.outbox, &message);
        let mut result = self.handler.handle(message.clone()).await;
        if result.is_ok() && self.effects == Effects::AtTheEnd {
            let _alone = self.sink.outbox.wait_alone();
            result = self.sink.write(&message).await;
        }
        running.end(&result);
        result
    }
}

/// A handler that runs. Dropped before its end, it was stopped, or panicked.
struct Running<'a> {
    outbox: &'a Outbox,
    id: CallId,
    ended: bool,
}

impl<'a> Running<'a> {
    fn begin(outbox: &'a Outbox, message: &Message) -> Self {
        Self {
            outbox,
            id: outbox.begin(message),
            ended: false,
        }
    }

    fn end(mut self, result: &Result<(), HandlerError>) {
        let outcome = match result {
            Ok(()) => Outcome::Ok,
            Err(error) if error.is_permanent() => Outcome::Permanent,
            Err(_) => Outcome::Retryable,
        };
        self.ended = true;
        self.outbox.push_step(Step::End(self.id, outcome));
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        match std::thread::panicking() {
            // The driver takes a panic for a failure.
            true => self
                .outbox
                .push_step(Step::End(self.id, Outcome::Retryable)),
            false => self.outbox.cancel(self.id),
        }
    }
}
