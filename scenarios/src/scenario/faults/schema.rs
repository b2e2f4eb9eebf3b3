//! The schema of `[[faults]]`: one alternative for each kind, told apart by `do`, so that editors
//! complete and refuse what belongs to the kind.

use super::argument::Key;
use super::entry::RawFaults;
use super::kind::{FaultName, Lasts};
use super::random::RawRandom;
use super::when::When;
use crate::scenario::value::Written;
use plimsoll_oracle::{ErrorName, RequestKind, Word};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::time::Duration;

impl JsonSchema for RawFaults {
    fn schema_name() -> Cow<'static, str> {
        "Faults".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let entry = generator.subschema_for::<Entry>();
        json_schema!({ "anyOf": [{ "type": "array", "items": entry }, entry] })
    }
}

/// One fault, or a description of random ones.
struct Entry;

impl JsonSchema for Entry {
    fn schema_name() -> Cow<'static, str> {
        "Fault".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let random = described(
            generator.subschema_for::<RawRandom>(),
            "a description of random faults: `[faults.random]`",
        );
        let mut alternatives: Vec<_> = FaultName::ALL
            .iter()
            .copied()
            .map(|name| kind(name, &random, generator))
            .collect();
        alternatives.push(json!({
            "type": "object",
            "description": "Faults that each seed draws anew.",
            "properties": { "random": random },
            "required": ["random"],
            "additionalProperties": false,
        }));
        json_schema!({ "oneOf": alternatives })
    }
}

/// Makes the alternative of a kind.
fn kind(name: FaultName, random: &Value, generator: &mut SchemaGenerator) -> Value {
    let mut table = TableOf::default();
    let word = json_schema!({ "const": name.word() });
    table.add("do", described(word, name.description()), true);
    for key in name.keys() {
        let needed = key.default.is_none();
        table.add(key.name, described((key.schema)(), &meaning(&key)), needed);
    }
    let lasting = |meaning: &str| described(Duration::schema(), meaning);
    match name.lasts() {
        Lasts::AMoment | Lasts::Always => {}
        Lasts::AWhile => {
            let meaning = "its duration; default: until everything is healed";
            table.add("for", lasting(meaning), false);
        }
        Lasts::MemberByMember | Lasts::BrokerByBroker => {
            let meaning = "the time from one stop to the next one";
            table.add("for", lasting(meaning), true);
        }
    }
    let id = json_schema!({ "type": "integer", "minimum": 0, "maximum": 4000 });
    let meaning =
        "the number from which its random choices follow; default: the lowest that is free";
    table.add("id", described(id, meaning), false);
    table.add("random", random.clone(), false);
    let mut relations = Vec::new();
    if name.lasts() != Lasts::Always {
        table.add_timing(generator.subschema_for::<When>());
        relations.push(generator.subschema_for::<Timing>().to_value());
    }
    if table.has("request") && table.has("error") {
        relations.extend(RequestKind::ALL.iter().map(|&request| errors_of(request)));
    }
    table.finish(name.description(), relations)
}

/// Says what a key is, and its default.
fn meaning(key: &Key) -> String {
    match &key.default {
        None => key.meaning.into(),
        Some(default) => format!("{}; default: {default}", key.meaning),
    }
}

/// The keys of a table.
#[derive(Default)]
struct TableOf {
    properties: Map<String, Value>,
    required: Vec<&'static str>,
}

impl TableOf {
    fn add(&mut self, key: &'static str, schema: Value, needed: bool) {
        self.properties.insert(key.into(), schema);
        if needed {
            self.required.push(key);
        }
    }

    /// Adds the keys that say when; [`Timing`] says which of them go together.
    fn add_timing(&mut self, condition: Schema) {
        let number = json_schema!({ "type": "integer", "minimum": 1 });
        for (key, schema, meaning) in [
            (
                "at",
                Duration::schema(),
                "the time from the start to the fault",
            ),
            (
                "when",
                condition,
                "the condition upon which it happens: \"commit-in-flight\", \"the 10th effect\"",
            ),
            (
                "nth",
                number,
                "the number of the occurrence that counts; default: 1, the first",
            ),
            (
                "after",
                Duration::schema(),
                "the time from the condition to the fault; default: \"0s\"",
            ),
        ] {
            self.add(key, described(schema, meaning), false);
        }
    }

    fn has(&self, key: &str) -> bool {
        self.properties.contains_key(key)
    }

    fn finish(self, description: &str, relations: Vec<Value>) -> Value {
        let mut schema = json!({
            "type": "object",
            "description": description,
            "properties": self.properties,
            "required": self.required,
            "additionalProperties": false,
        });
        if !relations.is_empty() {
            schema["allOf"] = relations.into();
        }
        schema
    }
}

impl JsonSchema for When {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        <Self as Written>::schema()
    }
}

/// A time, or a condition that may be counted, once.
struct Timing;

impl JsonSchema for Timing {
    fn schema_name() -> Cow<'static, str> {
        "Timing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let counted = json!({ "pattern": When::counted_pattern() });
        json_schema!({
            "oneOf": [
                {
                    "required": ["at"],
                    "properties": { "when": false, "nth": false, "after": false },
                },
                {
                    "required": ["when"],
                    "properties": { "at": false, "when": { "not": counted } },
                },
                {
                    "required": ["when"],
                    "properties": { "at": false, "nth": false, "when": counted },
                },
            ],
        })
    }
}

/// Makes the rule which values of `error` and `partition` go with this `request`.
fn errors_of(request: RequestKind) -> Value {
    let errors = ErrorName::of_request(request).iter();
    let errors: Vec<_> = errors.map(|error| error.word()).collect();
    let mut then = json!({ "error": { "enum": errors } });
    if !request.is_by_partition() {
        then["partition"] = json!({ "const": "all" });
    }
    json!({
        "if": { "properties": { "request": { "const": request.word() } } },
        "then": { "properties": then },
    })
}

/// Adds a description, as a sentence.
fn described(mut schema: Schema, meaning: &str) -> Value {
    let (first, rest) = meaning.split_at(1);
    let sentence = format!("{}{}.", first.to_uppercase(), rest.trim_end_matches('.'));
    schema.insert("description".into(), sentence.into());
    schema.to_value()
}
