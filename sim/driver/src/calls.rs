//! The way out of the runtime: calls of the handler, and commands.

use crate::message;
use plimsoll::{Handler, HandlerError, Message};
use plimsoll_core::{Command, Outcome};
use plimsoll_sim::program::{CallId, Handlers, Step};
use plimsoll_sim::recipes::Payload;
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// What the driver commanded and its handlers did, and the calls of the sink that it has not
/// answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    said: VecDeque<Said>,
    calls: BTreeMap<CallId, VecDeque<oneshot::Sender<Outcome>>>,
    /// The number of handlers that wait for the sink, and for nothing else.
    waiting: usize,
}

#[derive(Debug)]
enum Said {
    Command(Command<Payload>),
    Step(Step),
}

impl Outbox {
    /// Adds a command for the simulator.
    pub(crate) fn push(&self, command: Command<Payload>) {
        self.contents().said.push_back(Said::Command(command));
    }

    /// Adds what a handler did.
    pub(crate) fn push_step(&self, step: Step) {
        self.contents().said.push_back(Said::Step(step));
    }

    /// Takes the next command, where that comes next.
    pub(crate) fn pop(&self) -> Option<Command<Payload>> {
        let is_command = |said: &mut Said| matches!(said, Said::Command(_));
        match self.contents().said.pop_front_if(is_command)? {
            Said::Command(command) => Some(command),
            Said::Step(_) => None,
        }
    }

    /// Gives a call the sink's answer; one that was stopped is gone.
    pub(crate) fn answer(&self, id: &CallId, outcome: Outcome) {
        let mut contents = self.contents();
        let Some(waiting) = contents.calls.get_mut(id) else {
            return;
        };
        if let Some(first) = waiting.pop_front() {
            let _ = first.send(outcome);
        }
        match waiting.is_empty() {
            true => drop(contents.calls.remove(id)),
            false => contents.said.push_back(Said::Step(Step::Write(*id))),
        }
    }

    /// Returns the number of handlers that wait for the sink, and for nothing else.
    pub(crate) fn waiting(&self) -> usize {
        self.contents().waiting
    }

    /// Says that a handler begins with a message.
    pub(crate) fn begin(&self, message: &Message) -> CallId {
        let id = message::call_id(message);
        let origin = message::origin(message);
        self.push(Command::Dispatch {
            partition: id.partition,
            epoch: id.epoch,
            attempt: id.attempt,
            record: message::handled(message, origin),
        });
        id
    }

    /// Says that a handler is stopped.
    pub(crate) fn cancel(&self, id: CallId) {
        self.push(Command::Cancel {
            partition: id.partition,
            epoch: id.epoch,
            offset: id.offset,
        });
    }

    /// Waits for the answer to a call of the sink. Returns whether others wait for theirs, to calls
    /// of the same handler.
    pub(crate) fn wait(&self, id: CallId) -> (Waiting, bool) {
        let (sender, answer) = oneshot::channel();
        let mut contents = self.contents();
        let calls = contents.calls.entry(id).or_default();
        calls.push_back(sender);
        (Waiting(answer), calls.len() > 1)
    }

    /// Notes that a handler waits for the sink and for nothing else, until what is returned is
    /// dropped.
    pub(crate) fn wait_alone(&self) -> Alone {
        self.contents().waiting += 1;
        Alone(self.clone())
    }

    fn call(&self, message: &Message) -> Call {
        let id = self.begin(message);
        Call {
            outbox: self.clone(),
            id,
            answer: self.wait(id).0,
            _alone: self.wait_alone(),
        }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handlers for Outbox {
    fn poll_step(&mut self) -> Option<Step> {
        let is_step = |said: &mut Said| matches!(said, Said::Step(_));
        match self.contents().said.pop_front_if(is_step)? {
            Said::Step(step) => Some(step),
            Said::Command(_) => None,
        }
    }
}

impl Handler for Outbox {
    /// Calls the sink, and fails as it says.
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        result(self.call(&message).await)
    }
}

/// Returns what the answer of the sink is to a handler.
pub(crate) fn result(answer: Outcome) -> Result<(), HandlerError> {
    match answer {
        Outcome::Ok => Ok(()),
        Outcome::Retryable => Err(HandlerError::retryable("the sink was not available")),
        Outcome::Permanent => Err(HandlerError::permanent("the sink refuses the message")),
    }
}

/// The wait for an answer of the sink.
pub(crate) struct Waiting(oneshot::Receiver<Outcome>);

impl Future for Waiting {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        match Pin::new(&mut self.0).poll(cx) {
            Poll::Ready(Ok(outcome)) => Poll::Ready(outcome),
            // The sender lives as long as its call.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

/// A handler that waits for the sink and for nothing else.
pub(crate) struct Alone(Outbox);

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.contents().waiting -= 1;
    }
}

/// A call of the sink, which is all that a handler does. Dropped before its answer came, it is
/// stopped.
struct Call {
    outbox: Outbox,
    id: CallId,
    answer: Waiting,
    _alone: Alone,
}

impl Future for Call {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        Pin::new(&mut self.answer).poll(cx)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let is_open = self.outbox.contents().calls.remove(&self.id).is_some();
        if is_open {
            self.outbox.cancel(self.id);
        }
    }
}
