//! Partitions and topics, as faults name them.

use super::{Argument, Checking, Dice, Reading};
use crate::scenario::topics::{PartitionName, Topic, topic_number, write_partition};
use crate::scenario::value::{Refused, Written};
use crate::scenario::write::quoted;
use plimsoll_core::TopicPartition;
use plimsoll_oracle::Word;
use schemars::{Schema, json_schema};

impl Argument for TopicPartition {
    fn meaning() -> &'static str {
        "the partition: \"orders-0\", or its number in the first topic"
    }

    fn schema() -> Schema {
        PartitionName::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        let name = reading.value(given)?;
        Some(reading.partition(&name))
    }

    fn write(&self, topics: &[Topic]) -> String {
        write_partition(topics, *self)
    }

    fn check(&self, checking: &mut Checking<'_>) {
        checking.partition(*self);
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        Some(|dice| {
            let topics = &dice.settings.topics;
            let topic = dice.below(topics.len() as u32);
            let partitions = topics[topic as usize].partitions;
            Self::new(topic, dice.below(partitions))
        })
    }

    fn partition_mut(&mut self) -> Option<&mut TopicPartition> {
        Some(self)
    }
}

/// The partition for which a request is answered with an error; `None`: all that it names.
impl Argument for Option<TopicPartition> {
    fn meaning() -> &'static str {
        "the partition for which the answer is the error, of Produce, Fetch and ListOffsets, or \
         \"all\""
    }

    fn schema() -> Schema {
        PartitionNameOrAll::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        let PartitionNameOrAll(name) = reading.value(given)?;
        Some(name.map(|name| reading.partition(&name)))
    }

    fn write(&self, topics: &[Topic]) -> String {
        self.map_or_else(|| quoted(ALL), |partition| partition.write(topics))
    }

    fn check(&self, checking: &mut Checking<'_>) {
        let Some(partition) = self else {
            return;
        };
        checking.partition(*partition);
        if let Some(request) = checking
            .request
            .filter(|request| !request.is_by_partition())
        {
            let request = request.word();
            let message = format!("{request} is answered as a whole, not for one partition");
            checking.problem(message, "expected Produce, Fetch or ListOffsets beside it");
        }
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        None
    }

    fn partition_mut(&mut self) -> Option<&mut TopicPartition> {
        self.as_mut()
    }
}

const ALL: &str = "all";

/// A partition, or all of them.
#[derive(Clone, Debug)]
struct PartitionNameOrAll(Option<PartitionName>);

impl Written for PartitionNameOrAll {
    const EXPECTED: &'static str = "a partition such as \"orders-0\", or \"all\"";

    fn from_text(text: &str) -> Result<Self, Refused> {
        match text {
            ALL => Ok(Self(None)),
            _ => PartitionName::from_text(text).map(|name| Self(Some(name))),
        }
    }

    fn from_integer(value: i64) -> Option<Self> {
        PartitionName::from_integer(value).map(|name| Self(Some(name)))
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [PartitionName::schema(), { "const": ALL }] })
    }
}

impl Reading<'_> {
    /// Looks up the partition of a name; a topic that does not exist is a problem.
    pub(super) fn partition(&mut self, name: &PartitionName) -> TopicPartition {
        name.resolve(self.topics, self.place.clone(), self.problems)
    }
}

/// The number of a topic, as in a `TopicPartition`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicNumber(pub u32);

impl Argument for TopicNumber {
    fn meaning() -> &'static str {
        "the topic, by its name"
    }

    fn schema() -> Schema {
        TopicName::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        let TopicName(name) = reading.value(given)?;
        let place = reading.place.clone();
        let number = topic_number(reading.topics, &name, place, reading.problems);
        Some(Self(number))
    }

    fn write(&self, topics: &[Topic]) -> String {
        let topic = topics.get(self.0 as usize);
        quoted(topic.map_or("?", |topic| &topic.name))
    }

    fn told(&self) -> String {
        "the first".into()
    }

    fn check(&self, checking: &mut Checking<'_>) {
        checking.topic = Some(*self);
        if checking.capacity.get(self.0 as usize).is_none() {
            checking.problem(format!("there is no topic {}", self.0), "expected a topic");
        }
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        None
    }

    fn topic_mut(&mut self) -> Option<&mut TopicNumber> {
        Some(self)
    }
}

#[derive(Clone, Debug)]
struct TopicName(String);

impl Written for TopicName {
    const EXPECTED: &'static str = "the name of a topic, such as \"orders\"";

    fn from_text(text: &str) -> Result<Self, Refused> {
        Ok(Self(text.into()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "examples": ["orders"] })
    }
}

/// A number of partitions; at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionCount(pub u32);

impl Argument for PartitionCount {
    fn meaning() -> &'static str {
        "the number of partitions that are added"
    }

    fn schema() -> Schema {
        <Self as Written>::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        reading.value(given)
    }

    fn write(&self, _: &[Topic]) -> String {
        self.0.to_string()
    }

    fn check(&self, checking: &mut Checking<'_>) {
        if self.0 == 0 {
            checking.problem("no partition is added".into(), "expected at least 1");
        }
        let capacity = |TopicNumber(topic)| checking.capacity.get(topic as usize);
        if let Some(count) = checking
            .topic
            .and_then(capacity)
            .filter(|count| **count > 64)
        {
            let message = format!("the topic would have {count} partitions");
            checking.problem(message, "expected at most 64 in the end");
        }
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        None
    }

    fn number_mut(&mut self) -> Option<&mut u32> {
        Some(&mut self.0)
    }

    fn weight(&self) -> u64 {
        self.0.into()
    }
}

impl Written for PartitionCount {
    const EXPECTED: &'static str = "a whole number from 1";

    fn from_text(_: &str) -> Result<Self, Refused> {
        Err(Refused::Malformed)
    }

    fn from_integer(value: i64) -> Option<Self> {
        let count = value.try_into().ok()?;
        (count > 0).then_some(Self(count))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 1 })
    }
}
