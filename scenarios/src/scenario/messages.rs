//! `[[messages]]`: what is produced, message by message, in place of the drawn part of
//! `[workload]`.
//!
//! ```toml
//! [[messages]]
//! at = "1.2s"
//! partition = "orders-0"
//! key = 7
//! fails = 2
//! ```

use super::errors::{Problem, place};
use super::fate::FateKeys;
use super::form::{Form, Maybe, Number, step};
use super::table::{Exclusive, Given, Keys, Rules, table};
use super::topics::{PartitionName, Topic};
use super::units::{self, Bytes, Span};
use super::value::{Value, Written};
use super::write::Section;
use super::{Fate, Traffic, ids};
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::MessageId;
use schemars::{Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// One message of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message {
    /// Unique in the plan; the handler's behaviour follows from it and the seed.
    pub id: MessageId,
    /// The moment at which the producer gets it.
    pub at: Instant,
    /// The partition that it goes to.
    pub partition: TopicPartition,
    /// The number of its key, if it has one.
    pub key: Option<u32>,
    /// Its size in bytes.
    pub bytes: u32,
    /// The behaviour of its handler.
    pub fate: Fate,
}

table! {
    /// One message of a regression.
    pub(super) struct GivenMessage ("Message") {
        /// Its number, from which its handler's behaviour follows; by default the lowest that is
        /// free.
        id: Option<u32> as Maybe<Number<0, HIGHEST_ID>> = None;
        /// The time at which it is produced.
        at: Duration as Duration;
        /// The partition that it goes to.
        partition: PartitionName as PartitionName = PartitionName::FIRST;
        /// The number of its key; without it, the message has no key.
        key: Option<u32> as Maybe<Number> = None;
        /// Its size.
        size: u32 as MessageSize = Traffic::default().size.0;
        with {
            /// The behaviour of its handler.
            fate: FateKeys;
        }
    }
}

impl Rules for GivenMessage {
    const EXCLUSIVE: &'static [Exclusive] = FateKeys::EXCLUSIVE;
}

/// The largest message: Kafka's default `message.max.bytes` is a little more.
const LARGEST: u32 = 1 << 20;

/// The highest id: what is kept by message is kept in arrays.
pub(super) const HIGHEST_ID: u32 = 1_000_000;

/// Returns the messages of a file.
pub(super) fn resolve(
    messages: Vec<Given<GivenMessage>>,
    topics: &[Topic],
    problems: &mut Vec<Problem>,
) -> Vec<Message> {
    let given: Vec<_> = messages.iter().map(|Given(message)| message.id).collect();
    let ids = ids::complete(&given);
    let messages = messages.into_iter().zip(ids).enumerate();
    messages
        .map(|(index, (Given(message), id))| {
            let place = place!["messages", index, "partition"];
            Message {
                id: MessageId(id),
                at: Instant::ZERO + message.at,
                partition: message.partition.resolve(topics, place, problems),
                key: message.key,
                bytes: message.size,
                fate: message.fate.into(),
            }
        })
        .collect()
}

impl GivenMessage {
    /// Returns a message as a file states it.
    fn of(message: &Message, topics: &[Topic], with_id: bool) -> Self {
        let partition = match message.partition {
            partition if partition == TopicPartition::default() => PartitionName::FIRST,
            partition => PartitionName::of(topics, partition),
        };
        Self {
            id: with_id.then_some(message.id.0),
            at: message.at.since_start(),
            partition,
            key: message.key,
            size: message.bytes,
            fate: message.fate.into(),
        }
    }
}

/// Notes what is wrong with the messages; `capacity` is the number of partitions by topic.
pub(super) fn check(messages: &[Message], capacity: &[u32], problems: &mut Vec<Problem>) {
    let mut seen = std::collections::BTreeSet::new();
    for (index, message) in messages.iter().enumerate() {
        let place = place!["messages", index];
        GivenMessage::of(message, &[], true).check_values(&place, problems);
        let id = message.id.0;
        if !seen.insert(id) {
            let text = format!("two messages have the id {id}");
            problems.push(Problem::new(step(&place, "id"), text).expected("expected another id"));
        }
        let place = step(&place, "partition");
        super::check::partition(message.partition, capacity, place, problems);
    }
}

/// Appends the tables `[[messages]]`.
pub(super) fn write(messages: &[Message], topics: &[Topic], file: &mut String) {
    if messages.is_empty() {
        // Above every table, where alone it can stand.
        file.insert_str(0, "messages = []\n");
        return;
    }
    let ids: Vec<_> = messages.iter().map(|message| message.id.0).collect();
    for (message, write_id) in messages.iter().zip(ids::needed(&ids)) {
        let mut section = Section::new("[[messages]]");
        GivenMessage::of(message, topics, write_id).write(&mut section);
        section.finish(file, true);
    }
}

/// The size of a message, or the smallest and the largest. What does not fit into 32 bits is as
/// wrong as what does not fit into a message.
pub(super) enum MessageSize {}

impl Form<u32> for MessageSize {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut u32) -> Result<(), D::Error> {
        *place = saturated(Value::deserialize(d)?.0);
        Ok(())
    }

    fn write(value: &u32) -> Option<String> {
        <Self as Form<(u32, u32)>>::write(&(*value, *value))
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        with_maximum(Bytes::schema())
    }

    fn allows(value: &u32) -> bool {
        *value <= LARGEST
    }
}

impl Form<(u32, u32)> for MessageSize {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut (u32, u32)) -> Result<(), D::Error> {
        let Value(Span { min, max }) = Value::<Span<Bytes>>::deserialize(d)?;
        *place = (saturated(min), saturated(max));
        Ok(())
    }

    fn write(&(min, max): &(u32, u32)) -> Option<String> {
        Some(format!("\"{}\"", units::sizes(min.into(), max.into())))
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        with_maximum(Span::<Bytes>::schema())
    }

    fn allows(&(min, max): &(u32, u32)) -> bool {
        min <= max && max <= LARGEST
    }
}

/// Adds the size of the largest message to the schema of a size.
fn with_maximum(mut schema: Schema) -> Schema {
    let title = schema.get("title").and_then(|title| title.as_str());
    let title = format!("{}, at most 1MiB", title.unwrap_or("size"));
    schema.insert("title".into(), title.into());
    schema.insert("maximum".into(), LARGEST.into());
    schema
}

fn saturated(Bytes(bytes): Bytes) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
