//! Messages, and the outcomes of their handlers.

use super::{Argument, Checking, Dice, Reading};
use crate::scenario::check;
use crate::scenario::topics::Topic;
use crate::scenario::value::{Refused, Written, written_as_words};
use crate::scenario::write;
use plimsoll_core::Outcome;
use plimsoll_oracle::MessageId;
use schemars::{Schema, json_schema};

plimsoll_oracle::words! {
    /// A way in which an attempt fails.
    pub enum Failure: "outcome" {
        /// Another attempt may succeed.
        Retryable = "retryable",
        /// No attempt ever succeeds.
        Permanent = "permanent",
    }
}

written_as_words!(Failure);

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Retryable => Self::Retryable,
            Failure::Permanent => Self::Permanent,
        }
    }
}

impl Argument for Failure {
    fn meaning() -> &'static str {
        "the outcome of those attempts: \"retryable\" or \"permanent\""
    }

    fn schema() -> Schema {
        <Self as Written>::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        reading.value(given)
    }

    fn write(&self, _: &[Topic]) -> String {
        write::word(*self)
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        None
    }
}

impl Argument for MessageId {
    fn meaning() -> &'static str {
        "the number of the message"
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
        let place = checking.place.clone();
        check::message(*self, &checking.scenario.workload, place, checking.problems);
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        None
    }
}

impl Written for MessageId {
    const EXPECTED: &'static str = "the number of a message";

    fn from_text(_: &str) -> Result<Self, Refused> {
        Err(Refused::Malformed)
    }

    fn from_integer(value: i64) -> Option<Self> {
        value.try_into().ok().map(Self)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 0 })
    }
}
