//! The library: what every scenario of it has, and that its plans do what it says.
//! That each is written and read back unchanged is tested with the language.

use plimsoll_oracle::{Sometimes, Word};
use plimsoll_scenarios::scenario::{BrokerSettings, Expected, FaultKind, Trigger};
use plimsoll_scenarios::{Plan, Scenario, Subject};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn there_are_enough_scenarios_and_each_has_a_name_of_its_own() {
    let library = library();
    assert!(library.len() >= 24, "{} scenarios", library.len());
    let mut names = BTreeMap::new();
    for (path, scenario) in &library {
        let other = names.insert(scenario.settings.name.clone(), path);
        assert_eq!(other, None, "{} has the name of another", path.display());
    }
}

#[test]
fn each_says_what_goes_wrong_in_one_sentence() {
    for (path, scenario) in library() {
        let description = &scenario.settings.description;
        let sentences = description.matches(". ").count() + 1;
        assert!(
            description.ends_with('.') && description.len() > 20 && sentences == 1,
            "{}: {description:?}",
            path.display()
        );
    }
}

/// Recipes are tried with `--subject`; by itself, the library acquits Plimsoll's consumer.
#[test]
fn each_expects_plimsoll_to_be_acquitted_and_something_rare_to_happen() {
    for (path, scenario) in library() {
        let settings = &scenario.settings;
        let path = path.display();
        assert_eq!(settings.consumers.subject, Subject::Plimsoll, "{path}");
        assert_eq!(settings.expect.verdict, Expected::Held, "{path}");
        assert_eq!(scenario.seed, None, "{path}");
        assert_ne!(settings.expect.sometimes, [], "{path}");
    }
}

/// What stands in no scenario's `sometimes` may never happen, and nothing tells.
#[test]
fn every_rare_thing_is_expected_somewhere() {
    let library = library();
    for rare in Sometimes::ALL {
        let expected = |scenario: &Scenario| scenario.settings.expect.sometimes.contains(rare);
        assert!(
            library.iter().any(|(_, scenario)| expected(scenario)),
            "no scenario of the library names {rare} in its `sometimes`"
        );
    }
}

/// One cluster serves all of them, in real time: nobody sets its brokers up anew, and no error
/// comes from brokers that are well.
#[test]
fn what_is_quick_enough_for_real_kafka_asks_for_nothing_that_it_cannot_do() {
    let mut quick = library();
    quick.retain(|(_, scenario)| scenario.settings.real_time);
    assert!(quick.len() >= 12, "{} scenarios", quick.len());
    for (path, scenario) in quick {
        let path = path.display();
        let cluster = &scenario.settings.cluster;
        assert_eq!(cluster.settings, BrokerSettings::default(), "{path}");
        assert_eq!((cluster.brokers, cluster.replication), (3, 3), "{path}");
        for fault in Plan::draw(&scenario, 0).faults {
            let is_error = matches!(fault.kind, FaultKind::Error { .. });
            assert!(!is_error, "{path}: {fault:?}");
        }
    }
}

/// A fault that begins after the healing never happens.
#[test]
fn every_plan_does_all_it_says_before_it_is_healed() {
    for (path, scenario) in library() {
        for seed in 0..50 {
            let plan = Plan::draw(&scenario, seed);
            let path = path.display();
            assert!(!plan.messages.is_empty(), "{path}");
            for message in &plan.messages {
                assert!(
                    message.at < plan.heal_at,
                    "{path}, seed {seed}: {message:?}"
                );
            }
            for fault in &plan.faults {
                let in_time = !matches!(fault.trigger, Trigger::At(at) if at >= plan.heal_at);
                assert!(in_time, "{path}, seed {seed}: {fault:?}");
            }
            assert!(plan.starts.iter().flatten().all(|&at| at < plan.heal_at));
        }
    }
}

#[test]
fn equal_seeds_give_equal_plans_and_other_seeds_others() {
    for (path, scenario) in library() {
        let path = path.display();
        assert_eq!(Plan::draw(&scenario, 3), Plan::draw(&scenario, 3), "{path}");
        assert_ne!(Plan::draw(&scenario, 3), Plan::draw(&scenario, 4), "{path}");
    }
}

fn library() -> Vec<(PathBuf, Scenario)> {
    let root = Path::new("library");
    let mut paths = Vec::new();
    collect(root, &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("the library is readable");
            let scenario = parse(&path.display().to_string(), &text);
            (path, scenario)
        })
        .collect()
}

fn parse(path: &str, text: &str) -> Scenario {
    Scenario::parse(path, text).unwrap_or_else(|error| {
        panic!("{:?}\n{text}", miette::Report::new(error));
    })
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the library is readable") {
        let path = entry.expect("the library is readable").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            paths.push(path);
        }
    }
}
