//! Copies of records that could not be handled, on their way into the dead-letter topic.

use super::connection::Failure;
use super::process::{Continuation, Process, settings};
use crate::env::Env;
use crate::protocol::{Channel, Request, Value};
use crate::recipes::Payload;
use plimsoll_core::{AssignmentEpoch, Offset, Record, TopicPartition};
use plimsoll_oracle::{MessageId, TraceEvent};
use plimsoll_scenarios::scenario::Acks;

/// A record whose copy is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeadLetterCopy {
    pub partition: TopicPartition,
    pub epoch: AssignmentEpoch,
    pub offset: Offset,
    pub message: MessageId,
}

impl Process {
    /// Writes a copy, with `acks=all`. The application learns of a failure, and tries again.
    pub(super) fn dead_letter(
        &mut self,
        env: &mut Env<'_>,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        record: &Record<Payload>,
    ) {
        let copy = DeadLetterCopy {
            partition,
            epoch,
            offset: record.offset,
            message: record.payload.message,
        };
        let topic = env.topology.dead_letters();
        let (Some(origin), Some((leader, _))) =
            (env.topology.index(partition), self.metadata.leader(topic))
        else {
            self.refresh_metadata(env);
            return self.application.dead_lettered(copy, false);
        };
        let request = Request::Produce {
            partition: topic,
            value: Value::DeadLetter {
                id: copy.message,
                partition: origin,
                offset: copy.offset,
            },
            acks: Acks::All,
        };
        let timeout = settings(env).request_timeout;
        let purpose = Continuation::DeadLetter(copy);
        self.requests
            .send(env, leader, Channel::Data, timeout, purpose, request);
    }

    /// Handles what became of a copy.
    pub(super) fn dead_letter_answered(
        &mut self,
        env: &mut Env<'_>,
        copy: DeadLetterCopy,
        result: Result<Offset, Failure>,
    ) {
        match result {
            Ok(_) => env.observe(TraceEvent::DeadLettered {
                member: self.id,
                partition: copy.partition,
                offset: copy.offset,
                message: copy.message,
            }),
            Err(_) => self.refresh_metadata(env),
        }
        self.application.dead_lettered(copy, result.is_ok());
    }
}
