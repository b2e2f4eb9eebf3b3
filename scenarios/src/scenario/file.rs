//! A scenario file as a whole: text to scenario, scenario to text, and the schema.

use super::errors::{Place, Problem, ScenarioError, place};
use super::explain::{span_of, words_at};
use super::fate::FatedMessage;
use super::faults::RawFaults;
use super::form::{Measure, step};
use super::measures::Seed;
use super::messages::{self, GivenMessage};
use super::reading::File;
use super::table::{Exclusive, Given, Keys, Rules};
use super::topics::{self, Topic};
use super::value::Value;
use super::workload::GivenWorkload;
use super::write::{self, Section};
use super::{
    Cluster, Consumers, Expect, Handler, Network, Override, Scenario, Settings, Traffic, Workload,
    aliases, check, faults, over,
};
use schemars::{JsonSchema, Schema};
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// What may go wrong for a group of Kafka consumers, and what must hold all the same.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "Scenario")]
struct GivenScenario {
    /// The name that reports use; default: the file's name without its ending.
    #[schemars(with = "String", transform = without_default)]
    name: Option<String>,
    /// One sentence on what goes wrong here.
    description: String,
    /// The time during which faults may happen; then everything is healed. Default: until one
    /// second after the last message is produced and the last timed fault is over.
    #[schemars(with = "Value<Duration>")]
    duration: Option<Value<Duration>>,
    /// Whether it is short enough to be run against real Kafka too: its `duration` is below 20 s.
    real_time: bool,
    /// The one seed of a regression.
    #[schemars(with = "Value<Seed>")]
    seed: Option<Value<Seed>>,
    /// The brokers.
    cluster: Given<Cluster>,
    /// The topics that the group consumes; default: one topic `orders` of 3 partitions.
    #[schemars(with = "Vec<Given<Topic>>", length(min = 1))]
    topics: Option<Vec<Given<Topic>>>,
    /// The messages that are produced, and the settings of the producer.
    workload: Given<GivenWorkload>,
    /// The messages that are produced, one by one.
    #[schemars(with = "Vec<Given<GivenMessage>>")]
    messages: Option<Vec<Given<GivenMessage>>>,
    /// The group under test.
    consumers: Given<Consumers>,
    /// The times and the failures of handlers.
    handler: Given<Handler>,
    /// The network when nothing is wrong.
    network: Given<Network>,
    /// The faults: explicit ones, or a description of random ones.
    faults: RawFaults,
    /// The verdict and the rare things that a run must show.
    expect: Given<Expect>,
}

/// Takes a default away that no file can state.
fn without_default(schema: &mut Schema) {
    schema.remove("default");
}

/// The name of the schema. It is no address: nothing need answer there.
const SCHEMA_ID: &str = concat!("urn:plimsoll:scenario:", env!("CARGO_PKG_VERSION"));

/// Returns the JSON schema of scenario files, for editors.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(GivenScenario);
    schema.insert("$id".into(), SCHEMA_ID.into());
    schema.insert("title".into(), "Plimsoll scenario".into());
    schema.to_value()
}

pub(super) fn parse(
    name: &str,
    text: &str,
    overrides: &[Override],
) -> Result<Scenario, ScenarioError> {
    let file = |text| File {
        name,
        text,
        kind: "scenarios",
    };
    let whole = over::added(text, overrides);
    // Blanks in place of the file, so that the lines behind it stand where they stand in the whole.
    let lines = " ".repeat(text.len()) + &whole[text.len()..];
    let mut document = file(text).parse()?;
    over::resolve(document.get_mut(), &lines, overrides);
    let (file, text) = (file(&whole), whole.as_str());
    aliases::resolve(document.get_mut());
    let given: GivenScenario = file.read(&document)?;
    let mut problems = Vec::new();
    contradictions(document.get_ref(), &mut problems);
    let (scenario, fault_places) = given.resolve(name, &mut problems);
    // What is no partition or no fault cannot be checked any further.
    if problems.is_empty() {
        check::scenario(&scenario, &mut problems);
        for place in problems.iter_mut().flat_map(|problem| &mut problem.places) {
            place_in_file(place, &fault_places);
        }
    }
    if problems.is_empty() {
        return Ok(scenario);
    }
    let mistakes = problems
        .into_iter()
        .map(|problem| {
            let span = span_of(&document, &problem.places);
            let words = words_at(document.get_ref(), &span);
            problem.at(text, span).concerning(words)
        })
        .collect();
    Err(ScenarioError::new(name, text, mistakes))
}

/// Tells whether a text may be meant as a scenario: it has a word of the language at its top, other
/// than a name or a description, which many files have; or it cannot be read, and says why if it is
/// taken for one.
pub(super) fn is_meant(text: &str) -> bool {
    let (document, errors) = DeTable::parse_recoverable(text);
    let schema = schema();
    let known = |key: &str| schema["properties"].get(key).is_some();
    let mut keys = document.get_ref().keys();
    !errors.is_empty()
        || keys.any(|key| {
            let key: &str = key.get_ref();
            known(key) && !["name", "description"].contains(&key)
        })
}

