//! `[cluster]`: brokers and their settings.
//!
//! ```toml
//! [cluster]
//! brokers = 3
//! replication = 3
//! min_insync = 2
//!
//! [cluster.settings]
//! "broker.session.timeout.ms" = 6000
//! "replica.lag.time.max.ms" = "10s"
//! ```

use super::errors::{Problem, place};
use super::units::Millis;
use super::value::{Table, Value};
use super::write::{self, Section};
use schemars::JsonSchema;
use serde::Deserialize;
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

/// Brokers, and how partitions are replicated.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Cluster")]
pub(super) struct RawCluster {
    /// How many brokers, 1 to 9; default 3.
    #[schemars(range(min = 1, max = 9))]
    brokers: Option<u32>,
    /// Replicas of each partition, at most `brokers`; default 3, or as many as there are brokers.
    #[schemars(range(min = 1, max = 9))]
    replication: Option<u32>,
    /// `min.insync.replicas`, at most `replication`; default 2, and below `replication` unless
    /// that is 1.
    #[schemars(range(min = 1, max = 9))]
    min_insync: Option<u32>,
    /// Broker settings by Kafka's own names; a number is milliseconds where the name ends so.
    settings: Option<Table<RawSettings>>,
}

macro_rules! broker_settings {
    ($($field:ident $name:literal $text:literal),+ $(,)?) => {
        /// Broker settings by Kafka's own names.
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
#[schemars(rename = "Settings")]
        pub(super) struct RawSettings {
            $(
                #[doc = $text]
                #[serde(rename = $name)]
                $field: Option<Value<Millis>>,
            )+
            /// Partitions of `__consumer_offsets`, 1 to 50; default 1, because one group has one
            /// coordinator.
            #[serde(rename = "offsets.topic.num.partitions")]
            #[schemars(range(min = 1, max = 50))]
            offsets_topic_partitions: Option<u32>,
        }

        impl RawSettings {
            fn resolve(self) -> BrokerSettings {
                let default = BrokerSettings::default();
                BrokerSettings {
                    $($field: self.$field.map_or(default.$field, |value| value.0.0),)+
                    offsets_topic_partitions: self
                        .offsets_topic_partitions
                        .unwrap_or(default.offsets_topic_partitions),
                }
            }
        }

        impl BrokerSettings {
            /// The settings that are times, by Kafka's names.
            fn times(&self) -> Vec<(&'static str, Duration)> {
                vec![$(($name, self.$field)),+]
            }
        }
    };
}

broker_settings! {
    broker_session_timeout "broker.session.timeout.ms"
        "A broker silent for so long is fenced; default 9000.",
    broker_heartbeat_interval "broker.heartbeat.interval.ms"
        "How often a broker tells the controller that it lives; default 2000.",
    replica_lag_time_max "replica.lag.time.max.ms"
        "A follower behind for so long leaves the in-sync set; default 30000.",
    replica_fetch_wait_max "replica.fetch.wait.max.ms"
        "The long poll of followers; default 2000 (not Kafka's 500).",
    group_initial_rebalance_delay "group.initial.rebalance.delay.ms"
        "How long an empty group waits for more members to join; default 3000.",
    group_min_session_timeout "group.min.session.timeout.ms"
        "The shortest session timeout that a member may ask for; default 6000.",
    group_max_session_timeout "group.max.session.timeout.ms"
        "The longest session timeout that a member may ask for; default 1800000.",
    offsets_commit_timeout "offsets.commit.timeout.ms"
        "How long a commit waits for its replicas; default 5000.",
}

impl RawCluster {
    pub(super) fn resolve(self) -> Cluster {
        let brokers = self.brokers.unwrap_or(Cluster::default().brokers);
        let replication = self.replication.unwrap_or(replication_of(brokers));
        Cluster {
            brokers,
            replication,
            min_insync: self.min_insync.unwrap_or(min_insync_of(replication)),
            settings: self.settings.unwrap_or_default().0.resolve(),
        }
    }
}

