//! The group's state as it goes into `__consumer_offsets`.

use crate::protocol::{Dialect, Generation, GroupMemberId, JoinGroupRequest};
use std::time::Duration;

/// The group's state as it goes into `__consumer_offsets` (`GroupMetadataValue`).
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupSnapshot<D: Dialect> {
    pub(super) generation: Generation,
    pub(super) leader: Option<GroupMemberId>,
    pub(super) members: Vec<Profile<D>>,
}

/// What is remembered of a member.
#[derive(Clone, Debug)]
pub(crate) struct Profile<D: Dialect> {
    pub(super) id: GroupMemberId,
    pub(super) instance: Option<u32>,
    pub(super) session_timeout: Duration,
    pub(super) rebalance_timeout: Duration,
    pub(super) subscription: D::Subscription,
    pub(super) assignment: D::Assignment,
}

impl<D: Dialect> Profile<D> {
    /// Creates the profile of a member from its request to join.
    pub(super) fn new(id: GroupMemberId, request: JoinGroupRequest<D>) -> Self {
        Self {
            id,
            instance: request.instance,
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            subscription: request.subscription,
            assignment: D::Assignment::default(),
        }
    }

    /// Returns whether a request to join says what is known already (`ClassicGroupMember.matches`).
    pub(super) fn matches(&self, request: &JoinGroupRequest<D>) -> bool {
        self.subscription == request.subscription
    }
}
