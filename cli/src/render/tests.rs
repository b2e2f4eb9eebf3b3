use super::*;
use crate::args::{BackendName, SeedRange};
use crate::backend::Choice;
use crate::conviction::recorded;
use crate::error::CliError;
use crate::library;
use crate::report::{Failure, Report, ScenarioReport};
use crate::runner::{Recorded, Tally, Unjudged, Worker, draw};
use crate::trial::{Expectation, Trial};
use plimsoll_scenarios::Subject;
use serde_json::Value;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;

#[test]
fn thousands_stand_apart() {
    assert_eq!(thousands(0), "0");
    assert_eq!(thousands(999), "999");
    assert_eq!(thousands(1_000), "1,000");
    assert_eq!(thousands(123_456_789), "123,456,789");
}

/// Makes the report of a failing run in real time, for which the simulator stands, after one that
/// the machine disturbed, and of a schedule without a verdict.
fn of_real_time(folder: &Path) -> Report {
    let loaded = library::load_one("recipes/alarm-ruler-failing-handler").expect("it is embedded");
    let mut scenario = loaded.scenario;
    scenario.settings.consumers.subject = Subject::SaramaAutoMark;
    let plan = draw(&scenario, 0).expect("it can be drawn");
    let mut worker = Worker::default();
    let run = worker.run(&plan).expect("it runs");
    let mut tally = Tally::default();
    tally.add(0, &run, worker.trace(), false);
    let recorded = Recorded {
        logs: vec![("consumer-1.log".into(), "oh\n".into())],
        ..worker.record(0, run.verdict)
    };
    tally.unjudged.push(Unjudged {
        recorded: recorded.clone(),
        why: "no-loss not judged: a commit waited for 2 s".into(),
        trace: None,
    });
    tally.recorded.push(recorded);
    let trial = Trial {
        label: loaded.label,
        subject: "bin/consumer".into(),
        scenario,
        seeds: SeedRange { from: 0, to: 2 },
        without: BTreeSet::new(),
        apart: BTreeSet::new(),
        expectation: Expectation::Open,
        set: Vec::new(),
    };
    let convictions = recorded::convict(&trial, &tally, &Choice::Sim, folder).into_iter();
    let violated = convictions.map(|one| Failure::Violated(Box::new(one)));
    let broken = Failure::Broken {
        seed: 1,
        error: CliError::Environment("disturbed by its machine, twice".into()),
        again: String::new(),
    };
    let scenario = ScenarioReport {
        trial,
        tally,
        failures: violated.chain([broken]).collect(),
        untried: Vec::new(),
    };
    Report {
        backend: BackendName::Kafka,
        place: "on real Kafka",
        seeds: SeedRange { from: 0, to: 2 },
        subject: None,
        scenarios: vec![scenario],
        not_executed: Vec::new(),
        skipped: library::Skipped::default(),
        interrupted: false,
        trace: None,
        folder: None,
        hashes: false,
        timing: crate::report::Timing {
            elapsed: Duration::from_secs(20),
            jobs: NonZeroUsize::MIN,
        },
    }
}

#[test]
fn every_report_has_the_paths_of_the_evidence() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = of_real_time(folder.path());
    let stem = folder
        .path()
        .join("recipes-alarm-ruler-failing-handler-consumer-kafka-0");
    let shrink = format!("plimsoll shrink {}.toml --property no-loss", stem.display());
    let texts = [
        ("html", html::report(&report)),
        ("junit", junit::report(&report)),
        ("json", json::report(&report)),
    ];
    for (name, text) in &texts {
        for ending in ["toml", "jsonl", "consumer-1.log"] {
            let path = stem.with_added_extension(ending);
            assert!(path.exists(), "{}", path.display());
            assert!(
                text.contains(&path.display().to_string()),
                "{name}: {ending}"
            );
        }
        assert!(text.contains(&shrink), "{name}: {shrink}");
    }
    let attached = format!("[[ATTACHMENT|{}.consumer-1.log]]", stem.display());
    assert!(texts[1].1.contains(&attached), "{}", texts[1].1);
}

#[test]
fn what_the_machine_disturbed_is_counted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = of_real_time(folder.path());
    let document: Value = serde_json::from_str(&json::report(&report)).expect("it is JSON");
    for counts in [&document["totals"], &document["scenarios"][0]] {
        assert_eq!(counts["schedules"], 1, "{counts:#}");
        assert_eq!(counts["disturbed"], 1, "{counts:#}");
        assert_eq!(counts["without_verdict"], 1, "{counts:#}");
    }
    let schema = json::schema();
    for place in ["Totals", "Scenario"] {
        let properties = &schema.as_value()["$defs"][place]["properties"];
        assert!(
            properties["disturbed"].is_object(),
            "{place}: {properties:#}"
        );
        assert!(
            properties["without_verdict"].is_object(),
            "{place}: {properties:#}"
        );
    }
}
