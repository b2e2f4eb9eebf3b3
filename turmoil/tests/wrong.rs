//! What is wrong is convicted under turmoil of what it breaks in the simulator: the same bugs around
//! the core and in the client, duties that a driver leaves out, and handlers.

#[path = "../../sim/driver/tests/duties/mod.rs"]
mod duties;
mod planted;
mod running;

use duties::{Duty, Neglected};
use planted::catalogue::{ALL, CONTROL};
use planted::places::PLACES;
use plimsoll::{Config, Core, HandlerError, Message};
use plimsoll_core::Consumer;
use plimsoll_oracle::{Property, Trace};
use plimsoll_scenarios::{Backend as _, LIBRARY, Plan, Scenario, Subject};
use plimsoll_turmoil::{Parts, Turmoil};
use std::collections::BTreeSet;
use std::time::Duration;

/// The number of seeds, from 0, in one of which what is wrong must fall.
const SEEDS: u64 = 100;

/// The bugs that no scenario convicts here, each with the reason.
const NOT_SEEN: [(&str, &str); 4] = [
    (
        "IgnoresCommitIds",
        "the client tells what became of a commit once, and before it sends the next",
    ),
    (
        "IgnoresAttempts",
        "the driver tells no result of a handler that it has stopped",
    ),
    (
        "IgnoresEpochs",
        "the driver tells no result of a handler that it has stopped",
    ),
    (
        "MixesPartitionsUp",
        "a message names its own partition, whatever the core says",
    ),
];

fn scenario(label: &str) -> Scenario {
    let (_, text) = LIBRARY
        .iter()
        .find(|(name, _)| *name == label)
        .unwrap_or_else(|| panic!("{label} is not in the library"));
    let mut scenario = Scenario::parse(label, text).expect("the library has no mistakes");
    scenario.settings.consumers.subject = Subject::PlimsollDriver;
    scenario
}

/// Returns what some parts violate in a scenario with any seed, until it is one of these.
fn violated(parts: Parts, label: &str, breaks: &[Property]) -> BTreeSet<Property> {
    let scenario = scenario(label);
    let mut all = BTreeSet::new();
    for seed in 0..SEEDS {
        let plan = Plan::draw(&scenario, seed);
        let judged = running::judged(Turmoil::of(parts), &plan);
        let (_, verdict) = judged.expect("it is not refused");
        all.extend(verdict.violations().map(|(property, _)| property));
        if breaks.iter().any(|property| all.contains(property)) {
            break;
        }
    }
    all
}

#[test]
fn every_planted_bug_is_convicted() {
    let mut wrong = Vec::new();
    for bug in ALL {
        let mut places = PLACES.iter();
        let place = places.find(|(_, bugs)| bugs.contains(&bug.name));
        let excused = NOT_SEEN.iter().any(|(name, _)| *name == bug.name);
        match place {
            Some(_) if excused => wrong.push(format!("{} is seen, and excused", bug.name)),
            Some((label, _)) => {
                let violated = violated(bug.spec, label, bug.breaks);
                if !bug
                    .breaks
                    .iter()
                    .any(|property| violated.contains(property))
                {
                    wrong.push(format!("{} in {label}: {violated:?}", bug.name));
                }
            }
            None if excused => {}
            None => wrong.push(format!(
                "{}: no scenario is named that convicts it",
                bug.name
            )),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_lets_everything_pass_changes_nothing() {
    let plan = Plan::draw(&scenario("quick/member-killed"), 0);
    let [without, with] = [Parts::PRODUCTION, CONTROL].map(|parts| {
        let mut trace = Trace::new();
        let ran = Turmoil::of(parts).run(&plan, &mut trace);
        ran.expect("it takes any plan");
        trace.fingerprint()
    });
    assert_eq!(without, with);
}

#[track_caller]
fn assert_convicted(parts: Parts, label: &str, property: Property) {
    let violated = violated(parts, label, &[property]);
    assert!(violated.contains(&property), "violated: {violated:?}");
}

impl Core for Neglected<Consumer<Message>> {
    fn consumer(&self) -> &Consumer<Message> {
        &self.machine
    }
}

/// Asserts that a driver whose core is as if the duty were left out is convicted of it.
#[track_caller]
fn assert_duty(duty: Duty, core: fn(Config) -> Box<dyn Core + Send>) {
    let (label, property) = duty.shows_in();
    let parts = Parts {
        core,
        ..Parts::PRODUCTION
    };
    assert_convicted(parts, label, property);
}

fn neglected(duty: Duty, config: Config) -> Box<dyn Core + Send> {
    Box::new(Neglected::new(Consumer::new(config), Some(duty)))
}

#[test]
fn a_driver_that_does_not_await_its_handlers() {
    const DUTY: Duty = Duty::AwaitHandlers;
    assert_duty(DUTY, |config| neglected(DUTY, config));
}

#[test]
fn a_driver_whose_timer_is_not_armed() {
    const DUTY: Duty = Duty::ArmTimers;
    assert_duty(DUTY, |config| neglected(DUTY, config));
}

#[test]
fn a_driver_that_ignores_the_request_to_stop() {
    const DUTY: Duty = Duty::Stop;
    assert_duty(DUTY, |config| neglected(DUTY, config));
}

#[test]
fn a_handler_that_spawns_its_work() {
    let parts = Parts {
        handler: |sink, message| {
            Box::pin(async move {
                tokio::spawn(async move { sink.write(&message).await });
                Ok(())
            })
        },
        ..Parts::PRODUCTION
    };
    assert_convicted(
        parts,
        "quick/member-killed",
        Property::CommitCoversOnlyFinished,
    );
}

#[test]
fn a_handler_that_ignores_failures() {
    let parts = Parts {
        handler: |sink, message| {
            Box::pin(async move {
                // What went wrong is not told.
                let _ = sink.write(&message).await;
                Ok(())
            })
        },
        ..Parts::PRODUCTION
    };
    assert_convicted(parts, "quick/failing-handlers", Property::NoLoss);
}

#[test]
fn a_handler_that_gives_up_and_says_that_all_is_well() {
    let parts = Parts {
        handler: |sink, message| {
            Box::pin(async move {
                let within = Duration::from_millis(5);
                let written = tokio::time::timeout(within, sink.write(&message)).await;
                written.unwrap_or(Ok::<(), HandlerError>(()))
            })
        },
        ..Parts::PRODUCTION
    };
    assert_convicted(parts, "quick/member-killed", Property::NoLoss);
}
