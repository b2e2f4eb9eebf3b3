//! Durations, rates, sizes and shares as people write them, and back.
//!
//! Numbers are read digit by digit, not through floating point: `"0.1s"` is 100 ms exactly, and
//! what is written is read as the same value.

use super::value::{Refused, Written};
use schemars::{Schema, json_schema};
use std::time::Duration;

/// A plain number, as a pattern.
const NUMBER: &str = r"[0-9]+(\.[0-9]+)?";

/// A duration, as a pattern.
const TIME: &str = r"(0|([0-9]+(\.[0-9]+)?\s*(ns|us|µs|μs|ms|msecs?|millis|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\s*)+)";

/// A size, as a pattern.
const SIZE: &str = r"[0-9]+(\.[0-9]+)?\s*(B|kB|KB|KiB|MB|MiB|GiB)";

/// The longest duration that a file may state: longer ones are surely mistakes.
pub(super) const LONGEST: Duration = Duration::from_secs(1_000 * 3_600);

/// A whole range, both ends included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span<T> {
    pub min: T,
    pub max: T,
}

/// Messages a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate(pub f64);

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(super) struct Bytes(pub u64);

/// A part of a whole, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub f64);

impl Written for Duration {
    const EXPECTED: &'static str = r#"a duration such as "250ms", "1.5s" or "5m""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        let mut nanos = 0u128;
        let mut rest = text.trim();
        if rest == "0" {
            return Ok(Self::ZERO);
        }
        if rest.is_empty() {
            return Err(Refused::Malformed);
        }
        while !rest.is_empty() {
            let (number, unit, after) = number_and_unit(rest).ok_or(Refused::Malformed)?;
            let scale = nanos_of(unit).ok_or(Refused::Malformed)?;
            nanos += scaled(number, scale).ok_or(Refused::Malformed)?;
            if nanos > LONGEST.as_nanos() {
                return Err(Refused::Because("durations end at 1000h".into()));
            }
            rest = after;
        }
        Ok(Self::from_nanos(nanos as u64))
    }

    fn schema() -> Schema {
        json_schema!({
            "title": "duration",
            "type": "string",
            "pattern": format!(r"^\s*{TIME}\s*$"),
            "examples": ["250ms", "1.5s", "5m"],
        })
    }
}

impl Written for Span<Duration> {
    const EXPECTED: &'static str = r#"a range of durations such as "1ms..20ms", or one duration"#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        range(text, |part, other| {
            let bare = part.bytes().all(|c| c.is_ascii_digit() || c == b'.');
            if bare && part != "0" {
                // "1..20ms": the unit that is written once holds for both.
                let unit = other.trim_start_matches(|c: char| !c.is_alphabetic());
                return Duration::from_text(&format!("{part}{unit}"));
            }
            Duration::from_text(part)
        })
    }

    fn schema() -> Schema {
        json_schema!({
            "title": "range of durations",
            "type": "string",
            "pattern": format!(r"^\s*(({TIME}|{NUMBER})\s*\.\.\s*)?{TIME}\s*$"),
            "examples": ["1ms..20ms", "5ms"],
        })
    }
}

impl Written for Span<u32> {
    const EXPECTED: &'static str = r#"a range of whole numbers such as "0..4", or one number"#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        range(text, |part, _| part.parse().map_err(|_| Refused::Malformed))
    }

    fn from_integer(value: i64) -> Option<Self> {
        let only = value.try_into().ok()?;
        Some(Self {
            min: only,
            max: only,
        })
    }

    fn schema() -> Schema {
        json_schema!({
            "title": "range of whole numbers",
            "anyOf": [
                { "type": "string", "pattern": r"^\s*[0-9]+(\s*\.\.\s*[0-9]+)?\s*$" },
                { "type": "integer", "minimum": 0, "maximum": u32::MAX },
            ],
            "examples": ["0..4", 2],
        })
    }
}

impl Written for Rate {
    const EXPECTED: &'static str = r#"a rate such as "40/s" or "90/min""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        let (number, unit) = text.trim().split_once('/').ok_or(Refused::Malformed)?;
        let number = plain_number(number.trim()).ok_or(Refused::Malformed)?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            _ => return Err(Refused::Malformed),
        };
        Ok(Self(number / seconds))
    }

    fn from_integer(value: i64) -> Option<Self> {
        Some(Self(value as f64))
    }

    fn from_float(value: f64) -> Option<Self> {
        Some(Self(value))
    }

    fn schema() -> Schema {
        let pattern = format!(r"^\s*{NUMBER}\s*/\s*(s|m|min|h)\s*$");
        json_schema!({
            "title": "rate from 0.001/s to 1000000/s",
            "anyOf": [
                { "type": "string", "pattern": pattern, "not": { "pattern": "^[^1-9]*$" } },
                { "type": "number", "minimum": 0.001, "maximum": 1e6 },
            ],
            "examples": ["40/s", "90/min"],
        })
    }
}

