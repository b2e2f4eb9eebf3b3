//! What is wrong is convicted under turmoil of what it breaks in the simulator: the same bugs around
//! the core and in the client, duties that a driver leaves out, and handlers.

mod planted;
mod running;

use plimsoll::{Config, Core, HandlerError, Message};
use plimsoll_core::{Command, Consumer, Event, Instant, Machine, Outcome};
use plimsoll_oracle::Property;
use plimsoll_scenarios::{LIBRARY, Plan, Scenario, Subject};
use plimsoll_turmoil::{Parts, Turmoil};
use planted::catalogue::{ALL, CONTROL};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, thread};

/// The number of seeds in one of which a bug falls.
const SEEDS: u64 = 3;

/// Returns the scenarios of the library whose own subject is Plimsoll's consumer, by name.
fn library() -> Vec<(&'static str, Scenario)> {
    let all = LIBRARY.iter().map(|(label, text)| {
        let mut scenario = Scenario::parse(label, text).expect("the library has no mistakes");
        scenario.settings.consumers.subject = Subject::PlimsollDriver;
        (*label, scenario)
    });
    all.collect()
}

/// Returns what some parts violate in a scenario, with one seed.
fn violated(parts: Parts, scenario: &Scenario, seed: u64) -> BTreeSet<Property> {
    let plan = Plan::draw(scenario, seed);
    let Some((_, verdict)) = running::judged(Turmoil::of(parts), &plan) else {
        return BTreeSet::new();
    };
    verdict.violations().map(|(property, _)| property).collect()
}

/// Returns the first scenario and seed that convict some parts of the plainest of these properties
/// that is convicted at all.
fn conviction(
    parts: Parts,
    breaks: &[Property],
    library: &[(&'static str, Scenario)],
) -> Option<(Property, &'static str, u64)> {
    let mut second = None;
    for seed in 0..SEEDS {
        for (label, scenario) in library {
            let violated = violated(parts, scenario, seed);
            if violated.contains(&breaks[0]) {
                return Some((breaks[0], label, seed));
            }
            let other = breaks.iter().find(|property| violated.contains(property));
            second = second.or(other.map(|property| (*property, *label, seed)));
        }
        if second.is_some() {
            return second;
        }
    }
    second
}

#[test]
fn every_planted_bug_is_convicted() {
    let library = library();
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let try_all = || {
        let mut acquitted = Vec::new();
        while let Some(bug) = ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = conviction(bug.spec, bug.breaks, &library);
            if env::var_os("SHOW").is_some() {
                println!("{}: {found:?}", bug.name);
            }
            if found.is_none() {
                acquitted.push(bug.name);
            }
        }
        acquitted
    };
    let acquitted: Vec<&str> = thread::scope(|scope| {
        let tried: Vec<_> = (0..threads).map(|_| scope.spawn(try_all)).collect();
        let tried = tried.into_iter().map(|one| one.join().expect("none panics"));
        tried.flatten().collect()
    });
    assert!(acquitted.is_empty(), "{acquitted:?}");
}
