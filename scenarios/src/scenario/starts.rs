//! `starts` and `members` of `[consumers]`: two ways to say when each member starts.

use super::errors::{Place, Problem};
use super::form::{Form, step};
use super::value::{Refused, Value, Written};
use super::write;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use std::time::Duration;

/// The time at which each member starts; `None`: a `join` fault starts it.
type Times = Vec<Option<Duration>>;

/// An entry for each member.
pub(super) enum Starts {}

/// The number of members, where all start with the run.
pub(super) enum Members {}

/// The highest number of members.
const MOST: usize = 64;

impl Form<Times> for Starts {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut Times) -> Result<(), D::Error> {
        let starts = Vec::<Value<Start>>::deserialize(d)?;
        *place = starts.into_iter().map(|start| start.0.0).collect();
        Ok(())
    }

    fn write(starts: &Times) -> Option<String> {
        if all_at_once(starts) {
            return None;
        }
        let on_join = || format!("\"{ON_JOIN}\"");
        let starts = starts.iter();
        let starts = starts.map(|start| start.map_or_else(on_join, write::time));
        Some(write::list(starts))
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "list of 1 to 64, each a time or \"on join\"",
            "type": "array",
            "items": Start::schema(),
            "minItems": 1,
            "maxItems": MOST,
        })
    }

    /// Notes a number of members that is wrong, whichever key states it.
    fn check(starts: &Times, at: &Place, key: &str, problems: &mut Vec<Problem>) {
        if !(1..=MOST).contains(&starts.len()) {
            let message = format!("{} members", starts.len());
            let problem = Problem::new(step(at, key), message).or_at(step(at, "members"));
            problems.push(problem.expected(format!("expected 1 to {MOST}")));
        }
    }
}

impl Form<Times> for Members {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut Times) -> Result<(), D::Error> {
        let members = u32::deserialize(d)?;
        // More are refused later, and would only take memory until then.
        let members = members.min(1_000) as usize;
        *place = vec![Some(Duration::ZERO); members];
        Ok(())
    }

    fn write(starts: &Times) -> Option<String> {
        all_at_once(starts).then(|| starts.len().to_string())
    }

    fn describe(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": MOST })
    }
}

/// Returns whether the number of members says all.
fn all_at_once(starts: &Times) -> bool {
    !starts.is_empty() && starts.iter().all(|start| *start == Some(Duration::ZERO))
}

/// The time at which a member starts.
#[derive(Clone, Copy, Debug)]
struct Start(Option<Duration>);

const ON_JOIN: &str = "on join";

impl Written for Start {
    const EXPECTED: &'static str = r#"a time such as "20s", or "on join""#;

    fn from_text(text: &str) -> Result<Self, Refused> {
        match text {
            ON_JOIN => Ok(Self(None)),
            time => Duration::from_text(time).map(|time| Self(Some(time))),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "anyOf": [<Duration as Written>::schema(), { "const": ON_JOIN }] })
    }
}
