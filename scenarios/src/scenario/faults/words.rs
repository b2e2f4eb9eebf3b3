//! The words of single keys.

use super::Direction;
use crate::scenario::value::{Refused, Written, written_as_words};
use schemars::{Schema, json_schema};
use std::time::Duration;

/// How much slower, by a factor or by a time.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    Factor(u32),
    Time(Duration),
}

impl Written for By {
    const EXPECTED: &'static str = r#"a factor such as 10, or a duration such as "200ms""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        match text.strip_suffix('x').map(str::parse) {
            Some(Ok(factor)) => Ok(Self::Factor(factor)),
            _ => Duration::from_text(text).map(Self::Time),
        }
    }

    fn from_integer(value: i64) -> Option<Self> {
        value.try_into().ok().map(Self::Factor)
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["integer", "string"], "examples": [10, "200ms"] })
    }
}

plimsoll_oracle::words! {
    /// How a handler fails; never `Ok`.
    pub(super) enum FailureWord: "outcome" {
        /// It may succeed when called again.
        Retryable = "retryable",
        /// It would fail each time.
        Permanent = "permanent",
    }
}

written_as_words!(Direction, FailureWord);
