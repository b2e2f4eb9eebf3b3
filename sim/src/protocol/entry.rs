//! What lies in logs.

use super::{Batch, Dialect, Generation, GroupIndex, Lean, Node};
use crate::topology::PartitionIndex;
use plimsoll_core::{NextOffset, Offset};

/// An entry in a log or on its way from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LogEntry<D: Dialect = Lean> {
    /// The first of its offsets.
    pub offset: Offset,
    pub leader_epoch: u32,
    pub content: Content<D>,
}

/// What an entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content<D: Dialect = Lean> {
    /// What a producer sent.
    Batch(D::Batch),
    /// In `__consumer_offsets`: an offset that a member committed.
    Commit(Commit<D>),
    /// In `__consumer_offsets`: an offset that was committed for no member, by a tool.
    Reset {
        group: GroupIndex,
        offset: CommittedOffset<D>,
    },
    /// In `__consumer_offsets`: the end of an offset that a group committed (a tombstone).
    OffsetTombstone {
        group: GroupIndex,
        partition: PartitionIndex,
    },
    /// In `__consumer_offsets`: a group's state, by its number in `Shared`.
    Group { group: GroupIndex, snapshot: u32 },
    /// In `__consumer_offsets`: the end of a group (a tombstone).
    GroupTombstone(GroupIndex),
}

/// The key of what a coordinator writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ContentKey {
    Group(GroupIndex),
    Offset(GroupIndex, PartitionIndex),
}

/// An offset that a member committed, with what an observer is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Commit<D: Dialect = Lean> {
    pub group: GroupIndex,
    pub offset: CommittedOffset<D>,
    /// The node that sent it.
    pub by: Node,
    pub generation: Generation,
    /// Whether the group was rebalancing when the coordinator accepted the commit.
    pub rebalancing: bool,
    /// Whether its member had closed the connection when the commit arrived.
    pub late: bool,
}

/// A committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommittedOffset<D: Dialect = Lean> {
    pub partition: PartitionIndex,
    pub next: NextOffset,
    pub metadata: D::CommitMetadata,
}

impl<D: Dialect> LogEntry<D> {
    /// Returns the offset behind it.
    #[inline]
    pub(crate) fn end(&self) -> u64 {
        self.offset.get() + u64::from(self.content.offsets())
    }

    /// Returns the number of its bytes.
    #[inline]
    pub(crate) fn size(&self) -> u32 {
        self.content.size()
    }
}

impl<D: Dialect> Content<D> {
    /// Returns the number of offsets that it takes.
    #[inline]
    pub(crate) fn offsets(&self) -> u32 {
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
    pub(crate) fn key(&self) -> Option<ContentKey> {
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
    pub(crate) fn is_tombstone(&self) -> bool {
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
