//! A scenario file as a whole: text to scenario, scenario to text, and the schema.
//!
//! serde reads the tables. Where it refuses one, every table is read once more by itself, so that
//! all broken ones are reported, not only the first.

use super::cluster::RawCluster;
use super::consumers_file::RawConsumers;
use super::errors::{Mistake, Place, Problem, ScenarioError};
use super::expect::RawExpect;
use super::explain::{refused, span_of, syntax};
use super::faults::RawFaults;
use super::handler::RawHandler;
use super::messages::RawMessage;
use super::network::RawNetwork;
use super::topics::{RawTopic, Topic};
use super::units::Seed;
use super::value::{Table, Value};
use super::workload::{self, RawWorkload};
use super::write::{self, Section};
use super::{Scenario, Settings, check, faults, topics};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What may go wrong for a group of Kafka consumers, and what must hold all the same.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Scenario")]
struct RawScenario {
    /// The name that reports use; default: the file's name without its ending.
    name: Option<String>,
    /// One sentence on what goes wrong here.
    description: Option<String>,
    /// How long faults may happen; then everything is healed. Default: until one second after the
    /// last message is produced and the last timed fault is over.
    duration: Option<Value<Duration>>,
    /// This scenario is short enough to be run against real Kafka too: its `duration` is below
    /// 20 s.
    real_time: Option<bool>,
    /// The one seed of a regression.
    seed: Option<Value<Seed>>,
    /// The brokers.
    cluster: Option<Table<RawCluster>>,
    /// What the group consumes; default: one topic `orders` of 3 partitions.
    topics: Option<Vec<Table<RawTopic>>>,
    /// What is produced, and how.
    workload: Option<Table<RawWorkload>>,
    /// What is produced, message by message.
    messages: Option<Vec<Table<RawMessage>>>,
    /// The group under test.
    consumers: Option<Table<RawConsumers>>,
    /// How long handlers take and how they fail.
    handler: Option<Table<RawHandler>>,
    /// How the network behaves when nothing is wrong.
    network: Option<Table<RawNetwork>>,
    /// What goes wrong, when, and to whom.
    faults: Option<RawFaults>,
    /// What a run must show.
    expect: Option<Table<RawExpect>>,
}

/// The JSON schema of scenario files, for editors.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(RawScenario);
    schema.insert("title".into(), "Plimsoll scenario".into());
    schema.to_value()
}

pub(super) fn parse(name: &str, text: &str) -> Result<Scenario, ScenarioError> {
    let (mut document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mistakes = errors.iter().map(|error| syntax(text, error)).collect();
        return Err(ScenarioError::new(name, text, mistakes));
    }
    join_setting_names(document.get_mut());
    let raw = read(document.clone()).map_err(|error| {
        let mut mistakes = read_by_parts(text, &document);
        if mistakes.is_empty() {
            mistakes.push(refused(text, &document, &error));
        }
        ScenarioError::new(name, text, mistakes)
    })?;
    let mut problems = Vec::new();
    let (scenario, fault_places) = raw.resolve(name, &mut problems);
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
            problem.at(text, span)
        })
        .collect();
    Err(ScenarioError::new(name, text, mistakes))
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
        match i64::try_from(seed) {
            Ok(seed) => top.line("seed", seed),
            Err(_) => top.text("seed", &seed.to_string()),
        }
    }
    let mut file = String::new();
    top.finish(&mut file, true);
    settings.cluster.write(&mut file);
    topics::write(&settings.topics, &mut file);
    scenario.workload.write(&settings.producer, &mut file);
    settings.consumers.write(&mut file);
    settings.handler.write(&mut file);
    settings.network.write(&mut file);
    scenario
        .workload
        .write_messages(&settings.topics, &mut file);
    faults::write(&scenario.faults, &settings.topics, &mut file);
    settings.expect.write(&mut file);
    file
}

impl RawScenario {
    /// The scenario, and where in the file each of its faults stands.
    fn resolve(self, name: &str, problems: &mut Vec<Problem>) -> (Scenario, Vec<Place>) {
        let topics = self.topics.map_or_else(Topic::default_list, |topics| {
            topics.into_iter().map(|Table(raw)| raw.resolve()).collect()
        });
        let workload = self.workload.unwrap_or_default().0;
        let (producer, workload) = workload::resolve(workload, self.messages, &topics, problems);
        let faults = self.faults.unwrap_or_default();
        let (faults, fault_places) = faults.resolve(&topics, problems);
        let stem = || {
            Path::new(name)
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned())
        };
        let settings = Settings {
            name: self.name.or_else(stem).unwrap_or_default(),
            description: self.description.unwrap_or_default(),
            safety: self.duration.map(|value| value.0),
            real_time: self.real_time.unwrap_or_default(),
            cluster: self.cluster.unwrap_or_default().0.resolve(),
            producer,
            consumers: self.consumers.unwrap_or_default().0.resolve(problems),
            handler: self.handler.unwrap_or_default().0.resolve(problems),
            network: self.network.unwrap_or_default().0.resolve(),
            expect: self.expect.unwrap_or_default().0.resolve(problems),
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

fn read(document: Spanned<DeTable<'_>>) -> Result<RawScenario, toml::de::Error> {
    RawScenario::deserialize(toml::Deserializer::from(document))
}

/// What is wrong with each table, and with each entry of a list of tables, by itself.
fn read_by_parts(text: &str, document: &Spanned<DeTable<'_>>) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    for (key, value) in document.get_ref() {
        let parts: Vec<_> = match value.get_ref() {
            DeValue::Array(entries) if entries.iter().all(|entry| entry.get_ref().is_table()) => {
                entries
                    .iter()
                    .map(|entry| {
                        let only = [entry.clone()].into_iter().collect();
                        Spanned::new(value.span(), DeValue::Array(only))
                    })
                    .collect()
            }
            _ => vec![value.clone()],
        };
        for part in parts {
            let mut table = DeTable::new();
            table.insert(key.clone(), part);
            if let Err(error) = read(Spanned::new(document.span(), table)) {
                mistakes.push(refused(text, document, &error));
            }
        }
    }
    mistakes
}

/// Kafka's dotted names need quotes in TOML. Without, they are tables in tables: the name is clear
/// all the same.
fn join_setting_names(document: &mut DeTable<'_>) {
    let settings = document
        .get_mut("cluster")
        .and_then(|cluster| as_table_mut(cluster.get_mut())?.get_mut("settings"))
        .and_then(|settings| as_table_mut(settings.get_mut()));
    let Some(settings) = settings else {
        return;
    };
    while let Some((key, inner)) = settings.iter().find_map(|(key, value)| {
        let inner = value.get_ref().as_table()?;
        Some((key.clone(), inner.clone()))
    }) {
        settings.remove(&key);
        for (name, value) in inner {
            let joined = format!("{}.{}", key.get_ref(), name.get_ref());
            settings.insert(Spanned::new(name.span(), joined.into()), value);
        }
    }
}

fn as_table_mut<'a, 'i>(value: &'a mut DeValue<'i>) -> Option<&'a mut DeTable<'i>> {
    match value {
        DeValue::Table(table) => Some(table),
        _ => None,
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
