//! Voting: by which protocol a group is assigned (`ClassicGroup`).

use super::group::Group;
use crate::protocol::{
    Dialect, GroupState, JoinGroupRequest, ProtocolName, Protocols, VotedProtocol,
};

impl<D: Dialect> Group<D> {
    /// Returns whether the members can be assigned by any protocol of one that wants to join
    /// (`supportsProtocols`). One that joins again must agree with what it said before, too.
    pub(super) fn supports(&self, request: &JoinGroupRequest<D>) -> bool {
        let mut names = request.subscription.names();
        if self.state == GroupState::Empty {
            return request.protocol_type.is_some() && names.next().is_some();
        }
        request.protocol_type == self.protocol_type && names.any(|name| self.all_support(name))
    }

    /// Returns the protocol with the most votes: each member votes for the first of its own that
    /// all support (`selectProtocol`). Of several with as many votes Kafka takes any; this takes
    /// the one for which a member voted first. `None` without members.
    pub(super) fn select_protocol(&self) -> Option<ProtocolName<D>> {
        let mut votes: Vec<(&ProtocolName<D>, usize)> = Vec::new();
        for member in &self.members {
            let mut names = member.profile.subscription.names();
            let Some(vote) = names.find(|name| self.all_support(name)) else {
                continue;
            };
            match votes.iter_mut().find(|(name, _)| *name == vote) {
                Some((_, count)) => *count += 1,
                None => votes.push((vote, 1)),
            }
        }
        let winner = votes.iter().rev().max_by_key(|(_, count)| *count);
        winner.map(|(name, _)| (*name).clone())
    }

    /// Returns the protocol for which the members voted, with its type.
    pub(super) fn voted(&self) -> Option<VotedProtocol<D>> {
        Some((self.protocol_type?, self.protocol.clone()?))
    }

    /// Returns whether a member believes the group to be assigned by another protocol
    /// (`GroupMetadataManager.isProtocolInconsistent`).
    pub(super) fn is_inconsistent(&self, believed: Option<&VotedProtocol<D>>) -> bool {
        let Some((protocol_type, name)) = believed else {
            return false;
        };
        let is_other_type = self.protocol_type.is_some_and(|own| own != *protocol_type);
        is_other_type || self.protocol.as_ref().is_some_and(|own| own != name)
    }

    fn all_support(&self, name: &ProtocolName<D>) -> bool {
        let mut subscriptions = self.members.iter().map(|m| &m.profile.subscription);
        subscriptions.all(|subscription| subscription.supports(name))
    }
}
