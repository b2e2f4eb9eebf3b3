//! Whom faults hit.

use crate::protocol::Node;
use crate::world::World;
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::scenario::{BrokerTarget, Direction, MemberTarget};

impl World<'_> {
    pub(super) fn resolve_member(
        &self,
        target: MemberTarget,
        subject: Option<MemberId>,
    ) -> Option<MemberId> {
        let member = match target {
            MemberTarget::Member(member) => Some(member),
            MemberTarget::Subject => subject.or_else(|| self.busiest_member()),
            MemberTarget::OwnerOf(partition) => {
                let mut members = self.actors.members.iter();
                let owner = members.find(|(_, member)| member.owns(partition));
                owner.map(|(id, _)| id)
            }
        };
        member.filter(|member| self.runs(self.env.member_node(*member)))
    }

    /// The owner of the most partitions; of several, the first.
    fn busiest_member(&self) -> Option<MemberId> {
        let members = self.actors.members.iter().rev();
        let busiest = members.max_by_key(|(_, member)| member.owned())?;
        Some(busiest.0)
    }

    pub(super) fn resolve_broker(&self, target: BrokerTarget) -> Option<Node> {
        let broker = match target {
            BrokerTarget::Broker(broker) => Some(Node(broker as u8)),
            BrokerTarget::LeaderOf(partition) => {
                let index = self.env.topology.index(partition)?;
                self.actors.controller.leader(index)
            }
            BrokerTarget::Coordinator => self
                .actors
                .controller
                .leader(self.env.topology.group_offsets()),
        };
        broker.filter(|broker| self.runs(*broker))
    }

    /// The pairs of a member and a broker, or all brokers.
    pub(super) fn links(&self, member: Node, broker: Option<Node>) -> Vec<(Node, Node)> {
        match broker {
            Some(broker) => vec![(member, broker)],
            None => self.env.brokers().map(|broker| (member, broker)).collect(),
        }
    }

    pub(super) fn node_count(&self) -> u8 {
        (self.actors.brokers.len() + 2 + self.actors.members.len()) as u8
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

pub(super) fn directed(pairs: Vec<(Node, Node)>, direction: Direction) -> Vec<(Node, Node)> {
    pairs
        .into_iter()
        .flat_map(|(member, broker)| match direction {
            Direction::Both => vec![(member, broker), (broker, member)],
            Direction::Requests => vec![(member, broker)],
            Direction::Responses => vec![(broker, member)],
        })
        .collect()
}
