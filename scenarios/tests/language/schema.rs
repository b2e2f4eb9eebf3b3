//! The schema that editors use.

use crate::library::{files, text};
use plimsoll_scenarios::scenario::schema;
use serde_json::Value;

#[test]
fn every_key_is_described_and_no_other_is_allowed() {
    let schema = schema();
    let definitions = schema["$defs"].as_object().expect("there are definitions");
    let tables: Vec<&Value> = definitions.values().chain([&schema]).collect();
    assert!(tables.len() >= 12);
    for table in tables {
        assert_eq!(table["additionalProperties"], false, "{table:#}");
        for (key, value) in table["properties"].as_object().expect("a table has keys") {
            let described = value["description"]
                .as_str()
                .is_some_and(|text| text.len() > 5);
            assert!(described, "`{key}` of {}", table["description"]);
        }
    }
}

#[test]
fn every_key_of_the_library_is_in_the_schema() {
    let schema = schema();
    for path in files("library") {
        let file: toml::Value = toml::from_str(&text(&path)).expect("it is TOML");
        let file = serde_json::to_value(file).expect("it is JSON too");
        if let Err(what) = fits(&file, &schema, &schema) {
            panic!("{}: {what}", path.display());
        }
    }
}

#[test]
fn what_the_schema_does_not_allow_is_found() {
    let schema = schema();
    for (file, problem) in [
        (r#"{ "workloads": {} }"#, "workloads"),
        (r#"{ "cluster": { "brokers": "three" } }"#, "three"),
        (
            r#"{ "consumers": { "retry": { "atempts": 3 } } }"#,
            "atempts",
        ),
        (r#"{ "consumers": { "subject": "nobody" } }"#, "nobody"),
        (r#"{ "faults": [{ "do": "krash" }] }"#, "krash"),
    ] {
        let file = serde_json::from_str(file).expect("it is JSON");
        let told = fits(&file, &schema, &schema).expect_err("it does not fit");
        assert!(told.contains(problem), "{told}");
    }
}

/// Whether a value fits a schema, as far as the words go that our schema uses.
fn fits(value: &Value, schema: &Value, root: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.trim_start_matches('#');
        let target = root.pointer(pointer).ok_or(format!("no {reference}"))?;
        return fits(value, target, root);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let tried: Vec<_> = choices
            .iter()
            .map(|choice| fits(value, choice, root))
            .collect();
        let fit = tried.iter().any(Result::is_ok);
        return if fit {
            Ok(())
        } else {
            Err(format!("{tried:?}"))
        };
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|words| !words.contains(value))
        || schema.get("const").is_some_and(|only| only != value)
    {
        return Err(format!("{value} is not allowed"));
    }
    if !has_type(value, &schema["type"]) {
        return Err(format!("{value} is no {}", schema["type"]));
    }
    for value in value.as_array().into_iter().flatten() {
        fits(value, &schema["items"], root)?;
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        let known = schema["properties"].get(key);
        fits(value, known.ok_or(format!("unknown {key}"))?, root)?;
    }
    Ok(())
}

fn has_type(value: &Value, types: &Value) -> bool {
    let is = |name: &Value| match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        _ => false,
    };
    match types {
        Value::Null => true,
        Value::Array(types) => types.iter().any(is),
        name => is(name),
    }
}
