//! The settings that librdkafka gets, and those that a user may not set.

use super::dead_letters::RefusedLetters;
use crate::SettingError;
use plimsoll_core::Config;
use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use std::collections::BTreeMap;
use std::time::Duration;

/// The settings that a user chose.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) brokers: String,
    pub(crate) group: String,
    pub(crate) topics: Vec<String>,
    pub(crate) instance: Option<String>,
    /// The assignor, by librdkafka's name for it.
    pub(crate) assignor: &'static str,
    pub(crate) dead_letter_topic: Option<String>,
    pub(crate) refused_letters: RefusedLetters,
    pub(crate) config: Config,
    /// The settings that go to librdkafka as they are, by name.
    pub(crate) raw: BTreeMap<String, String>,
}

/// The settings that would break a promise, or that have a method of their own, each with the
/// reason and what to do instead.
const REFUSED: [(&str, &str); 31] = [
    ("bootstrap.servers", "is set by `brokers`"),
    ("metadata.broker.list", "is set by `brokers`"),
    ("group.id", "is set by `group`"),
    ("group.instance.id", "is set by `instance_id`"),
    ("partition.assignment.strategy", "is set by `assignor`"),
    ("group.protocol", ONLY_CLASSIC),
    ("group.remote.assignor", ONLY_CLASSIC),
    ("enable.auto.commit", COMMITS),
    ("auto.commit.enable", COMMITS),
    ("auto.commit.interval.ms", INTERVAL),
    ("enable.auto.offset.store", COMMITS),
    ("offset.store.method", COMMITS),
    ("auto.offset.reset", RESET),
    ("enable.partition.eof", UNUSED),
    ("enabled_events", UNUSED),
    ("log.queue", UNUSED),
    ("rebalance_cb", UNUSED),
    ("offset_commit_cb", UNUSED),
    ("consume_cb", UNUSED),
    ("opaque", UNUSED),
    ("default_topic_conf", UNUSED),
    ("consume.callback.max.messages", UNUSED),
    ("queuing.strategy", UNUSED),
    ("enable.idempotence", DEAD_LETTERS),
    ("enable.gapless.guarantee", DEAD_LETTERS),
    ("acks", DEAD_LETTERS),
    ("request.required.acks", DEAD_LETTERS),
    ("transactional.id", DEAD_LETTERS),
    ("max.in.flight", DEAD_LETTERS),
    ("max.in.flight.requests.per.connection", DEAD_LETTERS),
    ("delivery.report.only.error", UNREPORTED),
];

const COMMITS: &str = "would commit messages that are not finished; what is finished is committed in any case, see `commit_interval`";
const INTERVAL: &str = "is set by `commit_interval`";
const RESET: &str = "would skip or repeat messages silently; use `start_at` for a new group, and \
                     `out_of_range` for messages that are gone";
const ONLY_CLASSIC: &str =
    "cannot be changed: the classic group protocol is the one that is tested";
const UNUSED: &str = "is not used by this consumer";
const DEAD_LETTERS: &str =
    "would let dead letters be lost; they are written by an idempotent producer with `acks=all`";

const UNREPORTED: &str =
    "would hide that dead letters were acknowledged, and their partitions would wait for ever";
/// The only isolation level.
const READ_COMMITTED: &str = "read_committed";

/// librdkafka requires stable offsets only with `isolation.level=read_committed`
/// (`rd_kafka_assignment_serve_pending`).
const UNSTABLE: &str = "must be `read_committed`, the default: with any other level, librdkafka \
                        starts where the group stood before commits that are still being \
                        replicated, and repeats what they cover";

/// The settings of consumers, about which a producer would complain. Names or their beginnings.
const CONSUMER_ONLY: [&str; 10] = [
    "session.timeout.ms",
    "heartbeat.interval.ms",
    "coordinator.query.interval.ms",
    "max.poll.interval.ms",
    "queued.",
    "fetch.",
    "isolation.level",
    "check.crcs",
    "allow.auto.create.topics",
    "group.",
];

/// The settings of producers, about which a consumer would complain. Names or their beginnings.
const PRODUCER_ONLY: [&str; 12] = [
    "linger.ms",
    "batch.",
    "compression.",
    "queue.buffering.",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "message.send.max.retries",
    "request.timeout.ms",
    "sticky.partitioning.linger.ms",
    "partitioner",
    "transaction.timeout.ms",
    "retries",
];

