//! A group's state as it goes into `__consumer_offsets`.

use crate::protocol::{
    Dialect, Generation, GroupMemberId, JoinGroupRequest, ProtocolName, ProtocolType, Protocols,
};
use std::time::Duration;

/// A group's state as it goes into `__consumer_offsets` (`GroupMetadataValue`).
#[derive(Debug)]
pub(crate) struct GroupSnapshot<D: Dialect> {
    pub(super) generation: Generation,
    pub(super) protocol_type: Option<ProtocolType>,
    pub(super) protocol: Option<ProtocolName<D>>,
    pub(super) leader: Option<GroupMemberId>,
    pub(super) members: Vec<Profile<D>>,
}

/// A member, as the group's snapshot keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Profile<D: Dialect> {
    pub(super) id: GroupMemberId,
    pub(super) instance: Option<u32>,
    pub(super) client: D::Client,
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
            client: request.client,
            session_timeout: request.session_timeout,
            rebalance_timeout: request.rebalance_timeout,
            subscription: request.subscription,
            assignment: D::Assignment::default(),
        }
    }

    /// Returns the profile of a member of a group that is assigned by this protocol.
    pub(super) fn under(&self, protocol: Option<&ProtocolName<D>>) -> Self {
        Self {
            id: self.id,
            instance: self.instance,
            client: self.client.clone(),
            session_timeout: self.session_timeout,
            rebalance_timeout: self.rebalance_timeout,
            subscription: match protocol {
                Some(protocol) => self.subscription.under(protocol),
                None => self.subscription.clone(),
            },
            assignment: self.assignment.clone(),
        }
    }

    /// Returns whether a request to join says what is known already (`ClassicGroupMember.matches`).
    pub(super) fn matches(&self, request: &JoinGroupRequest<D>) -> bool {
        self.subscription == request.subscription
    }
}
