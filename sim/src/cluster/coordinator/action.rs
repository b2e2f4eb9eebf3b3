//! What a group leaves for its broker to do.

use super::snapshot::GroupSnapshot;
use crate::cluster::connections::Reply;
use crate::protocol::{Dialect, GroupIndex, GroupMemberId, Response};

/// An order of a group to its broker.
#[derive(Debug)]
pub(crate) enum Action<D: Dialect> {
    /// An answer to a member.
    Reply(Reply, Response<D>),
    /// A write of the group's state; the group learns when it is replicated.
    Write(Change, GroupSnapshot<D>),
}

/// A write of the group's state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupWrite {
    pub(super) group: GroupIndex,
    pub(super) change: Change,
    /// The number of the state, in `Shared`.
    pub(super) snapshot: u32,
}

/// The subject of a new state of the group.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// The leader's assignment for a generation.
    Assignment(i32),
    /// A static member's return under a new id.
    StaticMember(Replacement),
    /// The departure of the last member.
    Empty,
}

/// A static member's new id.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replacement {
    pub(super) old: GroupMemberId,
    pub(super) new: GroupMemberId,
    /// The group's leader before.
    pub(super) leader: GroupMemberId,
    /// Whether a leader may be told that it need not assign.
    pub(super) skips_assignment: bool,
}
