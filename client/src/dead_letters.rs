//! Copies of records that could not be handled, on their way into the dead-letter topic.

use crate::{Action, Ask, Continuation, DeadLetterCopy, Failure, Speaker, View};
use plimsoll_core::Offset;
use plimsoll_protocol::{Acks, PRODUCE_TIMEOUT_MS, Request};
use std::collections::VecDeque;
use std::time::Duration;

/// The dead-letter copies of a client.
#[derive(Debug)]
pub struct DeadLetters<S: Speaker> {
    request_timeout: Duration,
    /// The copies on their way, each with its number, oldest first.
    sent: Vec<(u32, DeadLetterCopy<S::Payload>)>,
    /// Number of copies so far.
    count: u32,
    actions: VecDeque<Action<S>>,
}

impl<S: Speaker> DeadLetters<S> {
    /// Creates the state before any copy.
    pub fn new(request_timeout: Duration) -> Self {
        Self {
            request_timeout,
            sent: Vec::new(),
            count: 0,
            actions: VecDeque::new(),
        }
    }

    /// Writes a copy, with `acks=all`. The application learns of a failure, and tries again.
    pub fn write(&mut self, view: &View<S>, copy: DeadLetterCopy<S::Payload>) {
        let topic = view.topology.dead_letters();
        let origin = view.topology.index(copy.partition);
        let (Some(origin), Some((to, _))) = (origin, view.metadata.leader(topic)) else {
            return self.fail(copy, Failure::Lost);
        };
        let request = Request::Produce {
            partition: topic,
            batch: view.speaker.dead_letter(origin, copy.epoch, &copy.record),
            acks: Acks::All,
            timeout_ms: PRODUCE_TIMEOUT_MS,
        };
        self.count += 1;
        self.sent.push((self.count, copy));
        self.actions.push_back(Action::Ask(Ask {
            to,
            timeout: self.request_timeout,
            request,
            then: Continuation::DeadLetter(self.count),
        }));
    }

    /// Handles what became of a copy, by its number.
    pub fn handle_answer(&mut self, number: u32, answer: Result<Offset, Failure>) {
        let mut sent = self.sent.iter();
        let Some(place) = sent.position(|(of, _)| *of == number) else {
            return;
        };
        let (_, copy) = self.sent.remove(place);
        match answer {
            Ok(_) => self.actions.push_back(Action::EndDeadLetter(copy, Ok(()))),
            Err(failure) => self.fail(copy, failure),
        }
    }

    /// Takes what is to be done next.
    #[inline]
    pub fn poll_action(&mut self) -> Option<Action<S>> {
        self.actions.pop_front()
    }

    fn fail(&mut self, copy: DeadLetterCopy<S::Payload>, failure: Failure) {
        self.actions.push_back(Action::RefreshMetadata);
        self.actions
            .push_back(Action::EndDeadLetter(copy, Err(failure)));
    }
}
