//! Schedules in which Plimsoll's consumer is right, and a checker once said that it was not.

use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Trace, TraceEvent, Verdict};
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;

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
    let name = "dead-letter-of-an-earlier-assignment.toml";
    let scenario = include_str!("acquitted/dead-letter-of-an-earlier-assignment.toml");
    let (trace, verdict) = run(name, scenario);
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

/// The coordinator cannot write the id of a static member's new process, and takes it back when the
/// next generation has begun: the assignment that was made for it reaches no member.
#[test]
fn a_static_member_whose_id_is_taken_back() {
    let name = "static-member-id-taken-back.toml";
    let scenario = include_str!("acquitted/static-member-id-taken-back.toml");
    let (trace, verdict) = run(name, scenario);
    let events = trace.entries().iter().map(|entry| entry.event);
    let never_quiet = events.filter(|event| matches!(event, TraceEvent::Quiet));
    assert_eq!(never_quiet.count(), 0, "the group came to rest");
    assert_eq!(verdict.violations().collect::<Vec<_>>(), []);
}

/// A commit waits for the replicas of its coordinator, so that it is held up by any broker that
/// stands still.
#[test]
fn a_broker_that_does_not_coordinate_holds_commits_up() {
    for (name, scenario) in [
        (
            "follower-holds-commits-up.toml",
            include_str!("acquitted/follower-holds-commits-up.toml"),
        ),
        (
            "stop-while-a-follower-stands-still.toml",
            include_str!("acquitted/stop-while-a-follower-stands-still.toml"),
        ),
    ] {
        let (_, verdict) = run(name, scenario);
        assert_eq!(verdict.violations().collect::<Vec<_>>(), [], "{name}");
    }
}

/// A zombie that wakes up begins with a partition of an older generation, and repeats what was
/// committed when its new owner had it already.
#[test]
fn a_handover_that_a_slow_member_repeats() {
    let name = "handover-repeated-by-a-slow-member.toml";
    let scenario = include_str!("acquitted/handover-repeated-by-a-slow-member.toml");
    let (_, verdict) = run(name, scenario);
    assert_eq!(verdict.violations().collect::<Vec<_>>(), []);
}
