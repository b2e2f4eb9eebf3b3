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
use super::fate::{RawFate, Times};
use super::topics::{PartitionName, Topic, write_partition};
use super::units::{self, Bytes};
use super::value::{Table, Value};
use super::write::{self as text, Section};
use super::{Fate, Traffic, ids};
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::MessageId;
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// One message of a plan.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message {
    /// Unique in the plan; the handler's behaviour follows from it and the seed.
    pub id: MessageId,
    /// When the producer gets it.
    pub at: Instant,
    /// Where it goes.
    pub partition: TopicPartition,
    /// The number of its key, if it has one.
    pub key: Option<u32>,
    /// Its size in bytes.
    pub bytes: u32,
    /// What its handler does.
    pub fate: Fate,
}

/// One message of a regression.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Message")]
pub(super) struct RawMessage {
    /// Its number, from which its handler's behaviour follows; default: the lowest that is free.
    id: Option<u32>,
    /// When it is produced.
    at: Value<Duration>,
    /// Where it goes; default: the first partition.
    partition: Option<Value<PartitionName>>,
    /// The number of its key; default: it has none.
    key: Option<u32>,
    /// Its size; default "100B".
    size: Option<Value<Bytes>>,
    /// The first so many attempts fail; "always": all of them.
    fails: Option<Value<Times>>,
    /// Every attempt fails, and says that it always will.
    permanent: Option<bool>,
    /// The first so many attempts panic; "always": all of them.
    panics: Option<Value<Times>>,
    /// The first so many attempts never come back; "always": none of them.
    hangs: Option<Value<Times>>,
    /// No handler can decode the record.
    undecodable: Option<bool>,
}

/// The messages of a file.
pub(super) fn resolve(
    messages: Vec<Table<RawMessage>>,
    topics: &[Topic],
    problems: &mut Vec<Problem>,
) -> Vec<Message> {
    let given: Vec<_> = messages.iter().map(|Table(raw)| raw.id).collect();
    let ids = ids::complete(&given);
    let messages = messages.into_iter().zip(ids).enumerate();
    messages
        .map(|(index, (Table(raw), id))| raw.resolve(index, MessageId(id), topics, problems))
        .collect()
}

impl RawMessage {
    fn resolve(
        self,
        index: usize,
        id: MessageId,
        topics: &[Topic],
        problems: &mut Vec<Problem>,
    ) -> Message {
        let at = place!["messages", index];
        let fate = RawFate {
            fails: self.fails,
            permanent: self.permanent,
            panics: self.panics,
            hangs: self.hangs,
            undecodable: self.undecodable,
        };
        let partition = self.partition.map_or_else(TopicPartition::default, |name| {
            let place = place!["messages", index, "partition"];
            name.0.resolve(topics, place, problems)
        });
        Message {
            id,
            at: Instant::ZERO + self.at.0,
            partition,
            key: self.key,
            bytes: self
                .size
                .map_or(Traffic::default().size.0, |size| bytes(size.0)),
            fate: fate.resolve(&at, problems),
        }
    }
}

/// What does not fit is refused later, as too large.
pub(super) fn bytes(bytes: Bytes) -> u32 {
    u32::try_from(bytes.0).unwrap_or(u32::MAX)
}

/// The largest message: Kafka's default `message.max.bytes` is a little more.
pub(super) const LARGEST: u32 = 1 << 20;

/// The highest id: what is kept by message is kept in arrays.
pub(super) const HIGHEST_ID: u32 = 1_000_000;

pub(super) fn check(messages: &[Message], capacity: &[u32], problems: &mut Vec<Problem>) {
    let mut seen = std::collections::BTreeSet::new();
    for (index, message) in messages.iter().enumerate() {
        let at = |key: &str| place!["messages", index, key];
        let id = message.id.0;
        if !seen.insert(id) {
            let text = format!("two messages have the id {id}");
            problems.push(Problem::new(at("id"), text).expected("expected another id"));
        }
        if id > HIGHEST_ID {
            problems.push(
                Problem::new(at("id"), format!("a message has the id {id}"))
                    .expected("expected at most 1000000"),
            );
        }
        if message.bytes > LARGEST {
            problems.push(
                Problem::new(at("size"), format!("a message of {} bytes", message.bytes))
                    .expected("expected at most 1MiB"),
            );
        }
        super::check::partition(message.partition, capacity, at("partition"), problems);
    }
}

pub(super) fn write(messages: &[Message], topics: &[Topic], file: &mut String) {
    if messages.is_empty() {
        // Above every table, where alone it can stand.
        file.insert_str(0, "messages = []\n");
        return;
    }
    let ids: Vec<_> = messages.iter().map(|message| message.id.0).collect();
    for (message, write_id) in messages.iter().zip(ids::needed(&ids)) {
        let mut section = Section::new("[[messages]]");
        if write_id {
            section.line("id", message.id.0);
        }
        section.line("at", text::time(message.at.since_start()));
        section.differing(
            "partition",
            (message.partition, TopicPartition::default()),
            |partition| write_partition(topics, partition),
        );
        if let Some(key) = message.key {
            section.line("key", key);
        }
        section.differing("size", (message.bytes, Traffic::default().size.0), |size| {
            format!("\"{}\"", units::bytes(size.into()))
        });
        message.fate.write(&mut section);
        section.finish(file, true);
    }
}
