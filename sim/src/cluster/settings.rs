//! What every process of a cluster knows from the start.

use super::placement::Placement;
use crate::protocol::{Node, PartitionState};
use crate::topology::{PartitionIndex, PartitionSet};
use plimsoll_scenarios::scenario::BrokerSettings;
use std::time::Duration;

/// What every process of a cluster knows from the start.
#[derive(Debug)]
pub(crate) struct ClusterSettings {
    /// Number of brokers, which are the first nodes.
    pub brokers: usize,
    /// The controller's node.
    pub controller: Node,
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
    /// Whether all brokers learn of every in-sync set, as in Kafka, and not only the leader that
    /// asked for it. Clients alone see the difference: it costs a message for each broker.
    pub publishes_in_sync: bool,
    /// The time for which each broker has run when the cluster begins: what it does in a beat comes
    /// at its own moments.
    pub ages: Vec<Duration>,
    pub broker: BrokerSettings,
}

impl ClusterSettings {
    /// Creates the settings of a cluster without topics: all that it has at the start are the
    /// partitions of `__consumer_offsets`, which have the first indexes.
    #[cfg_attr(
        not(any(test, feature = "wire")),
        expect(dead_code, reason = "a cluster that is served has no plan")
    )]
    pub(crate) fn new(placement: Placement, min_insync: u32, broker: BrokerSettings) -> Self {
        let partitions = broker.offsets_topic_partitions as u16;
        let offsets = (0..partitions).map(PartitionIndex);
        Self {
            brokers: placement.brokers.into(),
            controller: Node(placement.brokers),
            partitions: partitions.into(),
            offsets: offsets.clone().collect(),
            placement,
            initial: offsets
                .map(|partition| placement.place(partition))
                .collect(),
            min_insync,
            publishes_in_sync: true,
            ages: vec![Duration::ZERO; placement.brokers.into()],
            broker,
        }
    }
}
