//! The settings that a trial hands to these programs. A program of yours that has settings of its
//! own may keep them; the README says what it is judged by.

use rdkafka::ClientConfig;
use std::env;
use std::time::Duration;

pub fn topics() -> Vec<String> {
    let topics = env::var("KAFKA_TOPIC").expect("KAFKA_TOPIC is set");
    topics.split(',').map(str::to_owned).collect()
}

pub fn dead_letters() -> Option<String> {
    env::var("PLIMSOLL_DEAD_LETTER_TOPIC").ok()
}

pub fn attempts() -> u32 {
    told("PLIMSOLL_ATTEMPTS", "5").parse().expect("a number")
}

pub fn commit_interval() -> Duration {
    let millis = told("PLIMSOLL_COMMIT_INTERVAL_MS", "5000");
    Duration::from_millis(millis.parse().expect("a number"))
}

/// Where the scenario lets a group without a commit begin. Only the wrong program takes it over.
pub fn initial() -> String {
    told("KAFKA_AUTO_OFFSET_RESET", "earliest")
}

/// Returns where the brokers are, for consumers and producers.
pub fn brokers() -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", told("KAFKA_BOOTSTRAP_SERVERS", ""));
    config
}

/// Returns the settings of a member of the group.
pub fn member() -> ClientConfig {
    let mut config = brokers();
    for (key, variable, default) in [
        ("group.id", "KAFKA_GROUP_ID", ""),
        ("session.timeout.ms", "KAFKA_SESSION_TIMEOUT_MS", "45000"),
        (
            "heartbeat.interval.ms",
            "KAFKA_HEARTBEAT_INTERVAL_MS",
            "3000",
        ),
        (
            "max.poll.interval.ms",
            "KAFKA_MAX_POLL_INTERVAL_MS",
            "300000",
        ),
        (
            "topic.metadata.refresh.interval.ms",
            "KAFKA_METADATA_MAX_AGE_MS",
            "300000",
        ),
        (
            "partition.assignment.strategy",
            "KAFKA_PARTITION_ASSIGNMENT_STRATEGY",
            "range",
        ),
    ] {
        config.set(key, told(variable, default));
    }
    if let Ok(instance) = env::var("KAFKA_GROUP_INSTANCE_ID") {
        config.set("group.instance.id", instance);
    }
    config
}

fn told(variable: &str, default: &str) -> String {
    env::var(variable).unwrap_or_else(|_| default.to_owned())
}
