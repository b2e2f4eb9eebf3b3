//! What belongs to the cluster, but to none of its brokers: what was observed of it already, ids
//! that are unique in all of it, and memory that its messages leave behind.

use super::coordinator::snapshot::GroupSnapshot;
use super::observations::Observed;
use crate::protocol::{Dialect, FetchRequest, FetchResponse, GroupIndex, GroupMemberId};
use crate::table::{DenseId, Table};
use crate::topology::{PartitionIndex, PerPartition};

/// What belongs to the cluster, but to none of its brokers.
#[expect(clippy::vec_box, reason = "messages travel in their boxes")]
#[derive(Debug, Default)]
pub(crate) struct Shared<D: Dialect> {
    /// What the trace tells of a partition's records.
    pub(super) observed: PerPartition<Observed>,
    /// The partition of `__consumer_offsets` in which each group lies.
    groups: Table<GroupIndex, PartitionIndex>,
    /// States of groups as they went into `__consumer_offsets`.
    pub(super) group_snapshots: Vec<(GroupIndex, GroupSnapshot<D>)>,
    members: u32,
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

    /// Gives a number to a group that lies in this partition of `__consumer_offsets`. Where it lies
    /// is for the caller to say, which knows its name (Kafka: the hash of that,
    /// `GroupCoordinatorService.partitionFor`).
    pub(crate) fn register_group(&mut self, offsets: PartitionIndex) -> GroupIndex {
        self.groups.push(offsets);
        GroupIndex::from_index(self.groups.len() - 1)
    }

    /// Returns the partition of `__consumer_offsets` in which a group lies.
    #[inline]
    pub(super) fn offsets_of(&self, group: GroupIndex) -> PartitionIndex {
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
        self.responses.push(response);
    }
}
