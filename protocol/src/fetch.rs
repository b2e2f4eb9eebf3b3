//! Fetches, and the answers to them.

use crate::{DenseId as _, Dialect, ErrorName, LogEntry, PartitionIndex, PartitionSet};
use std::time::Duration;

/// A fetch, by a consumer or a follower.
#[derive(Debug, Default)]
pub struct FetchRequest {
    /// Whether a follower asks: it reads up to the log's end, not to the high watermark.
    pub follower: bool,
    /// Longest wait for records.
    pub max_wait: Duration,
    /// Number of bytes for which it waits.
    pub min_bytes: u32,
    /// Greatest number of bytes of the answer; a first batch comes in any case (KIP-74).
    pub max_bytes: u32,
    /// The partition with which the answer begins; those with lower indexes follow behind the last
    /// one. So each has its turn where `max_bytes` do not reach for all.
    pub first: PartitionIndex,
    /// Whether it differs from the sender's last fetch only where the answer to that told of
    /// something (KIP-227): the broker need not look at the other partitions again.
    pub is_incremental: bool,
    /// The partitions, all of them in any case.
    pub positions: Positions,
}

/// What a fetch asks for. With the answer it comes back to its sender, so that the next fetch is
/// made without going through all partitions.
#[derive(Clone, Debug, Default)]
pub struct Positions {
    partitions: PartitionSet,
    /// Positions, by partition; those of partitions that the set has not mean nothing.
    positions: Vec<FetchPosition>,
}

impl Positions {
    /// Adds the position in a partition.
    #[inline]
    pub fn insert(&mut self, position: FetchPosition) {
        let place = position.partition.index();
        if place >= self.positions.len() {
            self.positions.resize(place + 1, position);
        }
        self.positions[place] = position;
        self.partitions.insert(position.partition);
    }

    /// Takes all positions out.
    #[inline]
    pub fn clear(&mut self) {
        self.partitions.clear();
    }

    /// Returns whether nothing is asked for.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// Returns the partitions that are fetched.
    #[inline]
    pub fn partitions(&self) -> &PartitionSet {
        &self.partitions
    }

    /// Returns the position in a partition, where it is fetched.
    #[inline]
    pub fn get(&self, partition: PartitionIndex) -> Option<&FetchPosition> {
        let is_fetched = self.partitions.contains(partition);
        is_fetched.then(|| &self.positions[partition.index()])
    }

    /// Returns the position in a partition, to be changed, where it is fetched.
    #[inline]
    pub fn get_mut(&mut self, partition: PartitionIndex) -> Option<&mut FetchPosition> {
        let is_fetched = self.partitions.contains(partition);
        is_fetched.then(|| &mut self.positions[partition.index()])
    }

    /// Returns the positions, in the order of their partitions.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &FetchPosition> {
        let partitions = self.partitions.iter();
        partitions.map(|partition| &self.positions[partition.index()])
    }
}

/// Takes the positions, of which each is of another partition.
impl FromIterator<FetchPosition> for Positions {
    fn from_iter<P: IntoIterator<Item = FetchPosition>>(from: P) -> Self {
        let mut positions = Self::default();
        from.into_iter()
            .for_each(|position| positions.insert(position));
        positions
    }
}

/// Stands for no leader epoch.
pub const NO_EPOCH: u32 = u32::MAX;

/// One partition's part of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchPosition {
    /// The partition.
    pub partition: PartitionIndex,
    /// The first offset wanted.
    pub offset: u64,
    /// The leader epoch that the sender knows: fences both sides (KIP-320); [`NO_EPOCH`]: it does
    /// not say.
    pub leader_epoch: u32,
    /// Epoch of the last record that the sender has, to find where logs part (KIP-595);
    /// [`NO_EPOCH`]: it does not say.
    pub last_fetched_epoch: u32,
    /// The high watermark that a follower knows (KIP-1166): the leader tells only of another one.
    pub high_watermark: u64,
    /// The log start that a follower has.
    pub log_start: u64,
    /// Greatest number of bytes of this partition.
    pub max_bytes: u32,
}

/// The answer to a fetch.
#[derive(Debug, Default)]
pub struct FetchResponse<D: Dialect> {
    /// The partitions of which there is something to tell (KIP-227), from `FetchRequest::first` on.
    pub partitions: Vec<FetchedPartition>,
    /// The first partition with records of which there was no room for any.
    pub left_off: Option<PartitionIndex>,
    /// The entries of all partitions, in the order of `partitions`.
    pub entries: Vec<LogEntry<D>>,
    /// The request's positions.
    pub asked: Positions,
}

/// One partition's part of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchedPartition {
    /// The partition.
    pub partition: PartitionIndex,
    /// Why it was not read, where it was not.
    pub error: Option<ErrorName>,
    /// Number of this partition's entries in `FetchResponse::entries`.
    pub entries: u32,
    /// The offset up to which consumers may read.
    pub high_watermark: u64,
    /// The first offset that its log holds.
    pub log_start: u64,
    /// The epoch, and its end offset, to which a follower has to truncate first.
    pub diverging: Option<(u32, u64)>,
}
