//! The way out of the runtime: calls of the handler, and commands.

use crate::message::{self, Origin};
use plimsoll::{Handler, HandlerError, Message};
use plimsoll_core::{AssignmentEpoch, Command, Offset, Outcome, TopicPartition};
use plimsoll_sim::recipes::Payload;
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::oneshot;

/// What the driver commanded, and the calls of its handler that the sink has not answered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    commands: VecDeque<Command<Payload>>,
    calls: BTreeMap<CallId, oneshot::Sender<Outcome>>,
    /// The number of handlers that wait for the sink, and for nothing else.
    waiting: usize,
}

/// A call, by its partition, assignment, offset and attempt.
pub(crate) type CallId = (TopicPartition, AssignmentEpoch, Offset, u32);

impl Outbox {
    /// Adds a command for the simulator.
    pub(crate) fn push(&self, command: Command<Payload>) {
        self.contents().commands.push_back(command);
    }

    /// Takes the next command.
    pub(crate) fn pop(&self) -> Option<Command<Payload>> {
        self.contents().commands.pop_front()
    }

    /// Ends a call with the sink's answer; one that was stopped is gone.
    pub(crate) fn answer(&self, call: &CallId, outcome: Outcome) {
        if let Some(waiting) = self.contents().calls.remove(call) {
            let _ = waiting.send(outcome);
        }
    }

    /// Returns the number of handlers that wait for the sink, and for nothing else.
    pub(crate) fn waiting(&self) -> usize {
        self.contents().waiting
    }

    fn call(&self, message: &Message) -> Call {
        let origin = message::origin(message);
        let Origin {
            partition, epoch, ..
        } = origin;
        let record = message::handled(message, origin);
        let (sender, answer) = oneshot::channel();
        let id = (partition, epoch, record.offset, message.attempt());
        let mut contents = self.contents();
        contents.calls.insert(id, sender);
        contents.waiting += 1;
        contents.commands.push_back(Command::Dispatch {
            partition,
            epoch,
            attempt: message.attempt(),
            record,
        });
        Call {
            outbox: self.clone(),
            id,
            answer,
        }
    }

    fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handler for Outbox {
    /// Calls the sink, and fails as it says.
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        match self.call(&message).await {
            Outcome::Ok => Ok(()),
            Outcome::Retryable => Err(HandlerError::retryable("the sink was not available")),
            Outcome::Permanent => Err(HandlerError::permanent("the sink refuses the message")),
        }
    }
}

/// A call of the sink. Dropped before its answer came, it is stopped.
struct Call {
    outbox: Outbox,
    id: CallId,
    answer: oneshot::Receiver<Outcome>,
}

impl Future for Call {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        match Pin::new(&mut self.answer).poll(cx) {
            Poll::Ready(Ok(outcome)) => Poll::Ready(outcome),
            // The sender lives as long as its call.
            Poll::Ready(Err(_)) | Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let (partition, epoch, offset, _) = self.id;
        let mut contents = self.outbox.contents();
        contents.waiting -= 1;
        if contents.calls.remove(&self.id).is_some() {
            contents.commands.push_back(Command::Cancel {
                partition,
                epoch,
                offset,
            });
        }
    }
}