impl Written for Bytes {
    const EXPECTED: &'static str = r#"a size such as "100B", "16KiB" or "1MiB""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        let (number, unit, rest) = number_and_unit(text.trim()).ok_or(Refused::Malformed)?;
        let scale = match unit {
            "B" => 1,
            "kB" | "KB" => 1_000,
            "KiB" => 1 << 10,
            "MB" => 1_000_000,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return Err(Refused::Malformed),
        };
        if !rest.is_empty() {
            return Err(Refused::Malformed);
        }
        let bytes = scaled(number, scale).ok_or(Refused::Malformed)?;
        bytes.try_into().map(Self).map_err(|_| Refused::Malformed)
    }

    fn from_integer(value: i64) -> Option<Self> {
        value.try_into().ok().map(Self)
    }

    fn schema() -> Schema {
        json_schema!({
            "title": "size",
            "anyOf": [
                { "type": "string", "pattern": format!(r"^\s*{SIZE}\s*$") },
                { "type": "integer", "minimum": 0 },
            ],
            "examples": ["100B", "16KiB"],
        })
    }
}

impl Written for Span<Bytes> {
    const EXPECTED: &'static str = r#"a range of sizes such as "100B..1KiB", or one size"#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        range(text, |part, _| Bytes::from_text(part))
    }

    fn from_integer(value: i64) -> Option<Self> {
        let only = Bytes::from_integer(value)?;
        Some(Self {
            min: only,
            max: only,
        })
    }

    fn schema() -> Schema {
        json_schema!({
            "title": "range of sizes",
            "anyOf": [
                { "type": "string", "pattern": format!(r"^\s*({SIZE}\s*\.\.\s*)?{SIZE}\s*$") },
                { "type": "integer", "minimum": 0 },
            ],
            "examples": ["100B..1KiB", "100B", 100],
        })
    }
}

impl Written for Share {
    const EXPECTED: &'static str = r#"a share from 0 to 1, or a percentage such as "5%""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        let percent = text.trim().strip_suffix('%').ok_or(Refused::Malformed)?;
        let percent = plain_number(percent.trim_end()).ok_or(Refused::Malformed)?;
        Self::from_float(percent / 100.0).ok_or(Refused::Malformed)
    }

    fn from_integer(value: i64) -> Option<Self> {
        Self::from_float(value as f64)
    }

    fn from_float(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    fn schema() -> Schema {
        let at_most_100 = r"^\s*0*(100(\.0*)?|[0-9]{1,2}(\.[0-9]*)?)\s*%\s*$";
        json_schema!({
            "title": "share from 0 to 1",
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 1 },
                { "type": "string", "pattern": at_most_100 },
            ],
            "examples": [0.05, "5%"],
        })
    }
}

/// Writes a duration, exactly, with the largest unit that reads well.
pub(super) fn duration(time: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    const MINUTE: u64 = 60_000_000_000;
    let nanos = time.as_nanos() as u64;
    if nanos > 0 && nanos.is_multiple_of(60 * MINUTE) {
        return format!("{}h", nanos / (60 * MINUTE));
    }
    if nanos > MINUTE && nanos.is_multiple_of(MINUTE) {
        return format!("{}m", nanos / MINUTE);
    }
    if nanos == 0 {
        return "0s".into();
    }
    match UNITS.into_iter().find(|(scale, _)| nanos >= *scale) {
        None => format!("{nanos}ns"),
        Some((scale, unit)) => {
            let digits = scale.ilog10() as usize;
            let decimal = format!("{}.{:0digits$}", nanos / scale, nanos % scale);
            format!(
                "{}{unit}",
                decimal.trim_end_matches('0').trim_end_matches('.')
            )
        }
    }
}

/// Writes a range of durations, or the one that both ends are.
pub(super) fn durations(min: Duration, max: Duration) -> String {
    if min == max {
        duration(min)
    } else {
        format!("{}..{}", duration(min), duration(max))
    }
}

