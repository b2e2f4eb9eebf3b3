//! The commits of a member that are in flight, as the trace shows it.

use plimsoll_core::{Instant, TopicPartition};
use std::collections::VecDeque;
use std::time::Duration;

/// The time in flight beyond which a commit hinders the next one.
pub(super) const LONG_COMMIT: Duration = Duration::from_secs(1);

/// The time within which the parts of one answer stand in the trace, and commits are sent together.
const TOGETHER: Duration = Duration::from_millis(1);

/// The commits of a member without an answer.
///
/// A trace does not say which commit an answer belongs to. Brokers answer the requests of a
/// connection in order, so it is the oldest, and with it all that were sent together with it; one
/// that is accepted stands for all that were sent long before.
#[derive(Debug, Default)]
pub(super) struct InFlight {
    /// The moments at which they were sent, in order.
    sent: VecDeque<Instant>,
    answer: Option<Answer>,
    /// The partitions that the newest answer accepted so far.
    accepted: Vec<TopicPartition>,
}

/// The newest answer to a commit.
#[derive(Clone, Copy, Debug)]
struct Answer {
    at: Instant,
    /// The moment at which the commit was sent.
    sent: Instant,
}

impl InFlight {
    pub(super) fn clear(&mut self) {
        self.sent.clear();
        self.answer = None;
        self.accepted.clear();
    }

    /// Returns when the oldest of them was sent.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.sent.front().copied()
    }

    pub(super) fn send(&mut self, at: Instant) {
        self.sent.push_back(at);
    }

    /// Takes one partition's part of an answer; returns when the commit was sent that it answers,
    /// unless an earlier part has answered it.
    pub(super) fn accept(&mut self, at: Instant, partition: TopicPartition) -> Option<Instant> {
        let known = self.accepted.contains(&partition);
        let sent = match self.is_answering(at) && !known {
            true => None,
            false => {
                let sent = self.answer(at);
                while self
                    .sent
                    .front()
                    .is_some_and(|&sent| at - sent > LONG_COMMIT)
                {
                    self.sent.pop_front();
                }
                sent
            }
        };
        self.accepted.push(partition);
        sent
    }

    /// Takes an error, or the news that there is no answer; returns when the commit was sent, or
    /// the moment itself where none was.
    pub(super) fn refuse(&mut self, at: Instant) -> Instant {
        match self.answer {
            Some(answer) if self.is_answering(at) && !self.accepted.is_empty() => answer.sent,
            _ => self.answer(at).unwrap_or(at),
        }
    }

    fn is_answering(&self, at: Instant) -> bool {
        self.answer.is_some_and(|answer| at - answer.at <= TOGETHER)
    }

    fn answer(&mut self, at: Instant) -> Option<Instant> {
        self.accepted.clear();
        let oldest = self.sent.pop_front();
        self.answer = oldest.map(|sent| Answer { at, sent });
        if let Some(oldest) = oldest {
            while self
                .sent
                .front()
                .is_some_and(|&sent| sent - oldest <= TOGETHER)
            {
                self.sent.pop_front();
            }
        }
        oldest
    }
}
