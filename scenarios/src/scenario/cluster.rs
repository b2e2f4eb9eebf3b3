//! `[cluster]`: brokers and their settings.

use std::time::Duration;

/// The brokers of a scenario.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// How many brokers; at least 1, at most 9.
    pub brokers: u32,
    /// Replicas of each partition; at most `brokers`.
    pub replication: u32,
    /// `min.insync.replicas`; at most `replication`.
    pub min_insync: u32,
    /// Settings by Kafka's own names (`[cluster.settings]`).
    pub settings: BrokerSettings,
}

/// The broker settings that are modelled; defaults are Kafka 4's, where no other is stated.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerSettings {
    /// `broker.session.timeout.ms`: a broker silent for so long is fenced.
    pub broker_session_timeout: Duration,
    /// `broker.heartbeat.interval.ms`.
    pub broker_heartbeat_interval: Duration,
    /// `replica.lag.time.max.ms`: a follower behind for so long leaves the in-sync set.
    pub replica_lag_time_max: Duration,
    /// `replica.fetch.wait.max.ms`: the long poll of followers. Default here: 2 s, not Kafka's
    /// 500 ms, because idle polls cost simulated events and show nothing.
    pub replica_fetch_wait_max: Duration,
    /// `group.initial.rebalance.delay.ms`.
    pub group_initial_rebalance_delay: Duration,
    /// `group.min.session.timeout.ms`.
    pub group_min_session_timeout: Duration,
    /// `group.max.session.timeout.ms`.
    pub group_max_session_timeout: Duration,
    /// `offsets.commit.timeout.ms`: how long a commit waits for its replicas.
    pub offsets_commit_timeout: Duration,
    /// `offsets.topic.num.partitions`. Default here: 1, because one group has one coordinator.
    pub offsets_topic_partitions: u32,
}

impl Default for BrokerSettings {
    fn default() -> Self {
        Self {
            broker_session_timeout: Duration::from_secs(9),
            broker_heartbeat_interval: Duration::from_secs(2),
            replica_lag_time_max: Duration::from_secs(30),
            replica_fetch_wait_max: Duration::from_secs(2),
            group_initial_rebalance_delay: Duration::from_secs(3),
            group_min_session_timeout: Duration::from_secs(6),
            group_max_session_timeout: Duration::from_secs(1800),
            offsets_commit_timeout: Duration::from_secs(5),
            offsets_topic_partitions: 1,
        }
    }
}

impl Default for Cluster {
    fn default() -> Self {
        Self {
            brokers: 3,
            replication: 3,
            min_insync: 2,
            settings: BrokerSettings::default(),
        }
    }
}
