//! `[workload]` and `[[messages]]`: what is produced, and how.
//!
//! ```toml
//! [workload]
//! messages = 200
//! rate = "40/s"
//! keys = 30
//! key_skew = 1.0
//! size = "100B..1KiB"
//! acks = "all"
//! ```
//!
//! or message by message, in place of the drawn part of `[workload]`:
//!
//! ```toml
//! [[messages]]
//! at = "1.2s"
//! partition = "orders-0"
//! key = 7
//! fails = 2
//! ```

use super::Fate;
use super::errors::{Problem, place};
use super::fate::{RawFate, Times};
use super::ids;
use super::topics::{PartitionName, Topic, write_partition};
use super::units::{self, Bytes, Rate, Span};
use super::value::{Refused, Table, Value, Written, words};
use super::write::{self, Section};
use crate::MessageId;
use plimsoll_core::{Instant, TopicPartition};
use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;
use std::time::Duration;

/// What is produced.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// Drawn from a description, seed by seed.
    Drawn(Traffic),
    /// Message by message (`[[messages]]`): a regression.
    Explicit(Vec<Message>),
}

/// A description of messages to produce, spread evenly over all topics and partitions.
#[derive(Clone, Debug, PartialEq)]
pub struct Traffic {
    /// How many.
    pub messages: u32,
    /// Messages a second.
    pub rate: f64,
    /// When the first is produced.
    pub start: Duration,
    /// How many different keys; 0: messages have no key, and go round the partitions.
    pub keys: u32,
    /// Zipf's exponent: 0 gives every key the same share, 1 is a strong skew.
    pub key_skew: f64,
    /// Bytes of a message, smallest and largest.
    pub size: (u32, u32),
}

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

/// `acks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// The producer does not wait.
    None,
    /// The leader has it.
    Leader,
    /// All in-sync replicas have it.
    All,
}

/// How messages are produced.
#[derive(Clone, Debug, PartialEq)]
pub struct Producer {
    /// What an acknowledgement means.
    pub acks: Acks,
    /// `enable.idempotence`: a retry is stored once.
    pub idempotence: bool,
    /// `request.timeout.ms`.
    pub request_timeout: Duration,
    /// `retry.backoff.ms`.
    pub retry_backoff: Duration,
    /// `delivery.timeout.ms`: then a message is given up, and owed to nobody.
    pub delivery_timeout: Duration,
}

impl Default for Producer {
    fn default() -> Self {
        Self {
            acks: Acks::All,
            idempotence: true,
            request_timeout: Duration::from_secs(2),
            retry_backoff: Duration::from_millis(100),
            delivery_timeout: Duration::from_secs(120),
        }
    }
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            messages: 100,
            rate: 10.0,
            start: Duration::ZERO,
            keys: 0,
            key_skew: 0.0,
            size: (100, 100),
        }
    }
}

/// What is produced, and how.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Workload")]
pub(super) struct RawWorkload {
    /// How many messages; default 100.
    #[schemars(range(min = 1, max = 1_000_000))]
    messages: Option<u32>,
    /// How many of them a time; default "10/s".
    rate: Option<Value<Rate>>,
    /// When the first is produced; default "0s".
    start: Option<Value<Duration>>,
    /// How many different keys; default 0: messages have no key, and go round the partitions.
    keys: Option<u32>,
    /// Zipf's exponent: 0 (the default) gives every key the same share, 1 is a strong skew.
    #[schemars(range(min = 0, max = 10))]
    key_skew: Option<f64>,
    /// The size of a message; default "100B".
    size: Option<Value<Span<Bytes>>>,
    /// What an acknowledgement means: "all" (default), "1" or "0".
    acks: Option<Value<AcksWord>>,
    /// `enable.idempotence`: a retry is stored once; default true with acks = "all", else false.
    idempotence: Option<bool>,
    /// `request.timeout.ms` of the producer; default "2s".
    request_timeout: Option<Value<Duration>>,
    /// `retry.backoff.ms` of the producer; default "100ms".
    retry_backoff: Option<Value<Duration>>,
    /// `delivery.timeout.ms`: then a message is given up, and owed to nobody; default "2m".
    delivery_timeout: Option<Value<Duration>>,
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

/// `acks`, as a number or as Kafka's word.
#[derive(Clone, Copy, Debug)]
pub(super) struct AcksWord(Acks);

words!(Acks, "acks" { All => "all", Leader => "1", None => "0" });

impl Written for AcksWord {
    const EXPECTED: &'static str = r#""all", 1 or 0"#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        Acks::from_text(text).map(Self)
    }

