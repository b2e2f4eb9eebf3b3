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
use super::form::{Below, Number, Positive};
use super::measures::Millis;
use super::table::{Keys, Rules, table};
use super::write::Section;
use std::time::Duration;

table! {
    /// Brokers, and how partitions are replicated.
    pub struct Cluster {
        /// The number of brokers.
        pub brokers: u32 as Number<1, 9> = 3;
        /// The number of replicas of each partition, at most `brokers`; where `brokers` is below 3,
        /// the default is as many.
        pub replication: u32 as Number<1, 9> = 3;
        /// The number of replicas in sync below which writes fail (`min.insync.replicas`), at most
        /// `replication`; where that is 2 or 1, the default is 1.
        pub min_insync: u32 as Number<1, 9> = 2;
        /// Broker settings by Kafka's own names, with or without quotes. A number is milliseconds
        /// where the name ends in `ms`.
        pub settings: BrokerSettings as Below = BrokerSettings::default();
    }
}

table! {
    /// The broker settings that are modelled; defaults are Kafka 4's, where no other is stated.
    pub struct BrokerSettings {
        /// The time without a heartbeat after which the controller fences a broker.
        pub broker_session_timeout ("broker.session.timeout.ms"): Duration as Positive<Millis>
            = Duration::from_secs(9);
        /// The time between two heartbeats of a broker to the controller.
        pub broker_heartbeat_interval ("broker.heartbeat.interval.ms"): Duration as Positive<Millis>
            = Duration::from_secs(2);
        /// The time after which a follower that lags behind leaves the in-sync set.
        pub replica_lag_time_max ("replica.lag.time.max.ms"): Duration as Positive<Millis>
            = Duration::from_secs(30);
        /// The long poll of followers. Kafka's default is 500 ms; idle polls cost simulated events
        /// and show nothing.
        pub replica_fetch_wait_max ("replica.fetch.wait.max.ms"): Duration as Positive<Millis>
            = Duration::from_secs(2);
        /// The time that an empty group waits for more members to join.
        pub group_initial_rebalance_delay ("group.initial.rebalance.delay.ms"): Duration as Millis
            = Duration::from_secs(3);
        /// The shortest session timeout that a member may ask for.
        pub group_min_session_timeout ("group.min.session.timeout.ms"): Duration as Positive<Millis>
            = Duration::from_secs(6);
        /// The longest session timeout that a member may ask for.
        pub group_max_session_timeout ("group.max.session.timeout.ms"): Duration as Positive<Millis>
            = Duration::from_secs(1800);
        /// The time that a commit waits for its replicas.
        pub offsets_commit_timeout ("offsets.commit.timeout.ms"): Duration as Positive<Millis>
            = Duration::from_secs(5);
        /// The time for which a new coordinator loads the group's partition before it answers.
        /// Kafka has no such setting: there it grows with the partition, to seconds and more.
        pub offsets_load_time ("offsets.load.time.ms"): Duration as Millis
            = Duration::from_millis(5);
        /// The number of partitions of `__consumer_offsets`. Kafka's default is 50; one group has
        /// one coordinator.
        pub offsets_topic_partitions ("offsets.topic.num.partitions"): u32 as Number<1, 50> = 1;
    }
}

impl Rules for Cluster {
    fn implied(&self) -> Self {
        Self {
            replication: self.brokers.clamp(1, 3),
            min_insync: self.replication.saturating_sub(1).clamp(1, 2),
            ..Self::default()
        }
    }
}

impl Rules for BrokerSettings {}

impl Cluster {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let before = problems.len();
        self.check_values(&place!["cluster"], problems);
        let (brokers, replication, min_insync) = (self.brokers, self.replication, self.min_insync);
        if problems.len() > before {
            // Numbers that are wrong by themselves are not compared.
        } else if replication > brokers {
            let message = format!("{replication} replicas on {brokers} brokers");
            problems.push(
                Problem::new(place!["cluster", "replication"], message)
                    .or_at(place!["cluster", "brokers"])
                    .expected(format!("expected 1 to {brokers}")),
            );
        } else if min_insync > replication {
            let message = format!("{min_insync} replicas in sync, of {replication}");
            problems.push(
                Problem::new(place!["cluster", "min_insync"], message)
                    .or_at(place!["cluster", "replication"])
                    .expected(format!("expected 1 to {replication}")),
            );
        }
        self.settings.check(problems);
    }

    pub(super) fn write_tables(&self, file: &mut String) {
        let mut section = Section::new("[cluster]");
        self.write(&mut section);
        section.finish(file, false);
        let mut section = Section::new("[cluster.settings]");
        self.settings.write(&mut section);
        section.finish(file, false);
    }
}

impl BrokerSettings {
    fn check(&self, problems: &mut Vec<Problem>) {
        let at = |name: &str| place!["cluster", "settings", name];
        self.check_values(&place!["cluster", "settings"], problems);
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
    }
}
