//! How simulated clients say what brokers carry: as the values that it is.

use crate::protocol::{Content, Founding, Lean, LogEntry, Subscription, Value};
use crate::recipes::Payload;
use crate::topology::PartitionIndex;
use plimsoll_client::accumulator::Numbering;
use plimsoll_client::{Owned, Speaker, Unreadable};
use plimsoll_core::{AssignmentEpoch, KeyHash, Record};
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::scenario::Assignor;

/// A member that speaks the dialect of the simulator.
#[derive(Clone, Copy, Debug)]
pub struct LeanSpeaker {
    /// The member, which the trace names as the writer of its dead letters.
    pub(super) member: MemberId,
}

/// The producer of the workload, as far as it numbers its messages.
#[derive(Clone, Copy, Debug)]
pub(super) struct LeanNumbering;

impl Numbering for LeanNumbering {
    type Dialect = Lean;

    fn number(&self, mut batch: Value, number: u32) -> Value {
        if let Value::Message { sequence, .. } = &mut batch {
            *sequence = Some(number);
        }
        batch
    }
}

impl Speaker for LeanSpeaker {
    type Dialect = Lean;
    type Payload = Payload;

    #[inline]
    fn read(
        &self,
        _: PartitionIndex,
        entry: &LogEntry,
        records: &mut Vec<Record<Payload>>,
    ) -> Result<(), Unreadable> {
        if let Content::Batch(Value::Message { id, key, bytes, .. }) = entry.content {
            records.push(Record {
                offset: entry.offset,
                key: key.map(|key| KeyHash(u64::from(key))),
                bytes,
                payload: Payload { message: id, key },
            });
        }
        Ok(())
    }

    fn dead_letter(
        &self,
        origin: PartitionIndex,
        epoch: AssignmentEpoch,
        record: &Record<Payload>,
    ) -> Value {
        Value::DeadLetter {
            id: record.payload.message,
            partition: origin,
            offset: record.offset,
            member: self.member,
            epoch,
        }
    }

    fn subscription(&self, assignor: Assignor, owned: Owned) -> Subscription {
        Subscription {
            assignor,
            owned: owned.partitions,
            owned_since: owned.since,
        }
    }

    fn owned(&self, subscription: &Subscription) -> Owned {
        Owned {
            partitions: subscription.owned.clone(),
            since: subscription.owned_since,
        }
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
        Founding {
            partitions: Some(founding_partitions),
            leader_epoch,
        }
    }

    fn founding_partitions(&self, metadata: &Founding) -> Option<u32> {
        metadata.partitions
    }

    fn leader_epoch(&self, metadata: &Founding) -> Option<u32> {
        metadata.leader_epoch
    }
}
