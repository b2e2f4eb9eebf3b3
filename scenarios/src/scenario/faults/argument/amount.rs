//! Amounts: times, factors and shares.

use super::{Argument, Checking, Dice, Reading};
use crate::scenario::Share;
use crate::scenario::handler::check_share;
use crate::scenario::topics::Topic;
use crate::scenario::value::{Refused, Written};
use crate::scenario::write;
use schemars::{Schema, json_schema};
use std::time::Duration;

/// The time by which something takes longer.
impl Argument for Duration {
    fn meaning() -> &'static str {
        "the time that is added, such as \"200ms\""
    }

    fn schema() -> Schema {
        <Self as Written>::schema()
    }

    fn read(given: &toml::Value, reading: &mut Reading<'_>) -> Option<Self> {
        reading.value(given)
    }

    fn write(&self, _: &[Topic]) -> String {
        write::time(*self)
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        Some(|dice| dice.time((Self::from_millis(50), Self::from_secs(3))))
    }

    fn time_mut(&mut self) -> Option<&mut Duration> {
        Some(self)
    }
}

/// The factor by which something takes longer; 1 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Factor(pub u32);

impl Argument for Factor {
    fn meaning() -> &'static str {
        "the factor by which handlers take longer, 1 to 1000"
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
        if !(1..=1_000).contains(&self.0) {
            checking.problem(format!("{} times as long", self.0), "expected 1 to 1000");
        }
    }

    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        Some(|dice| Self(dice.whole((2, 20))))
    }

    fn number_mut(&mut self) -> Option<&mut u32> {
        Some(&mut self.0)
    }

    fn weight(&self) -> u64 {
        self.0.into()
    }
}

impl Written for Factor {
    const EXPECTED: &'static str = "a factor such as 10";

    fn from_text(text: &str) -> Result<Self, Refused> {
        let factor = text.strip_suffix('x').and_then(|text| text.parse().ok());
        factor.map(Self).ok_or(Refused::Malformed)
    }

    fn from_integer(value: i64) -> Option<Self> {
        value.try_into().ok().map(Self)
    }

    fn schema() -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 1, "maximum": 1000 },
                { "type": "string", "pattern": "^[0-9]+x$" },
            ],
            "examples": [10],
        })
    }
}

/// The share of all that is hit.
impl Argument for Share {
    fn meaning() -> &'static str {
        "the share that is hit, such as 0.05 or \"5%\""
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
        check_share(self.0, checking.place.clone(), checking.problems);
    }

    /// Draws tenths, which are easy to read.
    fn drawing() -> Option<fn(&mut Dice<'_>) -> Self> {
        Some(|dice| Self(f64::from(dice.whole((1, 10))) / 10.0))
    }

    fn make_plain(&mut self) {
        *self = ALL;
    }

    fn weight(&self) -> u64 {
        (*self != ALL).into()
    }
}

const ALL: Share = Share(1.0);
