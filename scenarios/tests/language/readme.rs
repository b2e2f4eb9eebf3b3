//! The README's example is a scenario, and says all that it seems to say.

use crate::library::text;
use crate::manual::examples;
use plimsoll_scenarios::scenario::FaultSpec;
use plimsoll_scenarios::{Plan, Scenario};
use std::collections::BTreeSet;
use std::path::Path;

fn scenarios() -> Vec<Scenario> {
    let parsed = examples(&text(Path::new("../README.md")))
        .into_iter()
        .map(|example| {
            Scenario::parse("README.md", &example)
                .unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)))
        });
    parsed.collect()
}

#[test]
fn every_example_of_the_readme_is_a_scenario() {
    let scenarios = scenarios();
    assert!(!scenarios.is_empty());
    for scenario in scenarios {
        let again = Scenario::parse("README.md", &scenario.to_toml());
        assert_eq!(again.expect("what was written parses"), scenario);
    }
}

/// For TOML a table below `[[faults]]` is a part of that entry: it must not get lost, nor change
/// it.
#[test]
fn its_random_faults_are_drawn_beside_the_explicit_ones() {
    let scenarios = scenarios();
    let scenario = &scenarios[0];
    let explicit = |spec: &&FaultSpec| matches!(spec, FaultSpec::Explicit(_));
    let explicit = scenario.faults.iter().filter(explicit).count();
    assert_eq!((explicit, scenario.faults.len()), (2, 3));
    let drawn: BTreeSet<usize> = (0..100)
        .map(|seed| Plan::draw(scenario, seed).faults.len() - explicit)
        .collect();
    assert_eq!(drawn, BTreeSet::from([0, 1, 2, 3]));
}