/// The replication of a cluster that does not state one.
fn replication_of(brokers: u32) -> u32 {
    brokers.min(3)
}

/// The minimal in-sync set of a replication that comes without one.
fn min_insync_of(replication: u32) -> u32 {
    replication.saturating_sub(1).clamp(1, 2)
}

impl Cluster {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let Self {
            brokers,
            replication,
            min_insync,
            ..
        } = *self;
        if !(1..=9).contains(&brokers) {
            let place = place!["cluster", "brokers"];
            problems.push(
                Problem::new(place, format!("{brokers} brokers")).expected("expected 1 to 9"),
            );
        } else if !(1..=brokers).contains(&replication) {
            let message = format!("{replication} replicas on {brokers} brokers");
            problems.push(
                Problem::new(place!["cluster", "replication"], message)
                    .or_at(place!["cluster", "brokers"])
                    .expected(format!("expected 1 to {brokers}")),
            );
        } else if !(1..=replication).contains(&min_insync) {
            let message = format!("{min_insync} replicas in sync, of {replication}");
            problems.push(
                Problem::new(place!["cluster", "min_insync"], message)
                    .or_at(place!["cluster", "replication"])
                    .expected(format!("expected 1 to {replication}")),
            );
        }
        self.settings.check(problems);
    }

    pub(super) fn write(&self, file: &mut String) {
        let mut section = Section::new("[cluster]");
        let default = Self::default();
        section.differing("brokers", (self.brokers, default.brokers), write::plain);
        let replication = (self.replication, replication_of(self.brokers));
        section.differing("replication", replication, write::plain);
        let min_insync = (self.min_insync, min_insync_of(self.replication));
        section.differing("min_insync", min_insync, write::plain);
        section.finish(file, false);
        self.settings.write(file);
    }
}

impl BrokerSettings {
    fn check(&self, problems: &mut Vec<Problem>) {
        let at = |name: &str| place!["cluster", "settings", name];
        for (name, time) in self.times() {
            if time.is_zero() && name != "group.initial.rebalance.delay.ms" {
                problems.push(
                    Problem::new(at(name), format!("`{name}` is zero"))
                        .expected("expected at least 1 ms"),
                );
            }
        }
        if self.broker_heartbeat_interval >= self.broker_session_timeout {
            let message = "a broker's heartbeats are further apart than its session lasts";
            problems.push(
                Problem::new(at("broker.heartbeat.interval.ms"), message)
                    .or_at(at("broker.session.timeout.ms"))
                    .expected("expected heartbeat.interval below session.timeout"),
            );
        }
        if self.group_min_session_timeout > self.group_max_session_timeout {
            let message = "the shortest session timeout is longer than the longest";
            problems.push(
                Problem::new(at("group.min.session.timeout.ms"), message)
                    .or_at(at("group.max.session.timeout.ms"))
                    .expected("expected min.session.timeout at most max.session.timeout"),
            );
        }
        if !(1..=50).contains(&self.offsets_topic_partitions) {
            let message = format!("{} partitions", self.offsets_topic_partitions);
            problems.push(
                Problem::new(at("offsets.topic.num.partitions"), message)
                    .expected("expected 1 to 50"),
            );
        }
    }

    fn write(&self, file: &mut String) {
        let mut section = Section::new("[cluster.settings]");
        let default = Self::default();
        for ((name, time), (_, default)) in self.times().into_iter().zip(default.times()) {
            section.differing(&format!("\"{name}\""), (time, default), millis);
        }
        let partitions = (
            self.offsets_topic_partitions,
            default.offsets_topic_partitions,
        );
        section.differing("\"offsets.topic.num.partitions\"", partitions, write::plain);
        section.finish(file, false);
    }
}

fn millis(time: Duration) -> String {
    if time.as_nanos().is_multiple_of(1_000_000) {
        time.as_millis().to_string()
    } else {
        write::time(time)
    }
}
