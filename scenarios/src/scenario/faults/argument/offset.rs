//! Offsets of a group, as faults name them.

use super::{Argument, Dice, Reading};
use crate::scenario::topics::Topic;
use crate::scenario::value::{Refused, Written};
use crate::scenario::write::quoted;
use schemars::{Schema, json_schema};

/// The offset to which a group is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetTo {
    /// The first offset that the log holds.
    Earliest,
    /// The offset after the last record that can be read.
    Latest,
    /// This next offset, or the end of the log that is nearest to it.
    Offset(u64),
}

impl ResetTo {
    /// Returns the next offset in a log with these ends.
    pub fn within(self, log_start: u64, high_watermark: u64) -> u64 {
        match self {
            Self::Earliest => log_start,
            Self::Latest => high_watermark,
            // Kafka's own tool does the same (`ConsumerGroupCommand.checkOffsetsRange`).
            Self::Offset(next) => next.max(log_start).min(high_watermark),
        }
    }
}

impl Argument for ResetTo {
    fn meaning() -> &'static str {
        "the offset: \"earliest\", \"latest\", or its number"
    }

    fn schema() -> Schema {
        <Self as Written>::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        reading.value(given)
    }

    fn write(&self, _: &[Topic]) -> String {
        match self {
            Self::Earliest => quoted("earliest"),
            Self::Latest => quoted("latest"),
            Self::Offset(next) => next.to_string(),
        }
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        None
    }
}

impl Written for ResetTo {
    const EXPECTED: &'static str = "\"earliest\", \"latest\" or an offset";

    fn from_text(text: &str) -> Result<Self, Refused> {
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            word => Err(Refused::Unknown {
                what: "offset",
                word: word.into(),
                known: vec!["earliest", "latest"],
            }),
        }
    }

    fn from_integer(value: i64) -> Option<Self> {
        value.try_into().ok().map(Self::Offset)
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "enum": ["earliest", "latest"] },
            ],
            "examples": ["earliest", 0],
        })
    }
}
