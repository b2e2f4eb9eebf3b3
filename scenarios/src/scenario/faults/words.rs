//! The words of single keys.

use super::{Direction, RequestKind};
use crate::scenario::value::{Refused, Written, words};
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

/// How a handler fails; never `Ok`.
#[derive(Clone, Copy, Debug)]
pub(super) enum FailureWord {
    Retryable,
    Permanent,
}

words!(FailureWord, "outcome" { Retryable => "retryable", Permanent => "permanent" });
words!(Direction, "direction" {
    Both => "both", Requests => "requests", Responses => "responses",
});
words!(RequestKind, "request" {
    Produce => "Produce",
    Fetch => "Fetch",
    ListOffsets => "ListOffsets",
    Metadata => "Metadata",
    OffsetCommit => "OffsetCommit",
    OffsetFetch => "OffsetFetch",
    FindCoordinator => "FindCoordinator",
    JoinGroup => "JoinGroup",
    SyncGroup => "SyncGroup",
    Heartbeat => "Heartbeat",
    LeaveGroup => "LeaveGroup",
});