    fn from_integer(value: i64) -> Option<Self> {
        match value {
            -1 => Some(Self(Acks::All)),
            0 => Some(Self(Acks::None)),
            1 => Some(Self(Acks::Leader)),
            _ => None,
        }
    }

    fn schema() -> Schema {
        json_schema!({ "enum": ["all", "1", "0", 1, 0] })
    }
}

/// What both tables say; `messages` is `None` where the file has no `[[messages]]`.
pub(super) fn resolve(
    raw: RawWorkload,
    messages: Option<Vec<Table<RawMessage>>>,
    topics: &[Topic],
    problems: &mut Vec<Problem>,
) -> (Producer, Workload) {
    let producer = raw.producer();
    let Some(messages) = messages else {
        return (producer, Workload::Drawn(raw.traffic()));
    };
    for key in raw.drawn_keys() {
        let message = format!("`{key}` describes messages, and `[[messages]]` lists them");
        problems.push(
            Problem::new(place!["workload", key], message).expected("expected only one of the two"),
        );
    }
    let given: Vec<_> = messages.iter().map(|Table(raw)| raw.id).collect();
    let ids = ids::complete(&given);
    let explicit = messages.into_iter().zip(ids).enumerate();
    let explicit = explicit
        .map(|(index, (Table(raw), id))| raw.resolve(index, MessageId(id), topics, problems))
        .collect();
    (producer, Workload::Explicit(explicit))
}

impl RawWorkload {
    fn producer(&self) -> Producer {
        let default = Producer::default();
        let time = |value: &Option<Value<Duration>>, or| value.as_ref().map_or(or, |v| v.0);
        let acks = self.acks.map_or(default.acks, |value| value.0.0);
        Producer {
            acks,
            idempotence: self.idempotence.unwrap_or(acks == Acks::All),
            request_timeout: time(&self.request_timeout, default.request_timeout),
            retry_backoff: time(&self.retry_backoff, default.retry_backoff),
            delivery_timeout: time(&self.delivery_timeout, default.delivery_timeout),
        }
    }

    fn traffic(&self) -> Traffic {
        let default = Traffic::default();
        let size = |Value(Span { min, max })| (bytes(min), bytes(max));
        Traffic {
            messages: self.messages.unwrap_or(default.messages),
            rate: self.rate.map_or(default.rate, |value| value.0.0),
            start: self.start.map_or(default.start, |value| value.0),
            keys: self.keys.unwrap_or(default.keys),
            key_skew: self.key_skew.unwrap_or(default.key_skew),
            size: self.size.map_or(default.size, size),
        }
    }

    /// The keys given that describe messages to draw.
    fn drawn_keys(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("messages", self.messages.is_some()),
            ("rate", self.rate.is_some()),
            ("start", self.start.is_some()),
            ("keys", self.keys.is_some()),
            ("key_skew", self.key_skew.is_some()),
            ("size", self.size.is_some()),
        ];
        given
            .into_iter()
            .filter_map(|(key, given)| given.then_some(key))
    }
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
fn bytes(bytes: Bytes) -> u32 {
    u32::try_from(bytes.0).unwrap_or(u32::MAX)
}

/// The largest message: Kafka's default `message.max.bytes` is a little more.
const LARGEST: u32 = 1 << 20;

/// The highest id: what is kept by message is kept in arrays.
const HIGHEST_ID: u32 = 1_000_000;

