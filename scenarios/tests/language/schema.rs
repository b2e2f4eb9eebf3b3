//! The schema that editors use, against a validator of JSON schemas.

use crate::arbitrary::scenario;
use crate::library::{files, text};
use boon::{Compiler, SchemaIndex, Schemas};
use plimsoll_scenarios::Scenario;
use plimsoll_scenarios::scenario::schema;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::sync::LazyLock;

static VALIDATOR: LazyLock<Validator> = LazyLock::new(Validator::new);

/// The schema, ready to judge files.
struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        const LOCATION: &str = "file:///scenario.json";
        let mut compiler = Compiler::new();
        compiler
            .add_resource(LOCATION, schema())
            .expect("the schema is JSON");
        let mut schemas = Schemas::new();
        let index = compiler
            .compile(LOCATION, &mut schemas)
            .expect("the schema is one");
        Self { schemas, index }
    }

    /// What is wrong with a file; nothing, where it fits the schema.
    fn refuses(&self, file: &toml::Value) -> Option<String> {
        let file = serde_json::to_value(file).expect("it is JSON too");
        let judged = self.schemas.validate(&file, self.index);
        judged.err().map(|error| format!("{error:#}"))
    }
}

/// Every schema in a schema.
fn walk<'s>(schema: &'s Value, visit: &mut dyn FnMut(&'s Value)) {
    visit(schema);
    match schema {
        Value::Object(keys) => keys.values().for_each(|inner| walk(inner, visit)),
        Value::Array(values) => values.iter().for_each(|inner| walk(inner, visit)),
        _ => {}
    }
}

#[test]
fn every_key_is_described_and_no_other_is_allowed() {
    let schema = schema();
    let mut tables = 0;
    walk(&schema, &mut |table| {
        if table["type"] != "object" || !table["properties"].is_object() {
            return;
        }
        tables += 1;
        assert_eq!(table["additionalProperties"], false, "{table:#}");
        for (key, value) in table["properties"].as_object().expect("a table has keys") {
            let described = value["description"]
                .as_str()
                .is_some_and(|text| text.len() > 5);
            assert!(described, "`{key}` of {}", table["description"]);
        }
    });
    assert!(tables >= 12 + 25, "{tables}");
}

#[test]
fn every_file_of_the_library_fits() {
    for path in [files("library"), files("regressions")].concat() {
        let file = toml::from_str(&text(&path)).expect("it is TOML");
        if let Some(error) = VALIDATOR.refuses(&file) {
            panic!("{}: {error}", path.display());
        }
    }
}

/// Files that the schema does not refuse, by the reason.
const ACCEPTED: [(&str, &[&str]); 8] = [
    (
        "the text is no TOML",
        &["duplicate-key", "not-toml", "several-syntax-errors"],
    ),
    (
        "a fault names what another table does not have",
        &[
            "fault-on-missing-broker",
            "fault-on-missing-member",
            "fault-on-missing-partition",
            "joining-member-that-starts-by-itself",
            "partitions-added-beyond-limit",
            "several-mistakes-of-meaning",
            "unknown-topic",
        ],
    ),
    (
        "a handler's message is none of the workload's",
        &["fate-of-missing-message"],
    ),
    (
        "one number or time must not be above another",
        &[
            "heartbeat-not-below-session-timeout",
            "min-insync-above-replication",
            "range-backwards",
            "replication-above-brokers",
            "revocation-without-time-for-its-commit",
            "revoke-deadline-not-below-poll-deadline",
            "session-timeout-above-poll-deadline",
            "session-timeout-below-brokers-minimum",
            "shares-above-one",
            "too-long-for-real-time",
        ],
    ),
    (
        "the lower end of a range must not be zero, which a pattern of durations cannot tell",
        &["retry-without-a-pause"],
    ),
    (
        "two entries of a list are called the same",
        &["messages-with-the-same-id", "topics-of-the-same-name"],
    ),
    (
        "a fault can never happen",
        &[
            "condition-beyond-the-messages",
            "condition-without-dead-letters",
            "condition-without-failures",
            "condition-without-messages",
            "fault-behind-the-end",
            "random-faults-behind-the-end",
        ],
    ),
    (
        "two keys exclude or need each other",
        &[
            "idempotence-without-all-acks",
            "messages-drawn-and-listed",
            "real-time-without-duration",
        ],
    ),
];

#[test]
fn every_broken_file_is_refused_or_has_a_reason() {
    let is_accepted = |file: &str| match toml::from_str(file) {
        Ok(file) => VALIDATOR.refuses(&file).is_none(),
        Err(_) => true,
    };
    let accepted: BTreeSet<_> = files("invalid")
        .into_iter()
        .filter(|path| is_accepted(&text(path)))
        .map(|path| path.file_stem().expect("a name").to_owned())
        .collect();
    let files = ACCEPTED.iter().flat_map(|(_, files)| *files);
    let expected: BTreeSet<_> = files.map(OsString::from).collect();
    assert_eq!(accepted, expected);
}

proptest! {
    #[test]
    fn every_scenario_fits(scenario in scenario()) {
        let text = scenario.to_toml();
        let file = toml::from_str(&text).expect("it is TOML");
        let refused = VALIDATOR.refuses(&file);
        prop_assert_eq!(refused, None, "{}", text);
    }
}

/// Both read conditions alike.
#[test]
fn phrases_fit_where_they_are_read() {
    for (phrase, is_read) in [
        ("commit-in-flight", true),
        ("when a commit is in flight", true),
        ("After the 10th Effect", true),
        ("the second\tcommit - accepted", true),
        ("a revoked in the flight is", true),
        ("1st", false),
        ("0th effect", false),
        ("effect 10th", false),
        ("commits in flight", false),
        ("thecommit in flight", false),
    ] {
        let text = format!("[[faults]]\nwhen = {phrase:?}\ndo = \"crash\"\n");
        let file = toml::from_str(&text).expect("it is TOML");
        assert_eq!(VALIDATOR.refuses(&file).is_none(), is_read, "{phrase}");
        assert_eq!(
            Scenario::parse("x.toml", &text).is_ok(),
            is_read,
            "{phrase}"
        );
    }
}

/// Editors know a schema by its name, whose end is the version.
#[test]
fn the_schema_has_a_name() {
    let schema = schema();
    let name = concat!("urn:plimsoll:scenario:", env!("CARGO_PKG_VERSION"));
    assert_eq!(schema["$id"], name);
    let draft = schema["$schema"].as_str().unwrap_or_default();
    assert!(
        draft.starts_with("https://json-schema.org/draft/"),
        "{draft}"
    );
}

/// Editors look for the schema in a comment at the top.
#[test]
fn a_file_may_say_where_its_schema_is() {
    let file = "#:schema ./plimsoll.schema.json\n[workload]\nmessages = 3\n";
    assert!(Scenario::parse("x.toml", file).is_ok());
}
