//! What is at which node: brokers first, then the controller, the producer and the members.

use crate::protocol::Node;
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::Plan;

/// The nodes of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nodes {
    brokers: u16,
    members: u16,
}

/// The part of a node in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Broker,
    Controller,
    Producer,
    Member(MemberId),
}

impl Nodes {
    /// Creates the nodes of a plan.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            brokers: plan.settings.cluster.brokers as u16,
            members: plan.starts.len() as u16,
        }
    }

    /// Returns the number of all nodes.
    pub(crate) fn count(self) -> usize {
        usize::from(self.brokers) + 2 + usize::from(self.members)
    }

    /// Returns the brokers' nodes, from 0 up.
    pub(crate) fn brokers(self) -> impl DoubleEndedIterator<Item = Node> + ExactSizeIterator {
        (0..self.brokers).map(Node)
    }

    /// Returns the controller's node.
    pub(crate) fn controller(self) -> Node {
        Node(self.brokers)
    }

    /// Returns the producer's node.
    pub(crate) fn producer(self) -> Node {
        Node(self.brokers + 1)
    }

    /// Returns a member's node.
    pub(crate) fn member(self, member: MemberId) -> Node {
        Node(self.brokers + 2 + member.0 as u16)
    }

    /// Returns what is at a node.
    #[inline]
    pub(crate) fn place_of(self, node: Node) -> Place {
        match node.0.checked_sub(self.brokers) {
            None => Place::Broker,
            Some(0) => Place::Controller,
            Some(1) => Place::Producer,
            Some(other) => Place::Member(MemberId(u32::from(other - 2))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_node_has_one_place() {
        let nodes = Nodes {
            brokers: 3,
            members: 2,
        };
        let places: Vec<Place> = (0..nodes.count() as u16)
            .map(|node| nodes.place_of(Node(node)))
            .collect();
        let member = |member| Place::Member(MemberId(member));
        assert_eq!(places[..3], [Place::Broker; 3]);
        assert_eq!(
            places[3..],
            [Place::Controller, Place::Producer, member(0), member(1)]
        );
        assert!(
            nodes
                .brokers()
                .all(|node| nodes.place_of(node) == Place::Broker)
        );
        assert_eq!(nodes.place_of(nodes.controller()), Place::Controller);
        assert_eq!(nodes.place_of(nodes.producer()), Place::Producer);
        assert_eq!(nodes.place_of(nodes.member(MemberId(1))), member(1));
    }
}
