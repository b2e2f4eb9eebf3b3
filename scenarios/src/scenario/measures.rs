//! Durations, rates, sizes and shares as forms of what the program keeps them in.

use super::form::{Measure, Nothing, Positive};
use super::units::{self, Bytes, LONGEST, Rate, Share, Span};
use super::value::{Refused, Written};
use super::write;
use schemars::{Schema, json_schema};
use std::time::Duration;

/// A time that Kafka's own settings count in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Millis(pub Duration);

/// A time, or `"never"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct OrNever(pub Option<Duration>);

/// A seed: any 64 bits. TOML's integers end at 63, so large ones are written as text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seed(pub u64);

impl Measure<Duration> for Duration {
    fn value(self) -> Duration {
        self
    }

    fn text(value: &Duration) -> String {
        write::time(*value)
    }
}

impl Nothing<Duration> for Duration {
    fn is_nothing(value: &Duration) -> bool {
        value.is_zero()
    }
}

/// The shortest and the longest.
impl Measure<(Duration, Duration)> for Span<Duration> {
    fn value(self) -> (Duration, Duration) {
        (self.min, self.max)
    }

    fn text(&(min, max): &(Duration, Duration)) -> String {
        format!("\"{}\"", units::durations(min, max))
    }

    fn is_allowed((min, max): &(Duration, Duration)) -> bool {
        min <= max
    }
}

impl Written for Millis {
    const EXPECTED: &'static str =
        r#"milliseconds as Kafka counts them, or a duration such as "9s""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        Duration::from_text(text).map(Self)
    }

    fn from_integer(value: i64) -> Option<Self> {
        let time = Duration::from_millis(value.try_into().ok()?);
        (time <= LONGEST).then_some(Self(time))
    }

    fn schema() -> Schema {
        let longest = LONGEST.as_millis() as u64;
        json_schema!({
            "title": "number of milliseconds, or a duration",
            "anyOf": [
                { "type": "integer", "minimum": 0, "maximum": longest },
                Duration::schema(),
            ],
        })
    }
}

impl Measure<Duration> for Millis {
    fn value(self) -> Duration {
        self.0
    }

    fn text(value: &Duration) -> String {
        if value.as_nanos().is_multiple_of(1_000_000) {
            value.as_millis().to_string()
        } else {
            write::time(*value)
        }
    }
}

impl Nothing<Duration> for Millis {
    fn is_nothing(value: &Duration) -> bool {
        value.is_zero()
    }
}

impl Written for OrNever {
    const EXPECTED: &'static str = r#"a duration such as "250ms", "1.5s" or "5m", or "never""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        match text.trim() {
            "never" => Ok(Self(None)),
            time => Duration::from_text(time).map(|time| Self(Some(time))),
        }
    }

    fn schema() -> Schema {
        json_schema!({
            "title": "duration above 0, or \"never\"",
            "anyOf": [Positive::<Duration>::schema(), { "const": "never" }],
        })
    }
}

impl Measure<Option<Duration>> for OrNever {
    fn value(self) -> Option<Duration> {
        self.0
    }

    fn text(value: &Option<Duration>) -> String {
        value.map_or_else(|| "\"never\"".into(), write::time)
    }

    fn is_allowed(value: &Option<Duration>) -> bool {
        *value != Some(Duration::ZERO)
    }
}

impl Measure<f64> for Rate {
    fn value(self) -> f64 {
        self.0
    }

    fn text(value: &f64) -> String {
        format!("\"{value}/s\"")
    }

    fn is_allowed(value: &f64) -> bool {
        (0.001..=1e6).contains(value)
    }
}

impl Measure<usize> for Bytes {
    fn value(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    fn text(value: &usize) -> String {
        format!("\"{}\"", units::bytes(*value as u64))
    }
}

impl Nothing<usize> for Bytes {
    fn is_nothing(value: &usize) -> bool {
        *value == 0
    }
}

impl Measure<f64> for Share {
    fn value(self) -> f64 {
        self.0
    }

    fn text(value: &f64) -> String {
        value.to_string()
    }

    fn is_allowed(value: &f64) -> bool {
        (0.0..=1.0).contains(value)
    }
}

impl Measure<f32> for Share {
    fn value(self) -> f32 {
        self.0 as f32
    }

    fn text(value: &f32) -> String {
        value.to_string()
    }

    fn is_allowed(value: &f32) -> bool {
        (0.0..=1.0).contains(value)
    }
}

impl Written for Seed {
    const EXPECTED: &'static str = r#"a whole number from 0, above 9223372036854775807 as text"#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        text.parse().map(Self).map_err(|_| Refused::Malformed)
    }

    fn from_integer(value: i64) -> Option<Self> {
        value.try_into().ok().map(Self)
    }

    fn schema() -> Schema {
        json_schema!({
            "title": "whole number",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9]{1,20}$" },
            ],
        })
    }
}

/// A seed, of which TOML's integers cannot hold the greatest.
impl Measure<u64> for Seed {
    fn value(self) -> u64 {
        self.0
    }

    fn text(value: &u64) -> String {
        match i64::try_from(*value) {
            Ok(seed) => seed.to_string(),
            Err(_) => format!("\"{value}\""),
        }
    }
}
