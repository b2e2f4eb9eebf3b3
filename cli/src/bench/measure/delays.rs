//! The delays of one trace, from a message's acknowledgement to its first effect: of messages that
//! waited in healthy time, and of those that waited through an outage.
//!
//! A message waits through an outage where, at a moment between its acknowledgement and its effect,
//! a fault is under way or a partition of the group has no owner; and where, when it is
//! acknowledged, a message of its partition that waited through the outage has not reached a
//! handler yet. The latter is the aftermath: it waits behind what the outage has left.

use super::outages::Outages;
use plimsoll_core::{Instant, Outcome, TopicPartition};
use plimsoll_oracle::{MessageId, TraceEvent};
use std::collections::{BTreeMap, BTreeSet};

/// The delays of one trace.
#[derive(Debug, Default)]
pub(super) struct Delays {
    /// The number of messages that were acknowledged to the producer.
    pub acknowledged: u64,
    /// The delay of each message that waited in healthy time, in seconds; zero where the effect
    /// came first.
    pub healthy: Vec<f32>,
    /// The delay of each message that waited through an outage, in seconds.
    pub outage: Vec<f32>,
    outages: Outages,
    in_outage: bool,
    /// The messages that were acknowledged and have not taken effect.
    waiting: BTreeMap<MessageId, Waiting>,
    /// Whether each message took effect, by its number.
    effects: Vec<bool>,
    /// The messages that took effect and are not acknowledged yet.
    early: BTreeSet<MessageId>,
    /// By partition, the number of messages that wait through an outage and have reached no
    /// handler.
    left_over: BTreeMap<TopicPartition, usize>,
}

/// A message that waits.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    since: Instant,
    partition: TopicPartition,
    /// Whether it waits through an outage.
    through_outage: bool,
    /// Whether it has reached a handler.
    handled: bool,
}

impl Delays {
    /// Reads an entry of the trace.
    pub(super) fn observe(&mut self, at: Instant, event: &TraceEvent) {
        let before = self.in_outage;
        self.in_outage = self.outages.observe(event);
        if self.in_outage && !before {
            self.outage_begins();
        }
        match *event {
            TraceEvent::Acknowledged {
                message, partition, ..
            } => self.acknowledged(at, message, partition),
            TraceEvent::HandlerStarted { message, .. } => self.reaches_handler(message),
            TraceEvent::DeadLettered { message, .. } => {
                self.reaches_handler(message);
                self.waiting.remove(&message);
            }
            TraceEvent::Effect {
                message,
                outcome: Outcome::Ok,
                ..
            } => self.takes_effect(at, message),
            _ => {}
        }
    }

    fn outage_begins(&mut self) {
        for message in self.waiting.values_mut() {
            if !message.through_outage {
                message.through_outage = true;
                if !message.handled {
                    *self.left_over.entry(message.partition).or_default() += 1;
                }
            }
        }
    }

    fn acknowledged(&mut self, at: Instant, message: MessageId, partition: TopicPartition) {
        self.acknowledged += 1;
        if self.early.remove(&message) {
            let delays = match self.in_outage {
                true => &mut self.outage,
                false => &mut self.healthy,
            };
            delays.push(0.0);
            return;
        }
        if self.took_effect(message) || self.waiting.contains_key(&message) {
            return;
        }
        let left_over = self.left_over.entry(partition).or_default();
        let through_outage = self.in_outage || *left_over > 0;
        *left_over += usize::from(through_outage);
        let waiting = Waiting {
            since: at,
            partition,
            through_outage,
            handled: false,
        };
        self.waiting.insert(message, waiting);
    }

    fn reaches_handler(&mut self, message: MessageId) {
        let Some(waiting) = self.waiting.get_mut(&message) else {
            return;
        };
        if waiting.through_outage && !waiting.handled {
            *self.left_over.entry(waiting.partition).or_default() -= 1;
        }
        waiting.handled = true;
    }

    fn took_effect(&self, message: MessageId) -> bool {
        let effect = self.effects.get(message.0 as usize);
        effect.copied().unwrap_or_default()
    }

    fn takes_effect(&mut self, at: Instant, message: MessageId) {
        if self.took_effect(message) {
            return;
        }
        let index = message.0 as usize;
        if index >= self.effects.len() {
            self.effects.resize(index + 1, false);
        }
        self.effects[index] = true;
        self.reaches_handler(message);
        match self.waiting.remove(&message) {
            None => {
                self.early.insert(message);
            }
            Some(waiting) => {
                let delays = match waiting.through_outage {
                    true => &mut self.outage,
                    false => &mut self.healthy,
                };
                delays.push(at.saturating_since(waiting.since).as_secs_f32());
            }
        }
    }
}
