//! `[workload]`: what is produced, and how.
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

use super::errors::{Problem, place};
use super::messages::{self, HIGHEST_ID, LARGEST, Message, RawMessage, bytes};
use super::topics::Topic;
use super::units::{self, Bytes, Rate, Span};
use super::value::{Refused, Table, Value, Written, written_as_words};
use super::write::{self, Section};
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

plimsoll_oracle::words! {
    /// `acks`: what a producer waits for.
    pub enum Acks: "acks" {
        /// All in-sync replicas have the record.
        All = "all",
        /// The leader has the record.
        Leader = "1",
        /// Nothing.
        None = "0",
    }
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

/// `acks`, as a number or as Kafka's word.
#[derive(Clone, Copy, Debug)]
pub(super) struct AcksWord(Acks);

written_as_words!(Acks);

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
    let messages = messages::resolve(messages, topics, problems);
    (producer, Workload::Explicit(messages))
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
            Self::Explicit(messages) => messages::check(messages, capacity, problems),
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
            messages::write(messages, topics, file);
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
