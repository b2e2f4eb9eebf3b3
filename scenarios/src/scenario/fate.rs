//! What becomes of one message: in `[[messages]]` and `[[handler.messages]]`.

use super::form::{Flag, Form, Maybe, Measure, Number};
use super::table::{Exclusive, Given, Rules, table};
use super::value::{Refused, Written};
use crate::{Purpose, Rng};
use plimsoll_core::Outcome;
use plimsoll_oracle::{FaultId, MessageId};
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// What becomes of one message in its handler, attempt by attempt.
///
/// Attempts are counted in the sink over the whole run, so the same message fails the same way on
/// every backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// Every attempt succeeds.
    #[default]
    Ok,
    /// The first n attempts fail; [`Fate::ALWAYS`]: all fail.
    Retryable(u32),
    /// Every attempt fails, and says that it always will.
    Permanent,
    /// The first n attempts panic.
    Panic(u32),
    /// The first n attempts never come back.
    Hang(u32),
    /// The record cannot be decoded: a permanent failure before the handler does anything.
    Undecodable,
}

impl Fate {
    /// The number of attempts that stands for all.
    pub const ALWAYS: u32 = u32::MAX;

    /// Returns how attempt `attempt` (from 1) ends; `None`: it never does.
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

/// Returns whether a `handler-outage` that hits this share of all attempts hits this one.
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

/// A number of attempts; [`Fate::ALWAYS`]: all.
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
        json_schema!({
            "title": "number of attempts, or \"always\"",
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": u32::MAX },
                { "const": "always" },
            ],
        })
    }
}

impl Measure<u32> for Times {
    fn value(self) -> u32 {
        self.0
    }

    fn text(value: &u32) -> String {
        match *value {
            Fate::ALWAYS => "\"always\"".into(),
            times => times.to_string(),
        }
    }
}

table! {
    /// The fate of a message.
    pub(super) struct FateKeys {
        /// The number of attempts that fail, before the others succeed; "always": all fail.
        fails: Option<u32> as Maybe<Times> = None;
        /// Whether every attempt fails, and says that it always will.
        permanent: bool as Flag = false;
        /// The number of attempts that panic, before the others succeed; "always": all panic.
        panics: Option<u32> as Maybe<Times> = None;
        /// The number of attempts that never come back, before the others succeed; "always": none
        /// comes back.
        hangs: Option<u32> as Maybe<Times> = None;
        /// Whether no handler can decode the record.
        undecodable: bool as Flag = false;
    }
}

table! {
    /// A message whose fate does not depend on the seed.
    pub(super) struct FatedMessage {
        /// The message's number, from 1 in the order in which they are produced.
        pub(super) message: u32 as Number;
        with {
            /// Its fate.
            pub(super) fate: FateKeys;
        }
    }
}

impl FateKeys {
    pub(super) const EXCLUSIVE: &'static [Exclusive] = &[Exclusive {
        keys: &["fails", "permanent", "panics", "hangs", "undecodable"],
        why: "a message has one fate",
    }];
}

impl Rules for FatedMessage {
    const EXCLUSIVE: &'static [Exclusive] = FateKeys::EXCLUSIVE;
}

impl From<Fate> for FateKeys {
    fn from(fate: Fate) -> Self {
        let mut keys = Self::default();
        match fate {
            Fate::Ok => {}
            Fate::Retryable(times) => keys.fails = Some(times),
            Fate::Permanent => keys.permanent = true,
            Fate::Panic(times) => keys.panics = Some(times),
            Fate::Hang(times) => keys.hangs = Some(times),
            Fate::Undecodable => keys.undecodable = true,
        }
        keys
    }
}

impl From<FateKeys> for Fate {
    fn from(keys: FateKeys) -> Self {
        let fates = [
            keys.fails.map(Self::Retryable),
            keys.permanent.then_some(Self::Permanent),
            keys.panics.map(Self::Panic),
            keys.hangs.map(Self::Hang),
            keys.undecodable.then_some(Self::Undecodable),
        ];
        fates.into_iter().flatten().next().unwrap_or_default()
    }
}

/// `[[handler.messages]]`: tables of their own, which are written by themselves.
pub(super) enum FatedMessages {}

impl Form<Vec<(u32, Fate)>> for FatedMessages {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut Vec<(u32, Fate)>) -> Result<(), D::Error> {
        let messages = Vec::<Given<FatedMessage>>::deserialize(d)?.into_iter();
        *place = messages
            .map(|Given(FatedMessage { message, fate })| (message, fate.into()))
            .collect();
        Ok(())
    }

    fn write(_: &Vec<(u32, Fate)>) -> Option<String> {
        None
    }

    fn describe(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": generator.subschema_for::<Given<FatedMessage>>(),
        })
    }
}