/// The poll deadline where the user sets none.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(300);

impl Settings {
    /// Checks that a consumer can keep to the settings.
    pub(crate) fn check(&self) -> Result<(), SettingError> {
        let needed = [
            (
                "brokers",
                &self.brokers,
                "HOST:PORT, or several separated by commas",
            ),
            ("group", &self.group, "the name of the consumer group"),
        ];
        for (name, value, expected) in needed {
            if value.trim().is_empty() {
                return Err(SettingError::new(
                    name,
                    format!("is empty; expected {expected}"),
                ));
            }
        }
        self.check_topics()?;
        for name in self.raw.keys() {
            if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| refused == name) {
                return Err(SettingError::new(name, *reason));
            }
        }
        let isolation = "isolation.level";
        let level = self
            .raw
            .get(isolation)
            .map_or(READ_COMMITTED, String::as_str);
        if !level.trim().eq_ignore_ascii_case(READ_COMMITTED) {
            return Err(SettingError::new(isolation, UNSTABLE));
        }
        self.config.validate().map_err(|error| {
            SettingError::new(error.field, format!("must be {}", error.expected))
        })?;
        self.check_deadlines()
    }

    fn check_topics(&self) -> Result<(), SettingError> {
        let error = |problem: String| Err(SettingError::new("topics", problem));
        if self.topics.is_empty() {
            return error("is empty; expected the names of one or more topics".into());
        }
        for (index, topic) in self.topics.iter().enumerate() {
            let valid = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if topic.is_empty() || topic.len() > 249 || !topic.chars().all(valid) {
                return error(format!(
                    "`{topic}` is not a topic's name: 1 to 249 of a-z, A-Z, 0-9, `.`, `_` and `-`; \
                     patterns are not supported"
                ));
            }
            if self.topics[..index].contains(topic) {
                return error(format!("`{topic}` is named twice"));
            }
            if self.config.dead_letters && self.dead_letter_topic(topic) == *topic {
                return error(format!(
                    "`{topic}` is the dead-letter topic too: its dead letters would come back \
                     without end"
                ));
            }
        }
        Ok(())
    }

    /// Checks that a revocation, with its last commit, ends before the poll deadline.
    fn check_deadlines(&self) -> Result<(), SettingError> {
        let name = "max.poll.interval.ms";
        let max_poll_interval = match self.raw.get(name) {
            None => MAX_POLL_INTERVAL,
            Some(text) => text
                .trim()
                .parse()
                .map(Duration::from_millis)
                .map_err(|_| {
                    SettingError::new(name, format!("`{text}` is not a number of milliseconds"))
                })?,
        };
        let deadline = self.config.revoke_deadline;
        let needed = self.config.longest_revocation();
        if needed < max_poll_interval {
            return Ok(());
        }
        Err(SettingError::new(
            "revoke_deadline",
            format!(
                "{deadline:?} and the time for the last commit make {needed:?}, which must be less \
                 than {name} ({max_poll_interval:?}): else the group removes the member meanwhile"
            ),
        ))
    }

    /// Returns the topic to which the dead letters of a topic go.
    pub(crate) fn dead_letter_topic(&self, topic: &str) -> String {
        match &self.dead_letter_topic {
            Some(name) => name.clone(),
            None => format!("{topic}.dead-letters"),
        }
    }

    /// Returns the consumer's configuration.
    pub(crate) fn consumer(&self) -> ClientConfig {
        let mut config = self.base(&PRODUCER_ONLY);
        config
            .set("group.id", &self.group)
            .set("partition.assignment.strategy", self.assignor)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            // In batches the end of a log would be taken for a record (`PartitionQueue::read`).
            .set("enable.partition.eof", "false")
            .set("auto.offset.reset", "error");
        if let Some(instance) = &self.instance {
            config.set("group.instance.id", instance);
        }
        if self.checks_generations() {
            // librdkafka names generations in its debug log of the group only.
            let asked = self
                .raw
                .get("debug")
                .filter(|asked| !asked.trim().is_empty());
            let debug = asked.map_or("cgrp".into(), |asked| format!("{asked},cgrp"));
            config
                .set("debug", debug)
                .set_log_level(RDKafkaLogLevel::Debug);
        }
        config
    }

    /// Returns whether the consumer has to notice generations without it: see `generations`.
    pub(crate) fn checks_generations(&self) -> bool {
        self.instance.is_some() && self.assignor == "cooperative-sticky"
    }

    /// Returns the configuration of the producer of dead letters.
    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.base(&CONSUMER_ONLY);
        let max_bytes = "message.max.bytes";
        if !self.raw.contains_key(max_bytes) {
            // What was consumed must be written, however large: only the broker's limit counts.
            config.set(max_bytes, "1000000000");
        }
        // What fitted into its topic compressed would be refused as too large without.
        let chosen = self.raw.keys().any(|name| name.starts_with("compression."));
        if !chosen {
            config.set("compression.type", "lz4");
        }
        config.set("enable.idempotence", "true").set("acks", "all");
        config
    }

    fn base(&self, others: &[&str]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set_log_level(log_level());
        let raw = self.raw.iter().map(|(name, value)| (&**name, &**value));
        for (name, value) in DEFAULTS.into_iter().chain(raw) {
            if !others.iter().any(|other| name.starts_with(other)) {
                config.set(name, value);
            }
        }
        config.set("bootstrap.servers", &self.brokers);
        config
    }
}

