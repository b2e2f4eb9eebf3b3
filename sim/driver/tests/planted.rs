//! What a driver must do is seen to be judged: each driver here leaves out one of its duties, and is
//! convicted.

mod running;

use plimsoll_core::{Command, Config, Event, Instant, Machine, Outcome};
use plimsoll_oracle::Property;
use plimsoll_scenarios::{LIBRARY, Scenario, Subject};
use plimsoll_sim::Simulator;
use plimsoll_sim::recipes::{Payload, SubjectSpec};
use plimsoll_sim_driver::{Driven, spec};
use std::collections::BTreeSet;

const SEEDS: u64 = 20;

type Build = fn(&Config) -> Box<dyn Machine<Payload>>;

/// A duty that a driver leaves out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bug {
    None,
    /// Takes a call of the handler for done when it begins.
    DoesNotAwaitHandlers,
    /// Never wakes for the core's deadlines.
    ArmsNoTimer,
    /// Goes on when it is asked to stop.
    IgnoresTheShutdown,
}

struct Planted {
    driver: Driven,
    bug: Bug,
    now: Instant,
}

fn planted(bug: Bug, config: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(Planted {
        driver: Driven::new(*config),
        bug,
        now: Instant::ZERO,
    })
}

impl Machine<Payload> for Planted {
    fn handle_event(&mut self, now: Instant, event: Event<Payload>) {
        self.now = now;
        if self.bug != Bug::IgnoresTheShutdown || event != Event::Shutdown {
            self.driver.handle_event(now, event);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.driver.handle_timeout(now);
    }

    fn poll_command(&mut self) -> Option<Command<Payload>> {
        let command = self.driver.poll_command()?;
        if let Command::Dispatch {
            partition,
            epoch,
            attempt,
            record,
        } = &command
            && self.bug == Bug::DoesNotAwaitHandlers
        {
            let done = Event::Processed {
                partition: *partition,
                epoch: *epoch,
                offset: record.offset,
                attempt: *attempt,
                outcome: Outcome::Ok,
            };
            self.driver.handle_event(self.now, done);
        }
        Some(command)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let at = self.driver.poll_timeout();
        at.filter(|_| self.bug != Bug::ArmsNoTimer)
    }
}

/// Asserts that a driver with the bug is convicted of the property, and one without it of nothing.
#[track_caller]
fn assert_convicted(build: Build, label: &str, property: Property) {
    let (_, text) = LIBRARY
        .iter()
        .find(|(name, _)| *name == label)
        .expect("it is in the library");
    let scenario = Scenario::parse(label, text).expect("the library has no mistakes");
    let violated = |build: Build| {
        let spec = spec(Subject::PlimsollDriver).expect("it is ours");
        let mut simulator = Simulator::with_spec(SubjectSpec { build, ..spec });
        let mut violated = BTreeSet::new();
        for seed in 0..SEEDS {
            let (_, verdict) = running::run(&mut simulator, &scenario, seed);
            violated.extend(verdict.violations().map(|(property, _)| property));
        }
        violated
    };
    let control = violated(|config| planted(Bug::None, config));
    assert_eq!(control, BTreeSet::new(), "of the driver itself");
    let violated = violated(build);
    assert!(violated.contains(&property), "violated: {violated:?}");
}

#[test]
fn a_driver_that_does_not_await_its_handlers() {
    assert_convicted(
        |config| planted(Bug::DoesNotAwaitHandlers, config),
        "quick/member-killed",
        Property::CommitCoversOnlyFinished,
    );
}

#[test]
fn a_driver_whose_timer_is_not_armed() {
    assert_convicted(
        |config| planted(Bug::ArmsNoTimer, config),
        "quick/member-killed",
        Property::Liveness,
    );
}

#[test]
fn a_driver_that_ignores_the_request_to_stop() {
    assert_convicted(
        |config| planted(Bug::IgnoresTheShutdown, config),
        "shutdown/graceful-stop",
        Property::CleanShutdown,
    );
}
