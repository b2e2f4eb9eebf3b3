//! What every process of a cluster knows from the start.

use super::placement::Placement;
use crate::protocol::{Node, PartitionState};
use crate::topology::PartitionSet;
use plimsoll_scenarios::scenario::BrokerSettings;

/// What every process of a cluster knows from the start.
#[derive(Debug)]
pub(crate) struct ClusterSettings {
    /// Number of brokers, which are the first nodes.
    pub brokers: usize,
    /// The controller's node.
    pub controller: Node,
    /// Number of nodes, those of clients among them.
    pub nodes: usize,
    /// Number of partitions that there are or can be.
    pub partitions: usize,
    /// The partitions of `__consumer_offsets`.
    pub offsets: PartitionSet,
    /// Where new partitions lie.
    pub placement: Placement,
    /// The partitions that exist at the start.
    pub initial: Vec<PartitionState>,
    /// `min.insync.replicas`.
    pub min_insync: u32,
    pub broker: BrokerSettings,
}