/// The settings for which librdkafka's defaults do not suit; the user's own override them.
const DEFAULTS: [(&str, &str); 6] = [
    ("client.id", "plimsoll"),
    // Flipped bytes are not handled as if they were a message: the default is not to look.
    ("check.crcs", "true"),
    // The size of what is fetched ahead, for each partition: the default is 64 MiB.
    ("queued.max.messages.kbytes", "8192"),
    // The pause before a queue that was full is filled again: the default is a second.
    ("fetch.queue.backoff.ms", "20"),
    // The core tries a dead letter again, without end and visibly, instead of the producer.
    ("message.timeout.ms", "30000"),
    ("linger.ms", "0"),
];

/// Returns the level of librdkafka's log: it formats only the lines that the process's log takes.
fn log_level() -> RDKafkaLogLevel {
    if tracing::enabled!(target: "librdkafka", tracing::Level::DEBUG) {
        RDKafkaLogLevel::Debug
    } else if tracing::enabled!(target: "librdkafka", tracing::Level::INFO) {
        RDKafkaLogLevel::Info
    } else {
        RDKafkaLogLevel::Warning
    }
}

/// Returns the error of a setting for which librdkafka refused to start.
pub(crate) fn refused(error: KafkaError) -> SettingError {
    match error {
        KafkaError::ClientConfig(_, problem, name, value) => {
            SettingError::new(name, format!("`{value}`: {problem}"))
        }
        error => SettingError::new("librdkafka", error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            brokers: "localhost:9092".into(),
            group: "billing".into(),
            topics: vec!["orders".into()],
            instance: None,
            assignor: "range",
            dead_letter_topic: None,
            refused_letters: RefusedLetters::default(),
            config: Config::default(),
            raw: BTreeMap::new(),
        }
    }

    fn problem(change: impl FnOnce(&mut Settings)) -> (String, String) {
        let mut settings = settings();
        change(&mut settings);
        let error = settings.check().expect_err("a refusal");
        (error.name, error.problem)
    }

    #[test]
    fn each_unsafe_setting_is_refused_with_a_reason() {
        assert_eq!(settings().check(), Ok(()));
        for (name, reason) in REFUSED {
            let refused = problem(|s| {
                s.raw.insert(name.into(), "true".into());
            });
            assert_eq!(refused, (name.to_owned(), reason.to_owned()));
        }
    }

    #[test]
    fn only_committed_offsets_are_started_from() {
        let mut settings = settings();
        let name = "isolation.level";
        settings.raw.insert(name.into(), "read_committed".into());
        assert_eq!(settings.check(), Ok(()));
        let refused = problem(|s| {
            s.raw.insert(name.into(), "read_uncommitted".into());
        });
        assert_eq!(refused, (name.to_owned(), UNSTABLE.to_owned()));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let (name, problem_) = problem(|s| s.brokers = " ".into());
        assert_eq!(name, "brokers");
        assert!(problem_.contains("HOST:PORT"), "{problem_}");
        assert_eq!(problem(|s| s.group.clear()).0, "group");
        assert!(problem(|s| s.topics.clear()).1.contains("empty"));
        assert!(
            problem(|s| s.topics[0] = "^orders.*".into())
                .1
                .contains("patterns")
        );
        assert!(
            problem(|s| s.topics.push("orders".into()))
                .1
                .contains("twice")
        );
        let circle = problem(|s| s.dead_letter_topic = Some("orders".into()));
        assert!(circle.1.contains("without end"), "{}", circle.1);
        let (name, expected) = problem(|s| s.config.max_in_flight = 0);
        assert_eq!(
            (name.as_str(), expected.as_str()),
            ("max_in_flight", "must be at least 1")
        );
    }

    #[test]
    fn a_drain_fits_into_the_poll_deadline() {
        let interval = |s: &mut Settings, value: &str| {
            s.raw.insert("max.poll.interval.ms".into(), value.into());
        };
        assert_eq!(problem(|s| interval(s, "soon")).0, "max.poll.interval.ms");
        let (name, problem_) = problem(|s| interval(s, "37500"));
        assert_eq!(name, "revoke_deadline");
        assert!(problem_.contains("37.5s"), "{problem_}");
        let mut settings = settings();
        interval(&mut settings, "37501");
        assert_eq!(settings.check(), Ok(()));
    }

    /// While a member drains, it may be cut off: by default it has answered, or given up, before the
    /// group takes its partitions away.
    #[test]
    fn a_drain_ends_by_default_before_a_session_does() {
        let native = settings().consumer().create_native_config().unwrap();
        let session: u64 = native.get("session.timeout.ms").unwrap().parse().unwrap();
        let longest = Config::default().longest_revocation();
        assert!(longest < Duration::from_millis(session), "{session} ms");
    }

    /// What most clusters ask for is there without a choice of features.
    #[cfg(any(feature = "ssl", feature = "ssl-vendored"))]
    #[test]
    fn librdkafka_is_built_with_codecs_tls_and_sasl() {
        let native = settings().consumer().create_native_config().unwrap();
        let built = native.get("builtin.features").unwrap();
        let built: Vec<&str> = built.split([',', ' ', '\0']).collect();
        for needed in [
            "gzip",
            "snappy",
            "lz4",
            "zstd",
            "ssl",
            "sasl_plain",
            "sasl_scram",
            "sasl_oauthbearer",
        ] {
            assert!(built.contains(&needed), "{needed} in {built:?}");
        }
    }

    #[test]
    fn the_log_names_the_generations_of_a_static_cooperative_member() {
        let debug = |instance: Option<&str>, assignor, asked: Option<&str>| {
            let mut settings = settings();
            settings.instance = instance.map(Into::into);
            settings.assignor = assignor;
            settings.raw = asked
                .map(|asked| ("debug".into(), asked.into()))
                .into_iter()
                .collect();
            settings.consumer().get("debug").map(str::to_owned)
        };
        let cooperative = "cooperative-sticky";
        assert_eq!(
            debug(Some("one"), cooperative, None).as_deref(),
            Some("cgrp")
        );
        let both = debug(Some("one"), cooperative, Some("broker"));
        assert_eq!(both.as_deref(), Some("broker,cgrp"));
        assert_eq!(debug(Some("one"), "range", None), None);
        assert_eq!(debug(None, cooperative, None), None);
    }

    #[test]
    fn safe_values_cannot_be_overridden_and_clients_get_what_is_theirs() {
        let mut settings = settings();
        for (name, value) in [
            ("linger.ms", "5"),
            ("fetch.min.bytes", "2"),
            ("debug", "cgrp"),
        ] {
            settings.raw.insert(name.into(), value.into());
        }
        let (consumer, producer) = (settings.consumer(), settings.producer());
        assert_eq!(consumer.get("enable.auto.commit"), Some("false"));
        assert_eq!(consumer.get("enable.auto.offset.store"), Some("false"));
        assert_eq!(consumer.get("auto.offset.reset"), Some("error"));
        assert_eq!(producer.get("enable.idempotence"), Some("true"));
        assert_eq!(producer.get("acks"), Some("all"));
        assert_eq!(
            (consumer.get("linger.ms"), producer.get("linger.ms")),
            (None, Some("5"))
        );
        let fetch = "fetch.min.bytes";
        assert_eq!(
            (consumer.get(fetch), producer.get(fetch)),
            (Some("2"), None)
        );
        assert_eq!(
            (consumer.get("debug"), producer.get("debug")),
            (Some("cgrp"), Some("cgrp"))
        );
    }
}
