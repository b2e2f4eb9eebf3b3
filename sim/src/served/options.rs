//! What a served cluster is to be.

use plimsoll_scenarios::scenario::{BrokerSettings, Distribution};
use std::time::Duration;

/// The settings of a served cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// The number of brokers, 1 to 16.
    pub brokers: u16,
    /// The number of replicas of a topic that does not say it; more than there are brokers are as
    /// many as there are brokers.
    pub replication: u16,
    /// `min.insync.replicas`.
    pub min_insync: u32,
    /// The racks in which the brokers stand (`broker.rack`), dealt out in turn; none: they are not
    /// told. Replicas lie on brokers side by side, so in as many racks as there can be, as
    /// `StripedReplicaPlacer` has it.
    pub racks: Vec<String>,
    /// The settings of all brokers.
    pub settings: BrokerSettings,
    /// The latency of the network between the brokers. Clients have their own network.
    pub latency: Distribution,
    /// The time of day when it begins, since 1970. Without it timestamps are neither checked nor
    /// given.
    pub began: Option<Duration>,
    /// The time between two looks for records that topics no longer keep
    /// (`log.retention.check.interval.ms`).
    pub retention_check: Duration,
    /// Whether [`Output::Observed`](super::Output) tells what becomes of the logs.
    pub is_observed: bool,
    /// What all random choices follow from.
    pub seed: u64,
}

impl Options {
    /// The greatest number of brokers.
    pub const MOST_BROKERS: u16 = 16;
}

/// One broker with Kafka's defaults, and those of the `server.properties` that comes with Kafka.
impl Default for Options {
    fn default() -> Self {
        Self {
            brokers: 1,
            replication: 3,
            min_insync: 1,
            racks: Vec::new(),
            settings: BrokerSettings {
                group_initial_rebalance_delay: Duration::ZERO,
                replica_fetch_wait_max: Duration::from_millis(500),
                offsets_topic_partitions: 50,
                offsets_load_time: Duration::ZERO,
                ..BrokerSettings::default()
            },
            latency: Distribution::even(Duration::from_micros(1), Duration::from_micros(5)),
            began: None,
            retention_check: Duration::from_secs(300),
            is_observed: false,
            seed: 0,
        }
    }
}
