//! What lies in logs.

use crate::{Batch as _, Dialect, Generation, GroupIndex, Node, PartitionIndex};
use plimsoll_core::{NextOffset, Offset};

/// An entry in a log or on its way from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry<D: Dialect> {
    /// The first of its offsets.
    pub offset: Offset,
    /// The leader epoch in which it was written.
    pub leader_epoch: u32,
    /// Its content.
    pub content: Content<D>,
}

/// The content of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<D: Dialect> {
    /// What a producer sent.
    Batch(D::Batch),
    /// In `__consumer_offsets`: an offset that a member committed.
    Commit(Commit<D>),
    /// In `__consumer_offsets`: an offset that was committed for no member, by a tool.
    Reset {
        /// The group for which it was committed.
        group: GroupIndex,
        /// The offset.
        offset: CommittedOffset<D>,
    },
    /// In `__consumer_offsets`: the end of an offset that a group committed (a tombstone).
    OffsetTombstone {
        /// The group that committed it.
        group: GroupIndex,
        /// The partition of which it was.
        partition: PartitionIndex,
    },
    /// In `__consumer_offsets`: a group's state, by the number under which the cluster keeps it.
    Group {
        /// The group.
        group: GroupIndex,
        /// The number of its state.
        snapshot: u32,
    },
    /// In `__consumer_offsets`: the end of a group (a tombstone).
    GroupTombstone(GroupIndex),
}

/// The key of what a coordinator writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContentKey {
    /// A group's state.
    Group(GroupIndex),
    /// A group's committed offset of a partition.
    Offset(GroupIndex, PartitionIndex),
}

/// An offset that a member committed, with what an observer is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit<D: Dialect> {
    /// The group of the member.
    pub group: GroupIndex,
    /// The offset.
    pub offset: CommittedOffset<D>,
    /// The node that sent it.
    pub by: Node,
    /// The generation in which it was committed.
    pub generation: Generation,
    /// Whether the group was rebalancing when the coordinator accepted the commit.
    pub rebalancing: bool,
    /// Whether its member had closed the connection when the commit arrived.
    pub late: bool,
}

/// A committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommittedOffset<D: Dialect> {
    /// The partition.
    pub partition: PartitionIndex,
    /// The offset behind the last record that is finished.
    pub next: NextOffset,
    /// The metadata that the member attached to it.
    pub metadata: D::CommitMetadata,
}

impl<D: Dialect> LogEntry<D> {
    /// Returns the offset behind it.
    #[inline]
    pub fn end(&self) -> u64 {
        self.offset.get() + u64::from(self.content.offsets())
    }

    /// Returns the number of its bytes.
    #[inline]
    pub fn size(&self) -> u32 {
        self.content.size()
    }
}

impl<D: Dialect> Content<D> {
    /// Returns the number of offsets that it takes.
    #[inline]
    pub fn offsets(&self) -> u32 {
        match self {
            Self::Batch(batch) => batch.offsets(),
            Self::Commit(_)
            | Self::Reset { .. }
            | Self::OffsetTombstone { .. }
            | Self::Group { .. }
            | Self::GroupTombstone(_) => 1,
        }
    }

    /// Returns what a later entry with the same key replaces, where compaction keeps the latest one
    /// of each key: in `__consumer_offsets`.
    pub fn key(&self) -> Option<ContentKey> {
        Some(match self {
            Self::Batch(_) => return None,
            Self::Commit(Commit { group, offset, .. }) | Self::Reset { group, offset } => {
                ContentKey::Offset(*group, offset.partition)
            }
            Self::OffsetTombstone { group, partition } => ContentKey::Offset(*group, *partition),
            Self::Group { group, .. } | Self::GroupTombstone(group) => ContentKey::Group(*group),
        })
    }

    /// Returns whether it says that there is nothing under its key any more.
    pub fn is_tombstone(&self) -> bool {
        matches!(self, Self::OffsetTombstone { .. } | Self::GroupTombstone(_))
    }

    /// Returns the number of its bytes; of what coordinators write, which is no bytes here, the
    /// usual one.
    #[inline]
    fn size(&self) -> u32 {
        match self {
            Self::Batch(batch) => batch.size(),
            Self::Commit(_)
            | Self::Reset { .. }
            | Self::OffsetTombstone { .. }
            | Self::Group { .. }
            | Self::GroupTombstone(_) => 256,
        }
    }
}

/// An entry can be copied as the bytes that it is where the dialect's types can.
impl<D: Dialect<Batch: Copy, CommitMetadata: Copy>> Copy for LogEntry<D> {}
impl<D: Dialect<Batch: Copy, CommitMetadata: Copy>> Copy for Content<D> {}
impl<D: Dialect<CommitMetadata: Copy>> Copy for Commit<D> {}
