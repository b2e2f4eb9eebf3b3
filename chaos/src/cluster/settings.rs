//! The settings of brokers.

use plimsoll_scenarios::scenario::BrokerSettings;
use std::time::Duration;

/// Settings that are the same on every broker, as `server.properties` has them.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    ("process.roles", "broker,controller"),
    (
        "listener.security.protocol.map",
        "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT",
    ),
    ("inter.broker.listener.name", "INTERNAL"),
    ("controller.listener.names", "CONTROLLER"),
    ("log.dirs", "/var/lib/kafka/data"),
    // A lost broker is noticed, and has caught up again, in seconds: scenarios run in real time.
    // Its session is longer than a busy machine makes a broker wait: twelve heartbeats.
    ("broker.session.timeout.ms", "6000"),
    ("broker.heartbeat.interval.ms", "500"),
    ("replica.lag.time.max.ms", "5000"),
    ("group.initial.rebalance.delay.ms", "0"),
    ("group.min.session.timeout.ms", "500"),
    // One broker may fail.
    ("default.replication.factor", "3"),
    ("min.insync.replicas", "2"),
    ("offsets.topic.replication.factor", "3"),
    ("offsets.topic.num.partitions", "4"),
    ("transaction.state.log.replication.factor", "3"),
    ("transaction.state.log.min.isr", "2"),
    ("transaction.state.log.num.partitions", "4"),
    ("share.coordinator.state.topic.replication.factor", "3"),
    ("share.coordinator.state.topic.min.isr", "2"),
    ("share.coordinator.state.topic.num.partitions", "4"),
    // Only the plan creates topics and moves leaders.
    ("auto.create.topics.enable", "false"),
    ("auto.leader.rebalance.enable", "false"),
    // The cleaner's default of 128 MB does not fit into a small heap.
    ("log.cleaner.dedupe.buffer.size", "8388608"),
];

/// Returns what a scenario would have to state for a simulated cluster to be like ours.
pub fn broker_settings() -> BrokerSettings {
    let value = |name| {
        let mut settings = SETTINGS.iter();
        let found = settings.find(|(setting, _)| *setting == name);
        found.and_then(|(_, value)| value.parse().ok())
    };
    let millis = |name, default| value(name).map_or(default, Duration::from_millis);
    let default = BrokerSettings::default();
    BrokerSettings {
        broker_session_timeout: millis("broker.session.timeout.ms", default.broker_session_timeout),
        broker_heartbeat_interval: millis(
            "broker.heartbeat.interval.ms",
            default.broker_heartbeat_interval,
        ),
        replica_lag_time_max: millis("replica.lag.time.max.ms", default.replica_lag_time_max),
        // Kafka's own default; the language's is longer.
        replica_fetch_wait_max: Duration::from_millis(500),
        group_initial_rebalance_delay: millis(
            "group.initial.rebalance.delay.ms",
            default.group_initial_rebalance_delay,
        ),
        group_min_session_timeout: millis(
            "group.min.session.timeout.ms",
            default.group_min_session_timeout,
        ),
        ..default
    }
}
