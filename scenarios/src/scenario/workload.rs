//! `[workload]` and `[[messages]]`: what is produced, and how.

use super::Fate;
use crate::MessageId;
use plimsoll_core::{Instant, TopicPartition};
use std::time::Duration;

/// What is produced.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// Drawn from a description, seed by seed.
    Drawn(Traffic),
    /// Message by message (`[[messages]]`): a regression.
    Explicit(Vec<Message>),
}

/// A description of messages to produce, spread evenly over all topics and partitions.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// How many.
    pub messages: u32,
    /// Messages a second.
    pub rate: f64,
    /// When the first is produced.
    pub start: Duration,
    /// How many different keys; 0: messages have no key, and go round the partitions.
    pub keys: u32,
    /// Zipf's exponent: 0 gives every key the same share, 1 is a strong skew.
    pub key_skew: f64,
    /// Bytes of a message, smallest and largest.
    pub size: (u32, u32),
}

/// One message of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message {
    /// Unique in the plan; the handler's behaviour follows from it and the seed.
    pub id: MessageId,
    /// When the producer gets it.
    pub at: Instant,
    /// Where it goes.
    pub partition: TopicPartition,
    /// The number of its key, if it has one.
    pub key: Option<u32>,
    /// Its size in bytes.
    pub bytes: u32,
    /// What its handler does.
    pub fate: Fate,
}

/// `acks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// The producer does not wait.
    None,
    /// The leader has it.
    Leader,
    /// All in-sync replicas have it.
    All,
}

/// How messages are produced.
#[derive(Clone, Debug, PartialEq)]
pub struct Producer {
    /// What an acknowledgement means.
    pub acks: Acks,
    /// `enable.idempotence`: a retry is stored once.
    pub idempotence: bool,
    /// `request.timeout.ms`.
    pub request_timeout: Duration,
    /// `retry.backoff.ms`.
    pub retry_backoff: Duration,
    /// `delivery.timeout.ms`: then a message is given up, and owed to nobody.
    pub delivery_timeout: Duration,
}

impl Default for Producer {
    fn default() -> Self {
        Self {
            acks: Acks::All,
            idempotence: true,
            request_timeout: Duration::from_secs(2),
            retry_backoff: Duration::from_millis(100),
            delivery_timeout: Duration::from_secs(120),
        }
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            messages: 100,
            rate: 10.0,
            start: Duration::ZERO,
            keys: 0,
            key_skew: 0.0,
            size: (100, 100),
        }
    }
}