/// Writes a size, exactly.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0 => "0B".into(),
        _ if bytes.is_multiple_of(1 << 20) => format!("{}MiB", bytes >> 20),
        _ if bytes.is_multiple_of(1 << 10) => format!("{}KiB", bytes >> 10),
        _ => format!("{bytes}B"),
    }
}

/// Writes a range of sizes, or the one that both ends are.
pub(super) fn sizes(min: u64, max: u64) -> String {
    if min == max {
        bytes(min)
    } else {
        format!("{}..{}", bytes(min), bytes(max))
    }
}

fn range<T: PartialOrd + Copy>(
    text: &str,
    part: impl Fn(&str, &str) -> Result<T, Refused>,
) -> Result<Span<T>, Refused> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    let (min, max) = (min.trim(), max.trim());
    let span = Span {
        min: part(min, max)?,
        max: part(max, max)?,
    };
    if span.min > span.max {
        return Err(Refused::Because("the range ends before it begins".into()));
    }
    Ok(span)
}

/// Splits `1.5 KiB and so on` after the number and after the unit.
fn number_and_unit(text: &str) -> Option<(&str, &str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, rest) = text.split_at(end);
    let rest = rest.trim_start();
    let end = rest
        .find(|c: char| !c.is_alphabetic())
        .unwrap_or(rest.len());
    let (unit, rest) = rest.split_at(end);
    Some((number, unit, rest.trim_start()))
}

fn nanos_of(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => 1_000_000_000,
        "m" | "min" | "mins" | "minute" | "minutes" => 60_000_000_000,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000_000_000,
        _ => return None,
    })
}

/// Returns `number` times `scale`, if that is whole and not absurd.
fn scaled(number: &str, scale: u64) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || whole.len() + fraction.len() > 24 {
        return None;
    }
    let mut value = whole.parse::<u128>().ok()?.checked_mul(u128::from(scale))?;
    let (mut rest, mut unit) = (fraction.parse::<u128>().ok()?, 1u128);
    for _ in 0..fraction.len() {
        unit *= 10;
    }
    rest = rest.checked_mul(u128::from(scale))?;
    if !rest.is_multiple_of(unit) {
        return None;
    }
    value += rest / unit;
    Some(value)
}

/// Reads a number as people write it: no exponent, no sign, no `inf`.
fn plain_number(text: &str) -> Option<f64> {
    let plain = text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|c| c.is_ascii_digit() || c == b'.');
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads(text: &str, nanos: u64) {
        let read = Duration::from_text(text).ok();
        assert_eq!(read, Some(Duration::from_nanos(nanos)), "{text}");
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        reads("250ms", 250_000_000);
        reads("0.1s", 100_000_000);
        reads("1.5 s", 1_500_000_000);
        reads("1m 30s", 90_000_000_000);
        reads("2h", 7_200_000_000_000);
        reads("0", 0);
        reads("12.034250001s", 12_034_250_001);
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "", "5", "s", "-1s", "1.5ns", "5 minuts", "1e3s", "1..2s", ".5s", "5.s", "2000h",
        ] {
            assert!(Duration::from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_written_as_people_write_them() {
        for text in [
            "0s",
            "1ns",
            "1.5us",
            "250ms",
            "12.034250001s",
            "60s",
            "90s",
            "5m",
            "2h",
        ] {
            let read = Duration::from_text(text).ok().map(duration);
            assert_eq!(read.as_deref(), Some(text));
        }
    }

    #[test]
    fn ranges_may_state_the_unit_once() {
        let span = Span::<Duration>::from_text("1..20ms").ok();
        let (min, max) = (Duration::from_millis(1), Duration::from_millis(20));
        assert_eq!(span, Some(Span { min, max }));
        assert!(Span::<Duration>::from_text("20ms..1ms").is_err());
        assert!(Span::<u32>::from_text("4..1").is_err());
    }

    #[test]
    fn rates_sizes_and_shares() {
        assert_eq!(Rate::from_text("90/min").ok().map(|rate| rate.0), Some(1.5));
        assert_eq!(Bytes::from_text("1.5KiB").ok(), Some(Bytes(1536)));
        assert_eq!(
            Share::from_text("2.5%").ok().map(|share| share.0),
            Some(0.025)
        );
        assert!(Share::from_float(f64::NAN).is_none());
        assert!(Rate::from_text("inf/s").is_err());
    }
}
