//! What brokers carry and never read, as a parameter of all that carries it.
//!
//! In the *lean* dialect of the simulator these are small values ([`Lean`](super::Lean)); where
//! brokers are served to clients on a network they are the bytes of Kafka's protocol. Whatever
//! brokers read (offsets, epochs, ids, errors, deadlines) has one type in both. Nothing asks which
//! dialect it is in: where a rule seems to need that, it reads the wrong thing.

use std::fmt::Debug;

/// What brokers carry and never read.
pub(crate) trait Dialect: Copy + Debug + Default + Eq + 'static {
    /// What a producer appends to a log in one piece.
    type Batch: Batch;
    /// What a member says of itself when it joins.
    type Subscription: Protocols;
    /// What the group's leader gives to a member.
    type Assignment: Clone + Debug + Default + Eq;
    /// What a member attaches to a commit.
    type CommitMetadata: Clone + Debug + Default + Eq;
}

/// What brokers read of a batch of records.
pub(crate) trait Batch: Clone + Debug + Eq {
    /// Returns the number of offsets that it takes: one at least.
    fn offsets(&self) -> u32;

    /// Returns what it says of its producer, where that is idempotent.
    fn producer(&self) -> Option<ProducerStamp>;
}

/// What a batch of an idempotent producer says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProducerStamp {
    pub id: u64,
    pub epoch: u16,
    /// Number of the batch's first record among those of this producer in this partition.
    pub sequence: u32,
}

/// What a coordinator reads of a member's subscription.
pub(crate) trait Protocols: Clone + Debug + Eq {
    /// Returns whether both members support a protocol by which the group can be assigned.
    fn agree(&self, other: &Self) -> bool;
}
