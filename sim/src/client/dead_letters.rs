//! Copies of records that could not be handled, on their way into the dead-letter topic.

use super::action::{Action, Continuation, DeadLetterCopy};
use super::connection::{Ask, Failure};
use super::view::View;
use crate::protocol::{PRODUCE_TIMEOUT_MS, Request, Value};
use plimsoll_core::Offset;
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::scenario::Acks;
use std::collections::VecDeque;
use std::time::Duration;

/// The dead-letter copies of a client.
#[derive(Debug)]
pub(super) struct DeadLetters {
    member: MemberId,
    request_timeout: Duration,
    actions: VecDeque<Action>,
}

impl DeadLetters {
    /// Creates the state before any copy.
    pub(super) fn new(member: MemberId, request_timeout: Duration) -> Self {
        Self {
            member,
            request_timeout,
            actions: VecDeque::new(),
        }
    }

    /// Writes a copy, with `acks=all`. The application learns of a failure, and tries again.
    pub(super) fn write(&mut self, view: &View, copy: DeadLetterCopy) {
        let topic = view.topology.dead_letters();
        let origin = view.topology.index(copy.partition);
        let (Some(origin), Some((to, _))) = (origin, view.metadata.leader(topic)) else {
            return self.fail(copy);
        };
        let request = Request::Produce {
            partition: topic,
            batch: Value::DeadLetter {
                id: copy.message,
                partition: origin,
                offset: copy.offset,
                member: self.member,
                epoch: copy.epoch,
            },
            acks: Acks::All,
            timeout_ms: PRODUCE_TIMEOUT_MS,
        };
        self.actions.push_back(Action::Ask(Ask {
            to,
            timeout: self.request_timeout,
            request,
            then: Continuation::DeadLetter(copy),
        }));
    }

    /// Handles what became of a copy.
    pub(super) fn handle_answer(&mut self, copy: DeadLetterCopy, answer: Result<Offset, Failure>) {
        match answer {
            Ok(_) => self.actions.push_back(Action::EndDeadLetter(copy, true)),
            Err(_) => self.fail(copy),
        }
    }

    /// Takes what is to be done next.
    #[inline]
    pub(super) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn fail(&mut self, copy: DeadLetterCopy) {
        self.actions.push_back(Action::RefreshMetadata);
        self.actions.push_back(Action::EndDeadLetter(copy, false));
    }
}
