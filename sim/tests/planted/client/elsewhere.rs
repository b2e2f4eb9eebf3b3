//! Bugs that the core, or a client like librdkafka, makes harmless: they are convicted where that
//! does not stand around them.

use super::{fetching, membership, stand};
use crate::planted::catalogue::CONTROL;
use crate::violated_by;
use plimsoll_client::Seams;
use plimsoll_oracle::Property;
use plimsoll_scenarios::{Scenario, Subject};
use plimsoll_sim::recipes::{Behaviour, LeanSpeaker, SubjectSpec};
use std::collections::BTreeSet;

/// Returns what a bug breaks in a scenario of the library that its subject keeps without it.
fn broken_by<B: Seams<LeanSpeaker> + Default + 'static>(
    spec: SubjectSpec,
    scenario: &str,
) -> BTreeSet<Property> {
    let scenario = Scenario::parse("library.toml", scenario).expect("it is right");
    let seams = Some(stand::<B> as fn() -> _);
    let with_bug = violated_by(SubjectSpec { seams, ..spec }, &scenario);
    let without = violated_by(spec, &scenario);
    with_bug.difference(&without).copied().collect()
}

/// The core drops records that it has had; a handler of Sarama's does not.
#[test]
fn a_resume_that_rewinds_repeats_what_the_core_would_drop() {
    let joins =
        include_str!("../../../../scenarios/library/rebalance/member-joins-cooperative.toml");
    let recipe = SubjectSpec::of(Subject::SaramaAutoMark).expect("the simulator has it");
    let recipe = SubjectSpec {
        behaviour: Behaviour::PLIMSOLL,
        ..recipe
    };
    assert!(broken_by::<fetching::ResumeRewinds>(CONTROL, joins).is_empty());
    let broken = broken_by::<fetching::ResumeRewinds>(recipe, joins);
    assert!(broken.contains(&Property::BoundedDuplicates), "{broken:?}");
}

/// A client like librdkafka ends its session by its own clock; Sarama's waits to be told.
#[test]
fn a_session_whose_end_is_ignored_lives_for_ever() {
    let zombie = include_str!("../../../../scenarios/library/rebalance/zombie-cooperative.toml");
    let on_sarama = SubjectSpec {
        behaviour: Behaviour::SARAMA_1_61,
        ..CONTROL
    };
    assert!(broken_by::<membership::IgnoresItsEnd>(CONTROL, zombie).is_empty());
    let broken = broken_by::<membership::IgnoresItsEnd>(on_sarama, zombie);
    assert!(broken.contains(&Property::Liveness), "{broken:?}");
}
