//! What becomes of one message: in `[[messages]]` and `[[handler.messages]]`.

use super::errors::{Place, Problem};
use super::value::{Refused, Value, Written};
use super::write::Section;
use crate::{Purpose, Rng};
use plimsoll_core::Outcome;
use plimsoll_oracle::{FaultId, MessageId};
use schemars::{Schema, json_schema};

/// What becomes of one message in its handler, attempt by attempt.
///
/// Attempts are counted in the sink over the whole run, so the same message fails the same way on
/// every backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// Every attempt succeeds.
    #[default]
    Ok,
    /// The first so many attempts fail; [`Fate::ALWAYS`]: all of them.
    Retryable(u32),
    /// Every attempt fails, and says that it always will.
    Permanent,
    /// The first so many attempts panic.
    Panic(u32),
    /// The first so many attempts never come back.
    Hang(u32),
    /// The record cannot be decoded: a permanent failure before the handler does anything.
    Undecodable,
}

impl Fate {
    /// As a number of attempts: each one.
    pub const ALWAYS: u32 = u32::MAX;

    /// How attempt `attempt` (from 1) ends; `None`: it does not.
    pub const fn outcome(self, attempt: u32) -> Option<Outcome> {
        match self {
            Self::Retryable(times) | Self::Panic(times) if attempt <= times => {
                Some(Outcome::Retryable)
            }
            Self::Hang(times) if attempt <= times => None,
            Self::Permanent | Self::Undecodable => Some(Outcome::Permanent),
            _ => Some(Outcome::Ok),
        }
    }
}

/// Whether a `handler-outage` that hits this share of all attempts hits this one.
pub fn outage_hits(
    seed: u64,
    fault: FaultId,
    message: MessageId,
    attempt: u32,
    share: f64,
) -> bool {
    let id = u64::from(fault.0) << 52 ^ u64::from(message.0) << 20 ^ u64::from(attempt);
    Rng::substream(seed, Purpose::Fate, id).chance(share)
}

/// A number of attempts; `u32::MAX`: each one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times(pub u32);

impl Written for Times {
    const EXPECTED: &'static str = "a number of attempts, or \"always\"";

    fn from_text(text: &str) -> Result<Self, Refused> {
        match text {
            "always" => Ok(Self(Fate::ALWAYS)),
            _ => Err(Refused::Malformed),
        }
    }

    fn from_integer(value: i64) -> Option<Self> {
        value.try_into().ok().map(Self)
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "const": "always" }] })
    }
}

/// The keys of a fate, of which a table may have one.
#[derive(Debug)]
pub(super) struct RawFate {
    pub fails: Option<Value<Times>>,
    pub permanent: Option<bool>,
    pub panics: Option<Value<Times>>,
    pub hangs: Option<Value<Times>>,
    pub undecodable: Option<bool>,
}

impl RawFate {
    /// The one fate; several are a problem of the table at `at`.
    pub(super) fn resolve(self, at: &Place, problems: &mut Vec<Problem>) -> Fate {
        let given = [
            ("fails", self.fails.map(|times| Fate::Retryable(times.0.0))),
            (
                "permanent",
                self.permanent
                    .and_then(|yes| yes.then_some(Fate::Permanent)),
            ),
            ("panics", self.panics.map(|times| Fate::Panic(times.0.0))),
            ("hangs", self.hangs.map(|times| Fate::Hang(times.0.0))),
            (
                "undecodable",
                self.undecodable
                    .and_then(|yes| yes.then_some(Fate::Undecodable)),
            ),
        ];
        let mut given = given
            .into_iter()
            .filter_map(|(key, fate)| Some((key, fate?)));
        let Some((first, fate)) = given.next() else {
            return Fate::Ok;
        };
        for (key, _) in given {
            let mut place = at.clone();
            place.push(key.into());
            problems.push(
                Problem::new(
                    place,
                    format!("`{key}` and `{first}`: a message has one fate"),
                )
                .expected("expected only one of them"),
            );
        }
        fate
    }
}

impl Fate {
    /// Its line, if it has one.
    pub(super) fn write(self, section: &mut Section) {
        match self {
            Self::Ok => {}
            Self::Retryable(times) => section.line("fails", attempts(times)),
            Self::Permanent => section.line("permanent", true),
            Self::Panic(times) => section.line("panics", attempts(times)),
            Self::Hang(times) => section.line("hangs", attempts(times)),
            Self::Undecodable => section.line("undecodable", true),
        }
    }
}

fn attempts(times: u32) -> String {
    match times {
        Fate::ALWAYS => "\"always\"".into(),
        _ => times.to_string(),
    }
}
