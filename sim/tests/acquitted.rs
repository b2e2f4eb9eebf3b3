//! Schedules in which Plimsoll's consumer is right, and a checker once said that it was not.

use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{ErrorName, Trace, TraceEvent, Verdict};
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;

/// Runs a schedule of the folder `acquitted`, and judges it.
macro_rules! acquitted {
    ($name:literal) => {
        run($name, include_str!(concat!("acquitted/", $name)))
    };
}

/// Asserts that no property is violated in a schedule of the folder `acquitted`.
macro_rules! assert_acquitted {
    ($name:literal) => {
        let (_, verdict) = acquitted!($name);
        assert_eq!(verdict.violations().collect::<Vec<_>>(), [], $name);
    };
}

fn run(name: &str, scenario: &str) -> (Trace, Verdict) {
    let scenario = match Scenario::parse(name, scenario) {
        Ok(scenario) => scenario,
        Err(error) => panic!("{:?}", miette::Report::new(error)),
    };
    let plan = Plan::draw(&scenario, scenario.seed.expect("the seed of the schedule"));
    let (mut simulator, mut trace) = (Simulator::new(), Trace::new());
    simulator.run(&plan, &mut trace).unwrap();
    let verdict = Judge::new().judge(&plan.terms(), &trace, simulator.unobservable());
    (trace, verdict)
}

/// The copy of a record is under way for longer than its partition is: the member loses it, gets it
/// back and tries the record again before the broker has stored the copy.
#[test]
fn a_dead_letter_of_an_earlier_assignment() {
    let (trace, verdict) = acquitted!("dead-letter-of-an-earlier-assignment.toml");
    let events = || trace.entries().iter().map(|entry| entry.event);
    let assigned = events().filter_map(|event| match event {
        TraceEvent::Assigned { epoch, .. } => Some(epoch),
        _ => None,
    });
    let newest = assigned.max();
    let stored = |event| matches!(event, TraceEvent::DeadLettered { epoch, .. } if epoch < newest);
    assert!(events().any(stored), "no copy of an earlier assignment");
    assert_eq!(verdict.violations().collect::<Vec<_>>(), []);
}

/// The coordinator cannot write the id of a static member's new process, and takes it back.
#[test]
fn a_static_member_whose_id_is_taken_back() {
    assert_acquitted!("static-member-id-taken-back.toml");
}

/// A commit waits for the replicas of its coordinator, so that it is held up by any broker that
/// stands still.
#[test]
fn a_broker_that_does_not_coordinate_holds_commits_up() {
    assert_acquitted!("follower-holds-commits-up.toml");
    assert_acquitted!("stop-while-a-follower-stands-still.toml");
}

/// A zombie that wakes up begins with a partition of an older generation, and repeats what was
/// committed when its new owner had it already.
#[test]
fn a_handover_that_a_slow_member_repeats() {
    assert_acquitted!("handover-repeated-by-a-slow-member.toml");
}

/// The coordinator moves to a broker with which the client has no connection: it waits before it
/// connects again, and cannot commit meanwhile.
#[test]
fn a_client_that_waits_before_it_connects_again() {
    assert_acquitted!("coordinator-not-connected.toml");
}

/// The group's first leader asks a broker that has just come back for the topics.
#[test]
fn a_broker_that_comes_back_when_the_group_begins() {
    assert_acquitted!("broker-back-when-the-group-begins.toml");
}

/// A member cannot commit its start, so that it does not answer its assignment, and the group goes
/// on without it. No commit of it is accepted then, and its client tells no loss before it has an
/// answer.
#[test]
fn a_member_that_is_let_go_before_it_has_answered() {
    let (trace, verdict) = acquitted!("assignment-unanswered-when-let-go.toml");
    let mut events = trace.entries().iter().map(|entry| entry.event);
    let refused = |event| {
        matches!(
            event,
            TraceEvent::CommitRefused {
                error: ErrorName::UnknownMemberId,
                ..
            }
        )
    };
    assert!(events.any(refused), "it was not let go");
    assert_eq!(verdict.violations().collect::<Vec<_>>(), []);
}

/// Its commits are as far apart as the messages that follow the healing.
#[test]
fn a_consumer_that_commits_as_seldom_as_it_may() {
    assert_acquitted!("commits-as-far-apart-as-probes.toml");
}