impl Producer {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let at = |key: &str| place!["workload", key];
        if self.idempotence && self.acks != Acks::All {
            problems.push(
                Problem::new(
                    at("idempotence"),
                    "an idempotent producer needs acks = \"all\"",
                )
                .or_at(at("acks"))
                .expected("expected idempotence = false, or acks = \"all\""),
            );
        }
        if self.request_timeout.is_zero() {
            problems.push(
                Problem::new(at("request_timeout"), "the timeout of a request is zero")
                    .expected("expected a longer one"),
            );
        }
        if self.delivery_timeout < self.request_timeout {
            let message = "a message is given up before its first request times out";
            problems.push(
                Problem::new(at("delivery_timeout"), message)
                    .or_at(at("request_timeout"))
                    .expected("expected delivery_timeout not below request_timeout"),
            );
        }
    }
}

impl Workload {
    /// `capacity`: by topic, how many partitions it can have.
    pub(super) fn check(&self, capacity: &[u32], problems: &mut Vec<Problem>) {
        match self {
            Self::Drawn(traffic) => traffic.check(problems),
            Self::Explicit(messages) => check_messages(messages, capacity, problems),
        }
    }

    /// The table `[workload]`.
    pub(super) fn write(&self, producer: &Producer, file: &mut String) {
        let mut section = Section::new("[workload]");
        if let Self::Drawn(traffic) = self {
            traffic.write(&mut section);
        }
        producer.write(&mut section);
        section.finish(file, false);
    }

    /// The tables `[[messages]]`.
    pub(super) fn write_messages(&self, topics: &[Topic], file: &mut String) {
        if let Self::Explicit(messages) = self {
            write_messages(messages, topics, file);
        }
    }
}

impl Traffic {
    fn check(&self, problems: &mut Vec<Problem>) {
        let at = |key: &str| place!["workload", key];
        let mut expect = |ok: bool, key, message: String, expected: &str| {
            if !ok {
                problems.push(Problem::new(at(key), message).expected(expected));
            }
        };
        expect(
            (1..=HIGHEST_ID).contains(&self.messages),
            "messages",
            format!("{} messages", self.messages),
            "expected 1 to 1000000",
        );
        expect(
            self.rate >= 0.001 && self.rate <= 1e6,
            "rate",
            format!("{} messages a second", self.rate),
            "expected 0.001/s to 1000000/s",
        );
        expect(
            self.keys <= HIGHEST_ID,
            "keys",
            format!("{} keys", self.keys),
            "expected at most 1000000",
        );
        expect(
            (0.0..=10.0).contains(&self.key_skew),
            "key_skew",
            format!("a skew of {}", self.key_skew),
            "expected 0 to 10",
        );
        let (min, max) = self.size;
        expect(
            min <= max && max <= LARGEST,
            "size",
            format!("messages of {}", units::sizes(min.into(), max.into())),
            "expected at most 1MiB",
        );
    }

    fn write(&self, section: &mut Section) {
        let default = Self::default();
        section.differing("messages", (self.messages, default.messages), write::plain);
        section.differing("rate", (self.rate, default.rate), |rate| {
            format!("\"{rate}/s\"")
        });
        section.differing("start", (self.start, default.start), write::time);
        section.differing("keys", (self.keys, default.keys), write::plain);
        section.differing("key_skew", (self.key_skew, default.key_skew), write::plain);
        section.differing("size", (self.size, default.size), |(min, max)| {
            format!("\"{}\"", units::sizes(min.into(), max.into()))
        });
    }
}

impl Producer {
    fn write(&self, section: &mut Section) {
        let default = Self::default();
        let idempotence = (self.idempotence, self.acks == Acks::All);
        section.differing("acks", (self.acks, default.acks), write::word);
        section.differing("idempotence", idempotence, write::plain);
        for (key, time, default) in [
            (
                "request_timeout",
                self.request_timeout,
                default.request_timeout,
            ),
            ("retry_backoff", self.retry_backoff, default.retry_backoff),
            (
                "delivery_timeout",
                self.delivery_timeout,
                default.delivery_timeout,
            ),
        ] {
            section.differing(key, (time, default), write::time);
        }
    }
}

fn check_messages(messages: &[Message], capacity: &[u32], problems: &mut Vec<Problem>) {
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

fn write_messages(messages: &[Message], topics: &[Topic], file: &mut String) {
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
        section.line("at", write::time(message.at.since_start()));
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
