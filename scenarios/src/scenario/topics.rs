//! `[[topics]]`: what the group consumes. Without any, one topic `orders` of 3 partitions.
//!
//! ```toml
//! [[topics]]
//! name = "payments"
//! partitions = 6
//! ```
//!
//! Elsewhere in a file, `payments-0` is the first partition of the topic `payments`; a bare number
//! is a partition of the first topic.

use super::errors::{Place, Problem, place};
use super::value::{Refused, Written};
use super::write::{Section, quoted};
use plimsoll_core::TopicPartition;
use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;

/// A topic that the group consumes.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// Its name: 1 to 249 of Kafka's legal characters.
    pub name: String,
    /// Partitions at the start; 1 to 64.
    pub partitions: u32,
}

impl Topic {
    /// The topics of a scenario that names none.
    pub(super) fn default_list() -> Vec<Self> {
        vec![Self {
            name: "orders".into(),
            partitions: 3,
        }]
    }

    fn is_legal(&self) -> bool {
        let legal = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
        (1..=249).contains(&self.name.len())
            && self.name.bytes().all(legal)
            && !matches!(self.name.as_str(), "." | ".." | "__consumer_offsets")
    }
}

/// A topic that the group consumes.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Topic")]
pub(super) struct RawTopic {
    /// Its name: 1 to 249 letters, digits, `.`, `_` and `-`.
    name: String,
    /// How many partitions at the start, 1 to 64; default 1.
    #[schemars(range(min = 1, max = 64))]
    partitions: Option<u32>,
}

impl RawTopic {
    pub(super) fn resolve(self) -> Topic {
        Topic {
            name: self.name,
            partitions: self.partitions.unwrap_or(1),
        }
    }
}

pub(super) fn check(topics: &[Topic], problems: &mut Vec<Problem>) {
    if topics.is_empty() {
        let problem = Problem::new(place!["topics"], "there is no topic");
        problems.push(problem.expected("expected at least one"));
    }
    for (index, topic) in topics.iter().enumerate() {
        let at = |key: &str| place!["topics", index, key];
        let name = &topic.name;
        if !topic.is_legal() {
            let message = format!("{name:?} is no name for a topic");
            problems.push(Problem::new(at("name"), message).expected(
                "expected 1 to 249 letters, digits, `.`, `_` and `-`, and no internal topic",
            ));
        }
        if topics[..index].iter().any(|other| other.name == *name) {
            let message = format!("two topics are called `{name}`");
            problems.push(Problem::new(at("name"), message).expected("expected another name"));
        }
        if !(1..=64).contains(&topic.partitions) {
            let message = format!("{} partitions", topic.partitions);
            problems.push(Problem::new(at("partitions"), message).expected("expected 1 to 64"));
        }
    }
}

pub(super) fn write(topics: &[Topic], file: &mut String) {
    if topics == Topic::default_list() {
        return;
    }
    for topic in topics {
        let mut section = Section::new("[[topics]]");
        section.text("name", &topic.name);
        section.differing("partitions", (topic.partitions, 1), |count| {
            count.to_string()
        });
        section.finish(file, true);
    }
}

/// The word for a partition: `orders-0`.
pub(super) fn partition_word(topics: &[Topic], partition: TopicPartition) -> String {
    let topic = topics.get(partition.topic as usize);
    let name = topic.map_or("?", |topic| topic.name.as_str());
    format!("{name}-{}", partition.partition)
}

/// A partition's value in a file, as short as can be.
pub(super) fn write_partition(topics: &[Topic], partition: TopicPartition) -> String {
    match topics {
        [_] => partition.partition.to_string(),
        _ => quoted(&partition_word(topics, partition)),
    }
}

/// A partition as a file names it: `orders-0`, or the number of one of the first topic's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PartitionName {
    topic: Option<String>,
    partition: u32,
}

impl Written for PartitionName {
    const EXPECTED: &'static str = "a partition such as \"orders-0\"";

    fn from_text(text: &str) -> Result<Self, Refused> {
        let (topic, number) = text.trim().rsplit_once('-').ok_or(Refused::Malformed)?;
        let partition = number.parse().map_err(|_| Refused::Malformed)?;
        Ok(Self {
            topic: Some(topic.into()),
            partition,
        })
    }

    fn from_integer(value: i64) -> Option<Self> {
        let partition = value.try_into().ok()?;
        Some(Self {
            topic: None,
            partition,
        })
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "pattern": "^.+-[0-9]+$" },
                { "type": "integer", "minimum": 0 },
            ],
            "examples": ["orders-0", 0],
        })
    }
}

impl PartitionName {
    /// The partition of this name; a topic that does not exist is a problem at `place`.
    pub(super) fn resolve(
        &self,
        topics: &[Topic],
        place: Place,
        problems: &mut Vec<Problem>,
    ) -> TopicPartition {
        let topic = match &self.topic {
            Some(name) => topic_number(topics, name, place, problems),
            None => 0,
        };
        TopicPartition::new(topic, self.partition)
    }
}

/// The number of a topic; one that does not exist is a problem at `place`.
pub(super) fn topic_number(
    topics: &[Topic],
    name: &str,
    place: Place,
    problems: &mut Vec<Problem>,
) -> u32 {
    if let Some(index) = topics.iter().position(|topic| topic.name == *name) {
        return index as u32;
    }
    let names: Vec<_> = topics.iter().map(|topic| topic.name.as_str()).collect();
    problems.push(
        Problem::new(place, format!("unknown topic `{name}`"))
            .expected(format!("expected {}", one_of(&names)))
            .nearest(name, names),
    );
    0
}

/// `a`, `a or b`, or `one of a, b, c`.
pub(super) fn one_of(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [word] => word.clone(),
        [one, other] => format!("{one} or {other}"),
        words => format!("one of {}", words.join(", ")),
    }
}
