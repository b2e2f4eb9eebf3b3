//! Whom faults hit.

use crate::world::World;
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::scenario::{BrokerTarget, MemberTarget};

impl World {
    pub(super) fn resolve_member(
        &self,
        target: MemberTarget,
        subject: Option<MemberId>,
    ) -> Option<MemberId> {
        let member = match target {
            MemberTarget::Member(member) => Some(member),
            MemberTarget::Triggering => subject.or_else(|| self.membership.busiest()),
            MemberTarget::OwnerOf(partition) => self.membership.owner(partition),
        };
        member.filter(|member| self.processes.runs(*member))
    }

    pub(super) fn resolve_broker(&self, target: BrokerTarget) -> Option<u32> {
        match target {
            BrokerTarget::Broker(broker) => Some(broker),
            BrokerTarget::LeaderOf(partition) => self.leaders.leader(partition),
            BrokerTarget::Coordinator => self.leaders.coordinator(),
        }
    }
}

/// Whom a fault was meant for: nobody in particular, somebody who was found, or nobody there.
pub(super) fn found<T>(target: Option<Option<T>>) -> Result<Option<T>, ()> {
    match target {
        None => Ok(None),
        Some(Some(target)) => Ok(Some(target)),
        Some(None) => Err(()),
    }
}
