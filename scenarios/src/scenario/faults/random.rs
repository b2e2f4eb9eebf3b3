//! `[faults.random]` as it stands in a file.

use super::RandomFaults;
use super::kind::FaultName;
use crate::scenario::errors::{Place, Problem};
use crate::scenario::units::{self, Span};
use crate::scenario::value::{Value, Written};
use crate::scenario::write::{SHORT, Section};
use plimsoll_oracle::Word;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A description of random faults: each seed draws its own.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Random")]
pub(super) struct RawRandom {
    /// How many, fewest and most.
    count: Value<Span<u32>>,
    /// When they begin, earliest and latest.
    between: Value<Span<Duration>>,
    /// How long each lasts that can last, shortest and longest; default "1s..10s".
    #[serde(default)]
    #[schemars(schema_with = "above_zero")]
    r#for: Option<Value<Span<Duration>>>,
    /// Which kinds, and how often in proportion; default: every kind that can be drawn, alike.
    weights: Option<Weights>,
}

/// By the words of `do`.
#[derive(Debug)]
struct Weights(Vec<(FaultName, f64)>);

const MAX_WEIGHT: f64 = 1e6;

const DURATION: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

impl<'de> Deserialize<'de> for Weights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Weights;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table such as { crash = 3, pause = 1 }")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Weights, A::Error> {
                let mut weights = Vec::new();
                while let Some(Value(name)) = map.next_key::<Value<FaultName>>()? {
                    let weight: f64 = map.next_value()?;
                    if !(0.0..=MAX_WEIGHT).contains(&weight) {
                        let message =
                            format!("invalid value: weight {weight}, expected 0 to {MAX_WEIGHT}");
                        return Err(A::Error::custom(message));
                    }
                    weights.push((name, weight));
                }
                // TOML's tables have no order: a draw must not depend on how a file is read.
                weights.sort_by_key(|(name, _)| *name);
                Ok(Weights(weights))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

impl JsonSchema for Weights {
    fn schema_name() -> Cow<'static, str> {
        "Weights".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: serde_json::Map<_, _> = FaultName::ALL
            .iter()
            .copied()
            .filter(|name| name.is_drawable())
            .map(|name| {
                (
                    name.word().into(),
                    serde_json::json!({
                        "type": "number",
                        "minimum": 0,
                        "maximum": MAX_WEIGHT,
                        "description": name.description(),
                    }),
                )
            })
            .collect();
        json_schema!({
            "type": "object",
            "properties": words,
            "additionalProperties": false,
            "minProperties": 1,
        })
    }
}

/// Describes a range whose lower end has a digit other than 0.
fn above_zero(_: &mut SchemaGenerator) -> Schema {
    let mut range = Span::<Duration>::schema();
    let zero = serde_json::json!({ "pattern": r"^[^1-9]*?(\.\.|$)" });
    range.insert("not".into(), zero);
    range
}

/// Returns the weights of a description that states none.
fn every_kind() -> Vec<(FaultName, f64)> {
    let names = FaultName::ALL
        .iter()
        .copied()
        .filter(|name| name.is_drawable());
    names.map(|name| (name, 1.0)).collect()
}

impl RawRandom {
    pub(super) fn resolve(self, at: &Place, problems: &mut Vec<Problem>) -> RandomFaults {
        let duration = self
            .r#for
            .map_or(DURATION, |Value(span)| (span.min, span.max));
        let random = RandomFaults {
            count: (self.count.0.min, self.count.0.max),
            between: (self.between.0.min, self.between.0.max),
            duration,
            weights: self.weights.map_or_else(every_kind, |weights| weights.0),
        };
        random.check(at, problems);
        random
    }
}

impl RandomFaults {
    pub(in crate::scenario) fn check(&self, at: &Place, problems: &mut Vec<Problem>) {
        let key = |key: &str| {
            at.iter()
                .cloned()
                .chain([key.to_string()])
                .collect::<Place>()
        };
        if self.count.1 > 1_000 {
            let message = format!("up to {} random faults", self.count.1);
            problems.push(Problem::new(key("count"), message).expected("expected at most 1000"));
        }
        let backwards = [
            ("count", self.count.0 > self.count.1),
            ("between", self.between.0 > self.between.1),
            ("for", self.duration.0 > self.duration.1),
        ];
        for (name, _) in backwards.iter().filter(|(_, backwards)| *backwards) {
            let problem = Problem::new(key(name), "the range ends before it begins");
            problems.push(problem.expected("expected the lower end first"));
        }
        if self.duration.0.is_zero() {
            let problem = Problem::new(key("for"), "a fault that lasts no time");
            problems.push(problem.expected("expected durations above 0"));
        }
        let undrawable = self.weights.iter().filter(|(name, _)| !name.is_drawable());
        for (name, _) in undrawable {
            let mut place = key("weights");
            place.push(name.word().into());
            let message = format!(
                "`{}` cannot be drawn: it needs an argument that cannot be guessed",
                name.word()
            );
            problems.push(Problem::new(place, message).expected("expected it in `[[faults]]`"));
        }
        let sum: f64 = self.weights.iter().map(|(_, weight)| weight).sum();
        // A sum that is no number is refused too.
        let positive = sum > 0.0;
        if !positive {
            problems.push(
                Problem::new(key("weights"), "no kind of fault has a weight")
                    .expected("expected at least one above 0"),
            );
        }
    }

    /// Writes the table `[faults.random]`.
    pub(super) fn write(&self, file: &mut String) {
        let mut section = Section::new("[faults.random]");
        let (fewest, most) = self.count;
        if fewest == most {
            section.line("count", fewest);
        } else {
            section.text("count", &format!("{fewest}..{most}"));
        }
        let (earliest, latest) = self.between;
        section.text("between", &units::durations(earliest, latest));
        section.differing("for", (self.duration, DURATION), |(shortest, longest)| {
            format!("\"{}\"", units::durations(shortest, longest))
        });
        let mut weights = Section::new("[faults.random.weights]");
        if self.weights != every_kind() {
            let entries = self.weights.iter();
            let entries = entries.map(|(name, weight)| format!("{} = {weight}", name.word()));
            let line = entries.collect::<Vec<_>>().join(", ");
            if line.len() <= SHORT {
                section.line("weights", format!("{{ {line} }}"));
            } else {
                for (name, weight) in &self.weights {
                    weights.line(name.word(), weight);
                }
            }
        }
        section.finish(file, true);
        weights.finish(file, false);
    }
}
