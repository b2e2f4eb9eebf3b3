//! What is asked about the offsets of one partition.

use crate::{NO_EPOCH, PartitionIndex};
use std::time::Duration;

/// A question about the offsets of a partition, or the wish that its log begin further on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetsRequest {
    /// The partition.
    pub partition: PartitionIndex,
    /// The leader epoch that the sender knows (KIP-320); [`NO_EPOCH`]: it does not say.
    pub leader_epoch: u32,
    /// The place that is sought.
    pub wanted: Wanted,
}

/// The place that is sought in a partition's log, or the start that it is to get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The start of the log (`ListOffsets`, timestamp -2).
    Earliest,
    /// The end of what can be read (`ListOffsets`, timestamp -1).
    Latest,
    /// The first record with the greatest timestamp (`ListOffsets`, timestamp -3; KIP-734).
    MaxTimestamp,
    /// The first record with this timestamp or a later one (`ListOffsets`).
    Timestamp(i64),
    /// The greatest leader epoch up to this one, and where it ends (`OffsetForLeaderEpoch`).
    EndOfEpoch(u32),
    /// The removal of all records below an offset; `None`: of all that can be read
    /// (`DeleteRecords`).
    Removal {
        /// The first offset that stays.
        below: Option<u64>,
        /// Longest wait until all replicas have removed them.
        timeout: Duration,
    },
}

/// An offset that was found. Upon a removal it is the first one that all replicas still have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundOffset {
    /// The offset.
    pub offset: u64,
    /// The leader epoch of its record, or of what would be written there.
    pub leader_epoch: Option<u32>,
    /// The timestamp of its record, where one was sought.
    pub timestamp: Option<i64>,
}

impl OffsetsRequest {
    /// Creates the request of a sender that knows no leader epoch, or one that is none.
    pub fn new(partition: PartitionIndex, leader_epoch: i32, wanted: Wanted) -> Self {
        Self {
            partition,
            leader_epoch: u32::try_from(leader_epoch).unwrap_or(NO_EPOCH),
            wanted,
        }
    }

    /// Returns whether it is answered as a question of `ListOffsets`.
    pub fn is_listing(&self) -> bool {
        !matches!(self.wanted, Wanted::EndOfEpoch(_) | Wanted::Removal { .. })
    }
}