pub(super) fn write(scenario: &Scenario) -> String {
    let settings = &scenario.settings;
    let mut top = Section::new("");
    top.text("name", &settings.name);
    if !settings.description.is_empty() {
        top.text("description", &settings.description);
    }
    if let Some(duration) = settings.safety {
        top.line("duration", write::time(duration));
    }
    if settings.real_time {
        top.line("real_time", true);
    }
    if let Some(seed) = scenario.seed {
        top.line("seed", Seed::text(&seed));
    }
    let mut file = String::new();
    top.finish(&mut file, true);
    settings.cluster.write_tables(&mut file);
    topics::write(&settings.topics, &mut file);
    scenario.workload.write(&settings.producer, &mut file);
    settings.consumers.write_table(&mut file);
    settings.handler.write_tables(&mut file);
    settings.network.write_table(&mut file);
    scenario
        .workload
        .write_messages(&settings.topics, &mut file);
    faults::write(&scenario.faults, &settings.topics, &mut file);
    settings.expect.write_table(&mut file);
    file
}

impl GivenScenario {
    /// Returns the scenario, and where in the file each of its faults stands.
    fn resolve(self, name: &str, problems: &mut Vec<Problem>) -> (Scenario, Vec<Place>) {
        let topics = self.topics.map_or_else(Topic::default_list, |topics| {
            topics.into_iter().map(|Given(topic)| topic).collect()
        });
        let GivenWorkload { traffic, producer } = self.workload.0;
        let workload = match self.messages {
            Some(messages) => Workload::Explicit(messages::resolve(messages, &topics, problems)),
            None => Workload::Drawn(traffic),
        };
        let (faults, fault_places) = self.faults.resolve(&topics, problems);
        let stem = || {
            Path::new(name)
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
        };
        let settings = Settings {
            name: self.name.or_else(stem).unwrap_or_default(),
            description: self.description,
            safety: self.duration.map(|value| value.0),
            real_time: self.real_time,
            cluster: self.cluster.0,
            producer,
            consumers: self.consumers.0,
            handler: self.handler.0,
            network: self.network.0,
            expect: self.expect.0,
            topics,
        };
        let seed = self.seed.map(|value| value.0.0);
        (
            Scenario {
                settings,
                workload,
                faults,
                seed,
            },
            fault_places,
        )
    }
}

/// Notes keys that cannot stand in a file together.
fn contradictions(document: &DeTable<'_>, problems: &mut Vec<Problem>) {
    one_of::<Consumers>(document, place!["consumers"], problems);
    one_of::<Expect>(document, place!["expect"], problems);
    one_of::<GivenMessage>(document, place!["messages"], problems);
    one_of::<FatedMessage>(document, place!["handler", "messages"], problems);
    let workload = document
        .get("workload")
        .and_then(|value| value.get_ref().as_table());
    if let Some(workload) = workload.filter(|_| document.contains_key("messages")) {
        let drawn = Traffic::default().keys().into_iter().map(|key| key.name);
        for key in drawn.filter(|key| workload.contains_key(*key)) {
            let message = format!("`{key}` describes messages, and `[[messages]]` lists them");
            let problem = Problem::new(place!["workload", key], message);
            problems.push(problem.expected("expected only one of the two"));
        }
    }
}

/// Notes keys of which the table at `place`, or each in the list there, may have one.
fn one_of<T: Rules>(document: &DeTable<'_>, place: Place, problems: &mut Vec<Problem>) {
    let mut table = document;
    for (index, key) in place.iter().enumerate() {
        match table.get(key.as_str()).map(|value| value.get_ref()) {
            Some(DeValue::Table(inner)) => table = inner,
            Some(DeValue::Array(entries)) => {
                for (number, entry) in entries.iter().enumerate() {
                    if let Some(entry) = entry.get_ref().as_table() {
                        let place = step(&place[..=index].to_vec(), &number.to_string());
                        one_of_keys::<T>(entry, &place, problems);
                    }
                }
                return;
            }
            _ => return,
        }
    }
    one_of_keys::<T>(table, &place, problems);
}

fn one_of_keys<T: Rules>(table: &DeTable<'_>, place: &Place, problems: &mut Vec<Problem>) {
    for Exclusive { keys, why } in T::EXCLUSIVE {
        let mut stated = keys.iter().filter(|key| table.contains_key(**key));
        let first = stated.next().copied().unwrap_or_default();
        for key in stated {
            let problem = Problem::new(step(place, key), format!("`{key}` and `{first}`: {why}"));
            problems.push(problem.expected("expected only one of them"));
        }
    }
}

/// Puts the place of a fault where it stands in the file.
fn place_in_file(place: &mut Place, fault_places: &[Place]) {
    if place.first().is_some_and(|key| key == "faults")
        && let Some(index) = place.get(1).and_then(|index| index.parse::<usize>().ok())
        && let Some(fault) = fault_places.get(index)
    {
        place.splice(..2, fault.iter().cloned());
    }
}
