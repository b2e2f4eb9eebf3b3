//! What is wrong is convicted under turmoil of what it breaks in the simulator: the same bugs around
//! the core and in the client, duties that a driver leaves out, and handlers.

mod planted;
mod running;

use planted::catalogue::{ALL, CONTROL};
use planted::places::PLACES;
use plimsoll::{Config, Core, HandlerError, Message};
use plimsoll_core::{Command, Consumer, Event, Instant, Machine, Outcome};
use plimsoll_oracle::{Property, Trace};
use plimsoll_scenarios::{Backend as _, LIBRARY, Plan, Scenario, Subject};
use plimsoll_turmoil::{Parts, Turmoil};
use std::collections::BTreeSet;
use std::time::Duration;

/// The number of seeds, from 0, in one of which what is wrong must fall.
const SEEDS: u64 = 12;

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

/// A duty of the driver.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Duty {
    AwaitHandlers,
    ArmTimers,
    Stop,
}

/// A core whose driver seems to leave out a duty.
struct Neglected {
    core: Consumer<Message>,
    duty: Duty,
    now: Instant,
}

fn neglected(duty: Duty, config: Config) -> Box<dyn Core + Send> {
    Box::new(Neglected {
        core: Consumer::new(config),
        duty,
        now: Instant::ZERO,
    })
}

impl Core for Neglected {
    fn consumer(&self) -> &Consumer<Message> {
        &self.core
    }
}

impl Machine<Message> for Neglected {
    fn handle_event(&mut self, now: Instant, event: Event<Message>) {
        self.now = now;
        if self.duty != Duty::Stop || event != Event::Shutdown {
            self.core.handle_event(now, event);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.core.handle_timeout(now);
    }

    fn poll_command(&mut self) -> Option<Command<Message>> {
        let command = self.core.poll_command()?;
        if let Command::Dispatch {
            partition,
            epoch,
            attempt,
            record,
        } = &command
            && self.duty == Duty::AwaitHandlers
        {
            let done = Event::Processed {
                partition: *partition,
                epoch: *epoch,
                offset: record.offset,
                attempt: *attempt,
                outcome: Outcome::Ok,
            };
            self.core.handle_event(self.now, done);
        }
        Some(command)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let at = self.core.poll_timeout();
        at.filter(|_| self.duty != Duty::ArmTimers)
    }
}

fn around_the_core(core: fn(Config) -> Box<dyn Core + Send>) -> Parts {
    Parts {
        core,
        ..Parts::PRODUCTION
    }
}

#[test]
fn a_driver_that_does_not_await_its_handlers() {
    assert_convicted(
        around_the_core(|config| neglected(Duty::AwaitHandlers, config)),
        "quick/member-killed",
        Property::CommitCoversOnlyFinished,
    );
}

#[test]
fn a_driver_whose_timer_is_not_armed() {
    assert_convicted(
        around_the_core(|config| neglected(Duty::ArmTimers, config)),
        "quick/member-killed",
        Property::Liveness,
    );
}

#[test]
fn a_driver_that_ignores_the_request_to_stop() {
    assert_convicted(
        around_the_core(|config| neglected(Duty::Stop, config)),
        "shutdown/graceful-stop",
        Property::CleanShutdown,
    );
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
