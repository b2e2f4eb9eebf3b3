//! What a driver must do is seen to be judged: each driver here leaves out one of its duties, and is
//! convicted.

mod duties;
mod running;

use duties::{Duty, Neglected};
use plimsoll_core::{Config, Machine};
use plimsoll_oracle::Property;
use plimsoll_scenarios::{LIBRARY, Scenario, Subject};
use plimsoll_sim::Simulator;
use plimsoll_sim::recipes::{Payload, SubjectSpec};
use plimsoll_sim_driver::{Driven, spec};
use std::collections::BTreeSet;

const SEEDS: u64 = 20;

type Build = fn(&Config) -> Box<dyn Machine<Payload>>;

fn neglected(duty: Option<Duty>, config: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(Neglected::new(Driven::new(*config), duty))
}

/// Returns what a driver violates in a scenario of the library.
fn violated(build: Build, label: &str) -> BTreeSet<Property> {
    let (_, text) = LIBRARY
        .iter()
        .find(|(name, _)| *name == label)
        .expect("it is in the library");
    let scenario = Scenario::parse(label, text).expect("the library has no mistakes");
    let spec = spec(Subject::PlimsollDriver).expect("it is ours");
    let mut simulator = Simulator::with_spec(SubjectSpec { build, ..spec });
    let mut violated = BTreeSet::new();
    for seed in 0..SEEDS {
        let (_, verdict) = running::run(&mut simulator, &scenario, seed);
        violated.extend(verdict.violations().map(|(property, _)| property));
    }
    violated
}

/// Asserts that the driver that `build` makes is convicted of leaving out its duty, and the driver
/// itself of nothing.
#[track_caller]
fn assert_convicted(duty: Duty, build: Build) {
    let (label, property) = duty.shows_in();
    let control = violated(|config| neglected(None, config), label);
    assert_eq!(control, BTreeSet::new(), "of the driver itself");
    let violated = violated(build, label);
    assert!(violated.contains(&property), "violated: {violated:?}");
}

#[test]
fn a_driver_that_does_not_await_its_handlers() {
    const DUTY: Duty = Duty::AwaitHandlers;
    assert_convicted(DUTY, |config| neglected(Some(DUTY), config));
}

#[test]
fn a_driver_whose_timer_is_not_armed() {
    const DUTY: Duty = Duty::ArmTimers;
    assert_convicted(DUTY, |config| neglected(Some(DUTY), config));
}

#[test]
fn a_driver_that_ignores_the_request_to_stop() {
    const DUTY: Duty = Duty::Stop;
    assert_convicted(DUTY, |config| neglected(Some(DUTY), config));
}
