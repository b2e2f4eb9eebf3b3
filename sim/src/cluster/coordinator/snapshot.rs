//! The group's state as it goes into `__consumer_offsets`.

use crate::protocol::{Generation, GroupMemberId, JoinGroupRequest};
use crate::topology::PartitionIndex;
use plimsoll_scenarios::scenario::Assignor;
use std::time::Duration;

/// The group's state as it goes into `__consumer_offsets` (`GroupMetadataValue`).
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupSnapshot {
    pub(super) generation: Generation,
    pub(super) leader: Option<GroupMemberId>,
    pub(super) members: Vec<Profile>,
}

/// What is remembered of a member.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(super) id: GroupMemberId,
    pub(super) instance: Option<u32>,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    pub(super) assignor: Assignor,
    pub(super) owned: Vec<PartitionIndex>,
    pub(super) owned_since: Generation,
    pub(super) assignment: Vec<PartitionIndex>,
}

impl Profile {
    /// Creates the profile of a member from its request to join.
    pub(super) fn new(id: GroupMemberId, request: JoinGroupRequest) -> Self {
        Self {
            id,
            instance: request.instance,
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            assignor: request.assignor,
            owned: request.owned,
            owned_since: request.owned_since,
            assignment: Vec::new(),
        }
    }

    /// Returns whether a request to join says what is known already (`ClassicGroupMember.matches`).
    pub(super) fn matches(&self, request: &JoinGroupRequest) -> bool {
        self.assignor == request.assignor
            && self.owned == request.owned
            && self.owned_since == request.owned_since
    }
}
