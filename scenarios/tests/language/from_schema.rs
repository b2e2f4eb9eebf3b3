//! Tables of a scenario file with any values that the schema allows, one by one: a setting that is
//! declared is drawn.

use plimsoll_scenarios::scenario::schema;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value as Json;
use std::sync::LazyLock;
use toml::{Table, Value};

static SCHEMA: LazyLock<Json> = LazyLock::new(schema);

/// The table of this name in the schema, with some of its keys, but for those in `by_hand`: what
/// they may be depends on others.
pub(crate) fn table(name: &str, by_hand: &[&str]) -> BoxedStrategy<Table> {
    let schema = &SCHEMA["$defs"][name];
    let properties = schema["properties"].as_object().expect("it is a table");
    assert!(by_hand.iter().all(|key| properties.contains_key(*key)));
    let required = schema["required"].as_array();
    let is_required = |key: &str| required.is_some_and(|keys| keys.iter().any(|k| k == key));
    let keys = properties
        .iter()
        .filter(|(key, _)| !by_hand.contains(&key.as_str()));
    let mut values = Vec::new();
    for (key, schema) in keys {
        let value = value(schema);
        let value = if is_required(key) {
            value.prop_map(Some).boxed()
        } else {
            option::weighted(0.3, value).boxed()
        };
        values.push(value.prop_map(move |value| Some((key.clone(), value?))));
    }
    let exclusive = |table: &Table, pair: &Json| {
        let keys = pair["required"].as_array().expect("it requires a pair");
        keys.iter()
            .all(|key| table.contains_key(key.as_str().expect("keys are text")))
    };
    values
        .prop_map(|keys| keys.into_iter().flatten().collect::<Table>())
        .prop_map(move |mut table| {
            for pair in schema["not"]["anyOf"].as_array().into_iter().flatten() {
                if exclusive(&table, pair) {
                    table.remove(pair["required"][0].as_str().expect("keys are text"));
                }
            }
            table
        })
        .boxed()
}

/// Any value that fits a schema.
fn value(schema: &'static Json) -> BoxedStrategy<Value> {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/$defs/");
        return table(name, &[]).prop_map(Value::Table).boxed();
    }
    if let Some(words) = schema["enum"].as_array() {
        let words = words
            .iter()
            .map(|word| Value::try_from(word).expect("TOML has words"));
        return select(words.collect::<Vec<_>>()).boxed();
    }
    if let Some(word) = schema["const"].as_str() {
        return Just(word.into()).boxed();
    }
    let min = schema["minimum"].as_f64().unwrap_or(0.0);
    let max = schema["maximum"].as_f64().unwrap_or(1e12);
    if let Some(values) = schema["title"].as_str().and_then(of_title) {
        return values;
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        return proptest::strategy::Union::new(choices.iter().map(value)).boxed();
    }
    match schema["type"].as_str() {
        Some("boolean") => any::<bool>().prop_map(Value::Boolean).boxed(),
        Some("integer") => (min as i64..=max as i64).prop_map(Value::Integer).boxed(),
        Some("number") => (min..=max).prop_map(Value::Float).boxed(),
        Some("string") => any::<String>().prop_map(Value::String).boxed(),
        Some("array") => vec(value(&schema["items"]), 1..4)
            .prop_map(Value::Array)
            .boxed(),
        _ => panic!("how is {schema} drawn?"),
    }
}

/// Any value of a kind that more can be said of than a schema can; `None`: the schema says all.
fn of_title(title: &str) -> Option<BoxedStrategy<Value>> {
    let text = |text: BoxedStrategy<String>| text.prop_map(Value::String).boxed();
    let is = |kind: &str| title.starts_with(kind);
    Some(if is("duration above 0, or") {
        return None;
    } else if is("duration") {
        text(duration().boxed())
    } else if is("number of milliseconds") {
        let millis = (1..10_000_000i64).prop_map(Value::Integer);
        prop_oneof![millis, text(duration().boxed())].boxed()
    } else if is("range of durations") {
        text(range(1..1_000_000_000_000, "ns"))
    } else if is("range of sizes") {
        text(range(0..1 << 20, "B"))
    } else if is("size") {
        let bytes = (1..1i64 << 20).prop_map(Value::Integer);
        let kibibytes = (1..=1024u32).prop_map(|size| format!("{size}KiB"));
        prop_oneof![bytes, text(kibibytes.boxed())].boxed()
    } else if is("rate") {
        let unit = select(vec!["s", "min", "h"]);
        let rate = (4..1_000_000u32, unit).prop_map(|(rate, unit)| format!("{rate} / {unit}"));
        let number = (0.001..1e6).prop_map(Value::Float);
        prop_oneof![number, text(rate.boxed())].boxed()
    } else if is("share") {
        let percent = (0..=1_000u32).prop_map(|p| format!("{}%", f64::from(p) / 10.0));
        prop_oneof![(0.0..=1.0).prop_map(Value::Float), text(percent.boxed())].boxed()
    } else if is("name") {
        text(".{1,20}".boxed())
    } else {
        return None;
    })
}

/// Any duration but zero, of any precision, as people write it.
fn duration() -> impl Strategy<Value = String> {
    prop_oneof![
        (1..100u64).prop_map(|secs| format!("{secs}s")),
        (1..100_000u64).prop_map(|millis| format!("{millis} ms")),
        (1..90u64, 0..60u64).prop_map(|(minutes, secs)| format!("{minutes}m {secs}s")),
        (0..500u64, 1..1_000u64).prop_map(|(secs, millis)| format!("{secs}.{millis:03}s")),
        (1..1_000_000_000_000u64).prop_map(|nanos| format!("{nanos}ns")),
    ]
}

/// Any range in this unit, or one value.
fn range(values: std::ops::Range<u64>, unit: &'static str) -> BoxedStrategy<String> {
    let ends = (values.clone(), values);
    ends.prop_map(move |(a, b)| match (a.min(b), a.max(b)) {
        (min, max) if min == max => format!("{min}{unit}"),
        (min, max) => format!("{min}{unit}..{max}{unit}"),
    })
    .boxed()
}
