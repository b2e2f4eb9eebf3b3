//! The delays of one trace, from a message's acknowledgement to its first effect.

use plimsoll_core::{Instant, Outcome};
use plimsoll_oracle::{MessageId, TraceEvent};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The delays of one trace.
#[derive(Debug, Default)]
pub(super) struct Delays {
    /// The number of messages that were acknowledged to the producer.
    pub acknowledged: u64,
    /// The time from a message's acknowledgement to its first effect; zero where the effect came
    /// first.
    pub delays: Vec<Duration>,
    /// When each message was acknowledged.
    since: BTreeMap<MessageId, Instant>,
    /// The messages that took effect.
    effects: BTreeSet<MessageId>,
    /// The messages that took effect and are not acknowledged yet.
    early: BTreeSet<MessageId>,
}

impl Delays {
    /// Reads an entry of the trace.
    pub(super) fn observe(&mut self, at: Instant, event: &TraceEvent) {
        match *event {
            TraceEvent::Acknowledged { message, .. } => {
                self.acknowledged += 1;
                self.since.entry(message).or_insert(at);
                if self.early.remove(&message) {
                    self.delays.push(Duration::ZERO);
                }
            }
            TraceEvent::Effect {
                message,
                outcome: Outcome::Ok,
                ..
            } if self.effects.insert(message) => match self.since.get(&message) {
                Some(acknowledged) => self.delays.push(at.saturating_since(*acknowledged)),
                None => {
                    self.early.insert(message);
                }
            },
            _ => {}
        }
    }
}
