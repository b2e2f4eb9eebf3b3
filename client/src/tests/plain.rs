//! A dialect for tests: batches of any number of records, and members that say what they are.

use crate::accumulator::Numbering;
use crate::{Owned, Speaker, Unreadable};
use plimsoll_core::{AssignmentEpoch, Record};
use plimsoll_protocol::{
    Assignor, Batch, CommitMetadata, Content, Dialect, LogEntry, PartitionIndex, ProducerStamp,
    Protocols,
};

/// The payload of batches that cannot be read.
pub(crate) const UNREADABLE: u32 = u32::MAX;

/// The payload of batches that are not for applications.
pub(crate) const MARKER: u32 = u32::MAX - 1;

/// A dialect for tests, and a client that speaks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plain;

impl Dialect for Plain {
    type Batch = Records;
    type Subscription = Says;
    type Assignment = Vec<PartitionIndex>;
    type Client = ();
    type Topic = u32;
    type CommitMetadata = Founding;
}

/// A batch of records, each with the same payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Records {
    /// Number of records.
    pub(crate) count: u32,
    pub(crate) payload: u32,
    /// Number of the first one, of an idempotent producer.
    pub(crate) sequence: Option<u32>,
}

impl Batch for Records {
    fn offsets(&self) -> u32 {
        self.count
    }

    fn size(&self) -> u32 {
        self.count
    }

    fn max_timestamp(&self) -> Option<i64> {
        None
    }

    fn first_since(&self, _: i64, _: u32) -> Option<(u32, i64)> {
        None
    }

    fn producer(&self) -> Option<ProducerStamp> {
        None
    }
}

/// What a member says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Says {
    pub(crate) assignor: Assignor,
    pub(crate) owned: Owned,
}

impl Protocols for Says {
    type Name = Assignor;
    type Topic = u32;

    fn names(&self) -> impl Iterator<Item = &Assignor> {
        std::iter::once(&self.assignor)
    }

    fn under(&self, _: &Assignor) -> Self {
        self.clone()
    }

    fn subscribes(&self, _: &u32) -> bool {
        true
    }
}

/// What a member attaches to a commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Founding(pub(crate) Option<u32>, pub(crate) Option<u32>);

impl CommitMetadata for Founding {
    fn length(&self) -> usize {
        0
    }
}

impl Numbering for Plain {
    type Dialect = Plain;

    fn number(&self, batch: Records, sequence: u32) -> Records {
        Records {
            sequence: Some(sequence),
            ..batch
        }
    }
}

impl Speaker for Plain {
    type Dialect = Plain;
    type Payload = u32;

    /// Reads a batch, unless its payload is [`UNREADABLE`].
    fn read(
        &self,
        _: PartitionIndex,
        entry: &LogEntry<Plain>,
        records: &mut Vec<Record<u32>>,
    ) -> Result<(), Unreadable> {
        let Content::Batch(batch) = &entry.content else {
            return Ok(());
        };
        if batch.payload == UNREADABLE {
            return Err(Unreadable);
        }
        if batch.payload == MARKER {
            return Ok(());
        }
        let mut offset = entry.offset;
        for _ in 0..batch.count {
            records.push(Record {
                offset,
                key: None,
                bytes: 1,
                payload: batch.payload,
            });
            offset = plimsoll_core::Offset::new(offset.get() + 1);
        }
        Ok(())
    }

    fn dead_letter(&self, _: PartitionIndex, _: AssignmentEpoch, of: &Record<u32>) -> Records {
        Records {
            count: 1,
            payload: of.payload,
            sequence: None,
        }
    }

    fn subscription(&self, assignor: Assignor, owned: Owned) -> Says {
        Says { assignor, owned }
    }

    fn owned(&self, subscription: &Says) -> Owned {
        subscription.owned.clone()
    }

    fn assignor(&self, protocol: &Assignor) -> Option<Assignor> {
        Some(*protocol)
    }

    fn assignment(&self, partitions: Vec<PartitionIndex>) -> Vec<PartitionIndex> {
        partitions
    }

    fn assigned(&self, assignment: Vec<PartitionIndex>) -> Option<Vec<PartitionIndex>> {
        Some(assignment)
    }

    fn metadata(&self, founding_partitions: u32, leader_epoch: Option<u32>) -> Founding {
        Founding(Some(founding_partitions), leader_epoch)
    }

    fn founding_partitions(&self, metadata: &Founding) -> Option<u32> {
        metadata.0
    }

    fn leader_epoch(&self, metadata: &Founding) -> Option<u32> {
        metadata.1
    }
}
