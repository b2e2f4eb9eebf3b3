//! How a client says what brokers carry and never read, and reads it again.

use plimsoll_core::{AssignmentEpoch, Record};
use plimsoll_protocol::{Assignor, Dialect, Generation, LogEntry, PartitionIndex, ProtocolName};
use std::fmt::Debug;

/// A batch as producers append it, in the dialect of a speaker.
pub type BatchOf<S> = <<S as Speaker>::Dialect as Dialect>::Batch;

/// The words of a member about itself, in the dialect of a speaker.
pub type SubscriptionOf<S> = <<S as Speaker>::Dialect as Dialect>::Subscription;

/// The assignment of a member, in the dialect of a speaker.
pub type AssignmentOf<S> = <<S as Speaker>::Dialect as Dialect>::Assignment;

/// The metadata of a commit, in the dialect of a speaker.
pub type MetadataOf<S> = <<S as Speaker>::Dialect as Dialect>::CommitMetadata;

/// Records as the application of a speaker gets them.
pub type RecordsOf<S> = Vec<Record<<S as Speaker>::Payload>>;

/// How a client says what brokers carry and never read, and reads it again: values in a simulator,
/// bytes on a network. It has what that needs, as the names of topics.
pub trait Speaker: Debug {
    /// What is carried.
    type Dialect: Dialect;
    /// What the application gets with each record, and the client never reads.
    type Payload: Clone + Debug;

    /// Reads the records of an entry of a partition in the order of their offsets, behind those
    /// that are there already. What is no record of an application is left out.
    ///
    /// # Errors
    /// Fails where the entry cannot be read, and so cannot be left out: it is fetched again.
    fn read(
        &self,
        partition: PartitionIndex,
        entry: &LogEntry<Self::Dialect>,
        records: &mut Vec<Record<Self::Payload>>,
    ) -> Result<(), Unreadable>;

    /// Writes the copy of a record for the topic of dead letters.
    fn dead_letter(
        &self,
        origin: PartitionIndex,
        epoch: AssignmentEpoch,
        record: &Record<Self::Payload>,
    ) -> BatchOf<Self>;

    /// Writes what a member says of itself, which has subscribed to the topics of its group.
    fn subscription(&self, assignor: Assignor, owned: Owned) -> SubscriptionOf<Self>;

    /// Reads what another member owns; nothing where it says so in a form that cannot be read.
    fn owned(&self, subscription: &SubscriptionOf<Self>) -> Owned;

    /// Reads by which assignor a protocol assigns; `None`: by none that there is here.
    fn assignor(&self, protocol: &ProtocolName<Self::Dialect>) -> Option<Assignor>;

    /// Writes what a member is given.
    fn assignment(&self, partitions: Vec<PartitionIndex>) -> AssignmentOf<Self>;

    /// Reads what the member is given; `None`: that makes no sense.
    fn assigned(&self, assignment: AssignmentOf<Self>) -> Option<Vec<PartitionIndex>>;

    /// Writes what is attached to a commit: the number of partitions that the topic had when its
    /// group first committed for it, and the leader epoch of the last record that it covers.
    fn metadata(&self, founding_partitions: u32, leader_epoch: Option<u32>) -> MetadataOf<Self>;

    /// Reads that number, where a commit has it.
    fn founding_partitions(&self, metadata: &MetadataOf<Self>) -> Option<u32>;

    /// Reads that epoch, where a commit has it.
    fn leader_epoch(&self, metadata: &MetadataOf<Self>) -> Option<u32>;
}

/// An entry of a log that cannot be read. The speaker alone knows why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

/// The partitions that a member owns when it joins (KIP-429).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owned {
    /// The partitions.
    pub partitions: Vec<PartitionIndex>,
    /// The generation whose assignment they are (KIP-792); -1: none.
    pub since: Generation,
}

impl Owned {
    /// Returns whether a partition is among them.
    pub(crate) fn has(&self, partition: PartitionIndex) -> bool {
        self.partitions.contains(&partition)
    }
}
