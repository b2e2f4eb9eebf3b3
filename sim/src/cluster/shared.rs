//! What belongs to the cluster, but to none of its brokers: what was observed of it already, ids
//! that are unique in all of it, and memory that its messages leave behind.

use super::coordinator::snapshot::GroupSnapshot;
use super::observations::Observed;
use crate::protocol::{Dialect, FetchRequest, FetchResponse, GroupIndex, GroupMemberId};
use crate::table::{DenseId, Table};
use crate::topology::{PartitionIndex, PerPartition};
use std::collections::BTreeMap;

/// The state of the cluster that none of its brokers has alone.
#[expect(clippy::vec_box, reason = "messages travel in their boxes")]
#[derive(Debug, Default)]
pub(crate) struct Shared<D: Dialect> {
    /// What the trace tells of a partition's records.
    pub(super) observed: PerPartition<Observed>,
    /// The partition of `__consumer_offsets` in which each group lies.
    groups: Table<GroupIndex, PartitionIndex>,
    /// States of groups as they went into `__consumer_offsets`, by their numbers: those that a
    /// coordinator may still load.
    snapshots: BTreeMap<(GroupIndex, u32), GroupSnapshot<D>>,
    /// Number of the next state.
    next_snapshot: u32,
    members: u32,
    /// `min.insync.replicas` of the partitions whose topics have their own.
    min_insync: BTreeMap<PartitionIndex, u32>,
    /// Messages that arrived, kept for the next ones.
    requests: Vec<Box<FetchRequest>>,
    responses: Vec<Box<FetchResponse<D>>>,
}

impl<D: Dialect> Shared<D> {
    /// Creates the state of a cluster with this number of partitions, of which nothing was seen yet.
    pub(crate) fn new(partitions: usize) -> Self {
        Self {
            observed: PerPartition::new(partitions, |_| Observed::default()),
            ..Self::default()
        }
    }

    /// Returns the number of partitions that there are, were, or can be: each has a lower index.
    #[inline]
    pub(crate) fn partitions(&self) -> usize {
        self.observed.len()
    }

    /// Returns the indexes of partitions that are to be created, which none had before; `None`, and
    /// none is taken, where there are not that many left.
    #[cfg_attr(
        not(any(test, feature = "wire")),
        expect(
            dead_code,
            reason = "only a served cluster gets topics that no plan has"
        )
    )]
    pub(crate) fn add_partitions(&mut self, count: usize) -> Option<Vec<PartitionIndex>> {
        let (first, end) = (self.observed.len(), self.observed.len() + count);
        if end > PartitionIndex::LAST.index() + 1 {
            return None;
        }
        self.observed.grow(end);
        Some((first..end).map(PartitionIndex::from_index).collect())
    }

    /// Sets `min.insync.replicas` of a partition; `None`: what its brokers have. All know it at once
    /// (Kafka: with the metadata).
    #[cfg_attr(
        not(feature = "wire"),
        expect(dead_code, reason = "topics of plans have no settings")
    )]
    pub(crate) fn set_min_insync(&mut self, partition: PartitionIndex, min_insync: Option<u32>) {
        match min_insync {
            Some(min_insync) => self.min_insync.insert(partition, min_insync),
            None => self.min_insync.remove(&partition),
        };
    }

    /// Returns `min.insync.replicas` of a partition whose topic has its own.
    #[inline]
    pub(super) fn min_insync(&self, partition: PartitionIndex) -> Option<u32> {
        self.min_insync.get(&partition).copied()
    }

    /// Keeps a group's state that goes into `__consumer_offsets`. Returns its number.
    pub(super) fn keep_snapshot(&mut self, group: GroupIndex, snapshot: GroupSnapshot<D>) -> u32 {
        let number = self.next_snapshot;
        self.next_snapshot += 1;
        self.snapshots.insert((group, number), snapshot);
        number
    }

    /// Returns a group's state by its number, where a coordinator may still load it.
    pub(super) fn snapshot(&self, group: GroupIndex, number: u32) -> Option<&GroupSnapshot<D>> {
        self.snapshots.get(&(group, number))
    }

    /// Returns the number that the next state of a group will have.
    pub(super) fn next_snapshot(&self) -> u32 {
        self.next_snapshot
    }

    /// Drops the states of a group with lower numbers than this one, as compaction does: a later
    /// one, or the end of the group, is replicated, so that every log from which a coordinator can
    /// load has that too.
    pub(super) fn drop_snapshots_below(&mut self, group: GroupIndex, number: u32) {
        while let Some((oldest, _)) = self.snapshots.range((group, 0)..(group, number)).next() {
            let oldest = *oldest;
            self.snapshots.remove(&oldest);
        }
    }

    /// Returns the number of states that are kept.
    #[cfg(test)]
    pub(super) fn snapshots(&self) -> usize {
        self.snapshots.len()
    }

    /// Gives a number to a group that lies in this partition of `__consumer_offsets`. Where it lies
    /// is for the caller to say, which knows its name (Kafka: the hash of that,
    /// `GroupCoordinatorService.partitionFor`).
    pub(crate) fn register_group(&mut self, offsets: PartitionIndex) -> GroupIndex {
        self.groups.push(offsets);
        GroupIndex::from_index(self.groups.len() - 1)
    }

    /// Returns the partition of `__consumer_offsets` in which a group lies.
    #[inline]
    pub(crate) fn offsets_of(&self, group: GroupIndex) -> PartitionIndex {
        self.groups[group]
    }

    /// Returns an id that no member had before (Kafka: a UUID).
    pub(crate) fn new_group_member(&mut self) -> GroupMemberId {
        self.members += 1;
        GroupMemberId(self.members)
    }

    /// Returns an empty fetch request, in used memory where there is some.
    #[inline]
    pub(crate) fn fetch_request(&mut self) -> Box<FetchRequest> {
        self.requests.pop().unwrap_or_default()
    }

    /// Returns an empty fetch response, in used memory where there is some.
    #[inline]
    pub(crate) fn fetch_response(&mut self) -> Box<FetchResponse<D>> {
        self.responses.pop().unwrap_or_default()
    }

    /// Takes the memory of a fetch request that was answered.
    #[inline]
    pub(crate) fn recycle_request(&mut self, mut request: Box<FetchRequest>) {
        request.positions.clear();
        self.requests.push(request);
    }

    /// Takes the memory of a fetch response that was read.
    #[inline]
    pub(crate) fn recycle_response(&mut self, mut response: Box<FetchResponse<D>>) {
        response.partitions.clear();
        response.entries.clear();
        response.asked.clear();
        response.left_off = None;
        self.responses.push(response);
    }
}
