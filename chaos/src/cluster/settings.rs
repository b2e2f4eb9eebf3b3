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

/// The settings of our brokers that scenarios can state, by name.
const MODELLED: [&str; 5] = [
    "broker.session.timeout.ms",
    "broker.heartbeat.interval.ms",
    "replica.lag.time.max.ms",
    "group.initial.rebalance.delay.ms",
    "group.min.session.timeout.ms",
];

/// Returns what a scenario would have to state for a simulated cluster to be like ours: names and
/// values. Other settings that it can state are Kafka's own defaults in both.
pub fn stated_settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    let ours = SETTINGS.iter().copied();
    let ours = ours.filter(|(name, _)| MODELLED.contains(name));
    // Kafka's own default; the language's is longer.
    ours.chain([("replica.fetch.wait.max.ms", "500")])
}

/// Returns the settings of a simulated cluster that is like ours.
pub fn broker_settings() -> BrokerSettings {
    let millis = |name| {
        let mut stated = stated_settings();
        let (_, value) = stated.find(|(stated, _)| *stated == name).expect(name);
        Duration::from_millis(value.parse().expect(name))
    };
    BrokerSettings {
        broker_session_timeout: millis("broker.session.timeout.ms"),
        broker_heartbeat_interval: millis("broker.heartbeat.interval.ms"),
        replica_lag_time_max: millis("replica.lag.time.max.ms"),
        replica_fetch_wait_max: millis("replica.fetch.wait.max.ms"),
        group_initial_rebalance_delay: millis("group.initial.rebalance.delay.ms"),
        group_min_session_timeout: millis("group.min.session.timeout.ms"),
        ..BrokerSettings::default()
    }
}
