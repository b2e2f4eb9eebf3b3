//! The handler of a member, and its way to the sink.

use super::Birth;
use crate::gate::Gated;
use crate::parts::Handling;
use crate::world::{Begun, Shared, key_of};
use plimsoll::{HandlerError, Message};
use plimsoll_core::{AssignmentEpoch, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{MemberId, MessageId};
use plimsoll_scenarios::Plan;
use plimsoll_serve::produce::MESSAGE;
use plimsoll_sim::sink::HandlerCall;
use std::fmt;
use std::sync::Arc;

/// The way of a process to the sink, the system to which its handlers write.
#[derive(Clone)]
pub struct Sink {
    process: (MemberId, u64),
    world: Shared,
    plan: Arc<Plan>,
}

impl Sink {
    fn new(birth: &Birth) -> Self {
        Self {
            process: (birth.member, birth.number),
            world: birth.world.clone(),
            plan: birth.plan.clone(),
        }
    }

    /// Writes the effect of a message, which takes the time and fails as the scenario says. Dropped
    /// before its end, it was stopped; with its process dead, it has no end.
    ///
    /// # Errors
    /// Fails as the scenario says: nothing was written.
    pub async fn write(&self, message: &Message) -> Result<(), HandlerError> {
        let call = self.call(message);
        let call = call.ok_or_else(|| HandlerError::permanent("it is no message of this run"))?;
        let number = self.process.1;
        let begun = self
            .world
            .of(self.process, |world| world.begin_handler(call, number));
        let Some(begun) = begun else {
            return std::future::pending().await;
        };
        let running = Running {
            begun,
            world: self.world.clone(),
            has_ended: false,
        };
        match running.end().await {
            Outcome::Ok => Ok(()),
            Outcome::Permanent => Err(HandlerError::permanent("the sink refuses it")),
            Outcome::Retryable => Err(HandlerError::retryable("the sink failed")),
        }
    }

    /// Returns the call for a message; `None`: it is none of this run.
    fn call(&self, message: &Message) -> Option<HandlerCall> {
        let mut topics = self.plan.settings.topics.iter();
        let topic = topics.position(|topic| topic.name == message.topic())?;
        let mut headers = message.headers();
        let id = headers.find(|header| header.name == MESSAGE)?.value?;
        let id = str::from_utf8(id).ok()?.parse().ok()?;
        Some(HandlerCall {
            member: self.process.0,
            partition: TopicPartition::new(topic as u32, message.partition()),
            // A message does not name its assignment, and the sink does not ask for it.
            epoch: AssignmentEpoch(0),
            offset: Offset::new(message.offset()),
            attempt: message.attempt(),
            message: MessageId(id),
            key: message.key().and_then(key_of),
        })
    }
}

impl fmt::Debug for Sink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sink").field(&self.process).finish()
    }
}

/// Returns the handler of a process.
pub(super) fn handler(
    birth: &Birth,
) -> impl Fn(Message) -> Gated<Handling> + Send + Sync + 'static {
    let (sink, gate, handler) = (Sink::new(birth), birth.gate.clone(), birth.parts.handler);
    // The driver runs handlers as tasks of their own, too.
    move |message| gate.before(handler(sink.clone(), message))
}

/// A handler that runs. Dropped before its end, it was stopped.
struct Running {
    begun: Begun,
    world: Shared,
    has_ended: bool,
}

impl Running {
    /// Waits for the result, for ever if need be.
    async fn end(mut self) -> Outcome {
        match (&mut self.begun.result).await {
            Ok(outcome) => {
                self.has_ended = true;
                outcome
            }
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.has_ended {
            let stopped = &self.begun;
            self.world.with(|world| world.cancel_handler(stopped));
        }
    }
}
