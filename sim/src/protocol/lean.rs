//! The dialect of the simulator: small values, one record a batch.

use super::{Batch, CommitMetadata, Dialect, Generation, LogEntry, ProducerStamp, Protocols};
use crate::topology::PartitionIndex;
use plimsoll_core::{AssignmentEpoch, Offset};
use plimsoll_oracle::{MemberId, MessageId};
use plimsoll_scenarios::scenario::Assignor;

/// The dialect of the simulator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lean;

impl Dialect for Lean {
    type Batch = Value;
    type Subscription = Subscription;
    type Assignment = Vec<PartitionIndex>;
    type Client = ();
    /// The topic's number.
    type Topic = u32;
    type CommitMetadata = Founding;

    /// Adds the bytes that the entries are: to clone them would look at each of their fields.
    #[inline]
    fn copy_entries(entries: &[LogEntry], to: &mut Vec<LogEntry>) {
        to.extend(entries.iter().copied());
    }
}

/// The content of a producer's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A message of the workload.
    Message {
        /// The message.
        id: MessageId,
        /// The number of its key.
        key: Option<u32>,
        /// Its size in bytes.
        bytes: u32,
        /// Number of the message among those of this producer in this partition, from 0, where the
        /// producer is idempotent.
        sequence: Option<u32>,
    },
    /// A copy in the dead-letter topic: headers name its origin.
    DeadLetter {
        /// The message.
        id: MessageId,
        /// The partition in which the record lies.
        partition: PartitionIndex,
        /// The record's offset there.
        offset: Offset,
        /// The member that wrote it, for the trace alone.
        member: MemberId,
        /// The assignment under which that gave the record up, for the trace alone.
        epoch: AssignmentEpoch,
    },
}

impl Value {
    /// The size of each record in fetches, in bytes: simulated clients ask for numbers of records.
    pub(crate) const SIZE: u32 = 1_024;
}

impl Batch for Value {
    #[inline]
    fn offsets(&self) -> u32 {
        1
    }

    #[inline]
    fn size(&self) -> u32 {
        Self::SIZE
    }

    fn max_timestamp(&self) -> Option<i64> {
        None
    }

    fn first_since(&self, _: i64, _: u32) -> Option<(u32, i64)> {
        None
    }

    /// Returns the stamp of the workload's producer, the only one that is idempotent.
    #[inline]
    fn producer(&self) -> Option<ProducerStamp> {
        match *self {
            Self::Message { sequence, .. } => sequence.map(|sequence| ProducerStamp {
                id: 0,
                epoch: 0,
                sequence,
            }),
            Self::DeadLetter { .. } => None,
        }
    }
}

/// What a member says of itself when it joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// How it wants to be assigned.
    pub assignor: Assignor,
    /// Partitions that the member owns (KIP-429), for sticky assignment.
    pub owned: Vec<PartitionIndex>,
    /// The generation whose assignment they are (KIP-792); -1: none.
    pub owned_since: Generation,
}

impl Protocols for Subscription {
    type Name = Assignor;
    type Topic = u32;

    fn names(&self) -> impl Iterator<Item = &Assignor> {
        std::iter::once(&self.assignor)
    }

    fn under(&self, _: &Assignor) -> Self {
        self.clone()
    }

    fn subscribes(&self, _: &u32) -> bool {
        // Members subscribe to all topics of the workload.
        true
    }
}

/// What a member attaches to a commit: Plimsoll's own consumer keeps `founding_partitions` there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Founding {
    /// The number of partitions that the topic had when its group first committed for it.
    pub partitions: Option<u32>,
    /// The leader epoch of the last record that the commit covers.
    pub leader_epoch: Option<u32>,
}

impl CommitMetadata for Founding {
    fn length(&self) -> usize {
        // It stands for a short text.
        0
    }
}
