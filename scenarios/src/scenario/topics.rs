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
use super::form::{Form, Measure, Number, Text};
use super::table::{Keys, Rules, table};
use super::value::{Refused, Written};
use super::write::{Section, quoted};
use plimsoll_core::TopicPartition;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::Deserializer;

table! {
    /// A topic that the group consumes.
    pub struct Topic {
        /// Its name.
        pub name: String as TopicName;
        /// The number of partitions at the start.
        pub partitions: u32 as Number<1, 64> = 1;
    }
}

impl Rules for Topic {}

impl Topic {
    /// Returns the topics of a scenario that names none.
    pub(crate) fn default_list() -> Vec<Self> {
        vec![Self {
            name: "orders".into(),
            partitions: 3,
        }]
    }
}

/// The name of a topic: Kafka's legal characters, and no internal topic.
pub(super) enum TopicName {}

impl Form<String> for TopicName {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut String) -> Result<(), D::Error> {
        Text::read(d, place)
    }

    fn write(value: &String) -> Option<String> {
        Text::write(value)
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "1 to 249 letters, digits, `.`, `_` and `-`, and no internal topic",
            "type": "string",
            "pattern": "^[A-Za-z0-9._-]{1,249}$",
            "not": { "enum": INTERNAL },
        })
    }

    fn allows(name: &String) -> bool {
        let legal = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
        (1..=249).contains(&name.len())
            && name.bytes().all(legal)
            && !INTERNAL.contains(&name.as_str())
    }
}

/// Names of Kafka's own, or that would be folders.
const INTERNAL: [&str; 3] = [".", "..", "__consumer_offsets"];

pub(super) fn check(topics: &[Topic], problems: &mut Vec<Problem>) {
    if topics.is_empty() {
        let problem = Problem::new(place!["topics"], "there is no topic");
        problems.push(problem.expected("expected at least one"));
    }
    for (index, topic) in topics.iter().enumerate() {
        let name = &topic.name;
        topic.check_values(&place!["topics", index], problems);
        if topics[..index].iter().any(|other| other.name == *name) {
            let message = format!("two topics are called `{name}`");
            let place = place!["topics", index, "name"];
            problems.push(Problem::new(place, message).expected("expected another name"));
        }
    }
}

pub(super) fn write(topics: &[Topic], file: &mut String) {
    if topics == Topic::default_list() {
        return;
    }
    for topic in topics {
        let mut section = Section::new("[[topics]]");
        topic.write(&mut section);
        section.finish(file, true);
    }
}

/// Returns the word for a partition: `orders-0`.
pub(super) fn partition_word(topics: &[Topic], partition: TopicPartition) -> String {
    let topic = topics.get(partition.topic as usize);
    let name = topic.map_or("?", |topic| topic.name.as_str());
    format!("{name}-{}", partition.partition)
}

/// Returns a partition's value in a file, as short as can be.
pub(super) fn write_partition(topics: &[Topic], partition: TopicPartition) -> String {
    PartitionName::text(&PartitionName::of(topics, partition))
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
            "title": "partition",
            "anyOf": [
                { "type": "string", "pattern": "^.+-[0-9]+$" },
                { "type": "integer", "minimum": 0, "maximum": u32::MAX },
            ],
            "examples": ["orders-0", 0],
        })
    }
}

impl Measure<PartitionName> for PartitionName {
    fn value(self) -> PartitionName {
        self
    }

    fn text(value: &PartitionName) -> String {
        match &value.topic {
            None => value.partition.to_string(),
            Some(topic) => quoted(&format!("{topic}-{}", value.partition)),
        }
    }
}

impl PartitionName {
    /// The first partition of the first topic.
    pub(super) const FIRST: Self = Self {
        topic: None,
        partition: 0,
    };

    /// Returns the shortest name of a partition.
    pub(super) fn of(topics: &[Topic], partition: TopicPartition) -> Self {
        let name = |topic: &Topic| topic.name.clone();
        let topic = match topics {
            [_] => None,
            _ => Some(
                topics
                    .get(partition.topic as usize)
                    .map_or("?".into(), name),
            ),
        };
        Self {
            topic,
            partition: partition.partition,
        }
    }

    /// Returns the partition of this name; a topic that does not exist is a problem at `place`.
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

/// Returns the number of a topic; one that does not exist is a problem at `place`.
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

/// Joins words: `a`, `a or b`, or `one of a, b, c`.
pub(super) fn one_of(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.as_slice() {
        [word] => word.clone(),
        [one, other] => format!("{one} or {other}"),
        words => format!("one of {}", words.join(", ")),
    }
}
