//! Convictions that show the same bug, told once.

use super::{Failure, Report, ScenarioReport};
use crate::conviction::{Conviction, Evidence, NotShrunk};
use plimsoll_oracle::Property;
use std::collections::BTreeSet;

/// Convictions that show the same bug: their smallest schedules leave the same trace, or break the
/// same property in the same way.
#[derive(Debug)]
pub(crate) struct Bug<'a> {
    /// The conviction that tells it best: the one with the smallest schedule.
    pub scenario: &'a ScenarioReport,
    /// Its conviction.
    pub conviction: &'a Conviction,
    /// The other properties of its convictions.
    pub properties: BTreeSet<Property>,
    /// The other scenarios of its convictions, in the order of the report.
    pub scenarios: Vec<&'a str>,
}

/// What convictions of one bug have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Sign<'a> {
    /// The hash of the shrunk schedule's trace.
    Trace(&'a str),
    /// The property, and the way in which it is broken.
    Kind(Property, &'static str),
}

/// Convictions that have signs in common, and all of their signs.
#[derive(Debug)]
struct Group<'a> {
    signs: Vec<Sign<'a>>,
    convictions: Vec<(&'a ScenarioReport, &'a Conviction)>,
}

impl Report {
    /// Returns the bugs that the convictions of all scenarios show, in the order in which they are
    /// met.
    pub(crate) fn bugs(&self) -> Vec<Bug<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (scenario, failure) in self.failures() {
            let Failure::Violated(conviction) = failure else {
                continue;
            };
            let signs = signs(conviction);
            let is_known = |group: &&mut Group<'_>| {
                let mut signs = signs.iter();
                signs.any(|sign| group.signs.contains(sign))
            };
            match groups.iter_mut().find(is_known) {
                Some(group) => {
                    group.signs.extend(signs);
                    group.convictions.push((scenario, conviction));
                }
                None => groups.push(Group {
                    signs,
                    convictions: vec![(scenario, conviction)],
                }),
            }
        }
        let groups = groups.into_iter();
        groups
            .filter_map(|group| Bug::of(&group.convictions))
            .collect()
    }
}

impl<'a> Bug<'a> {
    /// Tells whether a scenario of this name showed it.
    pub(crate) fn is_met_by(&self, label: &str) -> bool {
        self.scenario.trial.label == label || self.scenarios.contains(&label)
    }

    fn of(convictions: &[(&'a ScenarioReport, &'a Conviction)]) -> Option<Self> {
        // The first of the smallest.
        let best = convictions.iter().min_by_key(|(_, one)| size(one));
        let &(scenario, conviction) = best?;
        let mut properties: BTreeSet<Property> =
            convictions.iter().map(|(_, one)| one.property).collect();
        properties.remove(&conviction.property);
        let mut scenarios: Vec<&str> = Vec::new();
        for (other, _) in convictions {
            let label = other.trial.label.as_str();
            if label != scenario.trial.label && !scenarios.contains(&label) {
                scenarios.push(label);
            }
        }
        Some(Self {
            scenario,
            conviction,
            properties,
            scenarios,
        })
    }
}

/// Returns the size of the schedule that shows a conviction.
const fn size(conviction: &Conviction) -> usize {
    match &conviction.evidence {
        Evidence::Shrunk(shrunk) => shrunk.messages + shrunk.faults,
        Evidence::NotShrunk(_) | Evidence::Seen(_) => usize::MAX,
    }
}

fn signs(conviction: &Conviction) -> Vec<Sign<'_>> {
    let property = conviction.property;
    match &conviction.evidence {
        Evidence::Shrunk(shrunk) => vec![
            Sign::Trace(shrunk.regression.trace()),
            Sign::Kind(property, shrunk.violation.kind),
        ],
        Evidence::Seen(sighting) => vec![Sign::Kind(property, sighting.violation.kind)],
        Evidence::NotShrunk(NotShrunk::Interrupted) => vec![Sign::Kind(property, "interrupted")],
        // Each says what went wrong with itself.
        Evidence::NotShrunk(NotShrunk::Broken(_)) => Vec::new(),
    }
}
