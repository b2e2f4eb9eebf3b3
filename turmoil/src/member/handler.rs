//! The handler of a member: one call of the sink, which answers with the outcome.

use super::Birth;
use crate::gate::Gate;
use crate::world::{Begun, Shared, key_of};
use plimsoll::{Handler, HandlerError, Message};
use plimsoll_core::{AssignmentEpoch, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{MemberId, MessageId};
use plimsoll_scenarios::Plan;
use plimsoll_serve::produce::MESSAGE;
use plimsoll_sim::sink::HandlerCall;
use std::sync::Arc;

/// A handler that calls the sink.
pub(super) struct ToTheSink {
    member: MemberId,
    process: u64,
    gate: Gate,
    world: Shared,
    plan: Arc<Plan>,
}

impl ToTheSink {
    pub(super) fn new(birth: &Birth) -> Self {
        Self {
            member: birth.member,
            process: birth.number,
            gate: birth.gate.clone(),
            world: birth.world.clone(),
            plan: birth.plan.clone(),
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
            member: self.member,
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

impl Handler for ToTheSink {
    async fn handle(&self, message: Message) -> Result<(), HandlerError> {
        let call = self.call(&message);
        let call = call.ok_or_else(|| HandlerError::permanent("it is no message of this run"))?;
        let process = (self.member, self.process);
        let begun = self
            .world
            .of(process, |world| world.begin_handler(call, process.1));
        let Some(begun) = begun else {
            return std::future::pending().await;
        };
        let running = Running {
            begun,
            world: self.world.clone(),
            has_ended: false,
        };
        // The driver runs handlers as tasks of their own, too.
        match self.gate.before(running.end()).await {
            Outcome::Ok => Ok(()),
            Outcome::Permanent => Err(HandlerError::permanent("the sink refuses it")),
            Outcome::Retryable => Err(HandlerError::retryable("the sink failed")),
        }
    }
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
