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
use super::form::{Flag, Form, Measure, Number, Positive};
use super::messages::{self, HIGHEST_ID, Message, MessageSize};
use super::table::{Keys, Rules, table};
use super::topics::Topic;
use super::units::Rate;
use super::value::{Refused, Written, written_as_words};
use super::write::{self, Section};
use plimsoll_protocol::Acks;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// What is produced.
#[derive(Clone, Debug, PartialEq)]
pub enum Workload {
    /// Drawn from a description, seed by seed.
    Drawn(Traffic),
    /// Message by message (`[[messages]]`): a regression.
    Explicit(Vec<Message>),
}

table! {
    /// A description of messages to produce, spread evenly over all topics and partitions.
    pub struct Traffic {
        /// The number of messages.
        pub messages: u32 as Number<1, HIGHEST_ID> = 100;
        /// The rate at which they are produced.
        pub rate: f64 as Rate = 10.0;
        /// The time at which the first is produced.
        pub start: Duration as Duration = Duration::ZERO;
        /// The number of different keys. With 0, messages have no key, and go round the partitions.
        pub keys: u32 as Number<0, HIGHEST_ID> = 0;
        /// Zipf's exponent: with 0 each key has the same share, with 1 the skew is strong.
        pub key_skew: f64 as Skew = 0.0;
        /// The size of a message, or the smallest and the largest.
        pub size: (u32, u32) as MessageSize = (100, 100);
    }
}

table! {
    /// The settings of the producer.
    pub struct Producer {
        /// The replicas that have a message when it is acknowledged: all that are in sync, the
        /// leader, or none.
        pub acks: Acks as AcksWord = Acks::All;
        /// Whether a message that is sent again is stored once (`enable.idempotence`). The default
        /// is false unless `acks` is "all".
        pub idempotence: bool as Flag = true;
        /// The deadline of the producer's requests (`request.timeout.ms`).
        pub request_timeout: Duration as Positive<Duration> = Duration::from_secs(2);
        /// The pause before a message is sent again (`retry.backoff.ms`).
        pub retry_backoff: Duration as Duration = Duration::from_millis(100);
        /// The time after which a message is given up (`delivery.timeout.ms`), not below
        /// `request_timeout`. It is then owed to no group.
        pub delivery_timeout: Duration as Duration = Duration::from_secs(120);
    }
}

table! {
    /// The messages that are produced, and the settings of the producer.
    pub(super) struct GivenWorkload ("Workload") {
        with {
            /// The messages.
            pub(super) traffic: Traffic;
            /// The settings of the producer.
            pub(super) producer: Producer;
        }
    }
}

impl Rules for Traffic {}

impl Rules for Producer {
    fn implied(&self) -> Self {
        Self {
            idempotence: self.acks == Acks::All,
            ..Self::default()
        }
    }
}

impl Rules for GivenWorkload {
    fn implied(&self) -> Self {
        Self {
            traffic: self.traffic.implied(),
            producer: self.producer.implied(),
        }
    }
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
        json_schema!({
            "title": "\"all\", 1 or 0",
            "enum": ["all", "1", "0", 1, 0, -1],
        })
    }
}

impl Measure<Acks> for AcksWord {
    fn value(self) -> Acks {
        self.0
    }

    fn text(value: &Acks) -> String {
        write::word(*value)
    }
}

/// Zipf's exponent.
pub(super) enum Skew {}

impl Form<f64> for Skew {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut f64) -> Result<(), D::Error> {
        *place = f64::deserialize(d)?;
        Ok(())
    }

    fn write(value: &f64) -> Option<String> {
        Some(value.to_string())
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 10 })
    }

    fn allows(value: &f64) -> bool {
        (0.0..=10.0).contains(value)
    }
}

impl Producer {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let at = |key: &str| place!["workload", key];
        self.check_values(&place!["workload"], problems);
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
    /// Notes what is wrong with the messages; `capacity` is the number of partitions by topic.
    pub(super) fn check(&self, capacity: &[u32], problems: &mut Vec<Problem>) {
        match self {
            Self::Drawn(traffic) => traffic.check_values(&place!["workload"], problems),
            Self::Explicit(messages) => messages::check(messages, capacity, problems),
        }
    }

    /// Appends the table `[workload]`.
    pub(super) fn write(&self, producer: &Producer, file: &mut String) {
        let mut section = Section::new("[workload]");
        if let Self::Drawn(traffic) = self {
            traffic.write(&mut section);
        }
        producer.write(&mut section);
        section.finish(file, false);
    }

    /// Appends the tables `[[messages]]`.
    pub(super) fn write_messages(&self, topics: &[Topic], file: &mut String) {
        if let Self::Explicit(messages) = self {
            messages::write(messages, topics, file);
        }
    }
}
