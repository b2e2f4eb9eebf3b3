//! Bugs that the core, or a client like librdkafka, makes harmless: they are convicted where it
//! does not stand around them.

use super::{fetching, membership, stand};
use crate::violated_by;
use plimsoll_oracle::Property;
use plimsoll_scenarios::{Scenario, Subject};
use plimsoll_sim::recipes::{Behaviour, SubjectSpec};
use std::collections::BTreeSet;

/// Returns Sarama's handler that marks by itself, on the client of librdkafka.
fn sarama_handler() -> SubjectSpec {
    SubjectSpec {
        behaviour: Behaviour::PLIMSOLL,
        ..SubjectSpec::of(Subject::SaramaAutoMark).expect("the simulator has it")
    }
}

/// The core drops records that it has had.
#[test]
fn a_resume_that_rewinds_repeats_what_no_core_drops() {
    let text =
        include_str!("../../../../scenarios/library/rebalance/member-joins-cooperative.toml");
    let scenario = Scenario::parse("member-joins-cooperative.toml", text).expect("it is right");
    let control = violated_by(sarama_handler(), &scenario);
    let with_bug = SubjectSpec {
        seams: Some(stand::<fetching::ResumeRewinds>),
        ..sarama_handler()
    };
    let violated = violated_by(with_bug, &scenario);
    println!("{control:?} {violated:?}");
    assert!(violated.contains(&Property::BoundedDuplicates));
}

/// A client like librdkafka ends its session by its own clock, whatever it is answered.
#[test]
fn a_session_that_no_clock_ends_lives_for_ever() {
    let text = include_str!("../../../../scenarios/library/rebalance/zombie-cooperative.toml");
    let scenario = Scenario::parse("zombie-cooperative.toml", text).expect("it is right");
    let on_sarama = SubjectSpec {
        behaviour: Behaviour::SARAMA_1_61,
        ..crate::planted::catalogue::CONTROL
    };
    let control = violated_by(on_sarama, &scenario);
    let with_bug = SubjectSpec {
        seams: Some(stand::<membership::IgnoresItsEnd>),
        ..on_sarama
    };
    let violated = violated_by(with_bug, &scenario);
    println!("{control:?} {violated:?}");
    assert_eq!(violated, BTreeSet::new());
}
