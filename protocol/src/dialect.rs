//! What brokers carry and never read, as a parameter of all that carries it.
//!
//! In the *lean* dialect of the simulator these are small values ([`Lean`](super::Lean)); where
//! brokers are served to clients on a network they are the bytes of Kafka's protocol. Whatever
//! brokers read (offsets, epochs, ids, errors, deadlines) has one type in both. Nothing asks which
//! dialect it is in: where a rule seems to need that, it reads the wrong thing.

use super::LogEntry;
use std::fmt::Debug;

/// What brokers carry and never read.
pub trait Dialect: Copy + Debug + Default + Eq + 'static {
    /// What a producer appends to a log in one piece.
    type Batch: Batch;
    /// What a member says of itself when it joins.
    type Subscription: Protocols<Topic = Self::Topic>;
    /// What the group's leader gives to a member.
    type Assignment: Clone + Debug + Default + Eq;
    /// What a member's process is: its client id and its host.
    type Client: Clone + Debug + Default + Eq;
    /// The name of a topic.
    type Topic: Clone + Debug + Eq;
    /// What a member attaches to a commit: a text, and the leader epoch of what it committed.
    type CommitMetadata: CommitMetadata;

    /// Adds copies of entries to others.
    #[inline]
    fn copy_entries(entries: &[LogEntry<Self>], to: &mut Vec<LogEntry<Self>>) {
        to.extend_from_slice(entries);
    }
}

/// What brokers read of a batch of records.
pub trait Batch: Clone + Debug + Eq {
    /// Returns the number of offsets that it takes: one at least.
    fn offsets(&self) -> u32;

    /// Returns the number of its bytes, by which fetches are limited.
    fn size(&self) -> u32;

    /// Returns the greatest timestamp of its records, in milliseconds since 1970; `None`: they have
    /// none.
    fn max_timestamp(&self) -> Option<i64>;

    /// Returns the first of its records, from this one on, that has this timestamp or a later one:
    /// its number in the batch, and its timestamp.
    fn first_since(&self, timestamp: i64, from: u32) -> Option<(u32, i64)>;

    /// Returns what it says of its producer, where that is idempotent.
    fn producer(&self) -> Option<ProducerStamp>;
}

/// What a batch of an idempotent producer says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerStamp {
    /// The producer's id.
    pub id: u64,
    /// Number that increases when another process takes the id over.
    pub epoch: u16,
    /// Number of the batch's first record among those of this producer in this partition.
    pub sequence: u32,
}

/// The name of a protocol by which members can be assigned.
pub type ProtocolName<D> = <<D as Dialect>::Subscription as Protocols>::Name;

/// What a coordinator reads of a member's subscription: the protocols by which the member can be
/// assigned.
pub trait Protocols: Clone + Debug + Eq {
    /// The name of a protocol.
    type Name: Clone + Debug + Eq;
    /// The name of a topic.
    type Topic;

    /// Returns the names of the protocols, the one that the member prefers first.
    fn names(&self) -> impl Iterator<Item = &Self::Name>;

    /// Returns what the member says of itself under one of its protocols.
    fn under(&self, name: &Self::Name) -> Self;

    /// Returns whether the member has subscribed to a topic, as it says under its protocols; also
    /// where it says so in a form that cannot be read.
    fn subscribes(&self, topic: &Self::Topic) -> bool;

    /// Returns whether the member can be assigned by a protocol.
    fn supports(&self, name: &Self::Name) -> bool {
        self.names().any(|own| own == name)
    }
}

/// What a coordinator reads of a commit's metadata.
pub trait CommitMetadata: Clone + Debug + Default + Eq {
    /// Returns the number of its characters.
    fn length(&self) -> usize;
}
