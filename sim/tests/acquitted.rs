//! Schedules in which Plimsoll's consumer is right, and a checker once said that it was not.

use plimsoll_core::{Offset, TopicPartition};
use plimsoll_oracle::check::Judge;
use plimsoll_oracle::{Entry, MemberId, Trace, TraceEvent, Verdict};
use plimsoll_scenarios::{Backend, Plan, Scenario};
use plimsoll_sim::Simulator;
use std::time::Duration;

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
    let (trace, verdict) = acquitted!("follower-holds-commits-up.toml");
    let entries = trace.entries();
    let held_up = sent_commits(entries).any(|(sent, member)| {
        let waits = until(&entries[sent..], is_committed_by(member));
        slow_broker_coordinates(&entries[..sent]) == Some(false) && waits >= Some(ONE_SECOND)
    });
    assert!(held_up, "no commit was held up");
    assert_eq!(verdict.violations().collect::<Vec<_>>(), []);

    let (trace, verdict) = acquitted!("stop-while-a-follower-stands-still.toml");
    let entries = trace.entries();
    let stopping = |entry: &Entry| matches!(entry.event, TraceEvent::MemberStopping { .. });
    let stop = entries.iter().position(stopping).expect("a stop");
    let (sent, member) = sent_commits(&entries[..stop]).last().expect("a commit");
    assert_eq!(slow_broker_coordinates(&entries[..stop]), Some(false));
    assert_eq!(until(&entries[sent..stop], is_committed_by(member)), None);
    let stopped = |event| matches!(event, TraceEvent::MemberStopped { .. });
    let takes = until(&entries[stop..], stopped);
    assert!(takes >= Some(ONE_SECOND), "the stop was not held up");
    assert_eq!(verdict.violations().collect::<Vec<_>>(), []);
}

/// A zombie that wakes up begins with a partition of an older generation, and repeats what was
/// committed when its new owner had it already.
#[test]
fn a_handover_that_a_slow_member_repeats() {
    let (trace, verdict) = acquitted!("handover-repeated-by-a-slow-member.toml");
    let entries = trace.entries();
    let repeats = (0..entries.len()).any(|index| {
        let (before, after) = entries.split_at(index);
        begins_late(before, entries[index].event).is_some_and(|(zombie, of)| {
            after.iter().any(|entry| {
                matches!(entry.event, TraceEvent::HandlerStarted { member, partition, offset, .. }
                    if (member, partition) == (zombie, of) && is_committed(before, of, offset))
            })
        })
    });
    assert!(repeats, "nothing that was committed was repeated");
    assert_eq!(verdict.violations().collect::<Vec<_>>(), []);
}

/// The coordinator moves to a broker with which the client has no connection: it waits before it
/// connects again, and cannot commit meanwhile.
#[test]
fn a_client_that_waits_before_it_connects_again() {
    let (trace, verdict) = acquitted!("coordinator-not-connected.toml");
    let entries = trace.entries();
    let moved = |entry: &Entry| matches!(entry.event, TraceEvent::CoordinatorChanged { .. });
    let moved = entries.iter().position(moved).expect("another coordinator");
    assert_eq!(slow_broker_coordinates(&entries[..=moved]), Some(true));
    let waits = (moved..entries.len()).any(|index| match entries[index].event {
        TraceEvent::Effect { member, .. } => {
            let sent = |event| event == TraceEvent::CommitSent { member };
            until(&entries[index..], sent) >= Some(COMMIT_INTERVAL + ONE_SECOND)
        }
        _ => false,
    });
    assert!(waits, "every commit was sent when it was due");
    assert_eq!(verdict.violations().collect::<Vec<_>>(), []);
}

/// The group's first leader asks a broker that has just come back for the topics.
#[test]
fn a_broker_that_comes_back_when_the_group_begins() {
    assert_acquitted!("broker-back-when-the-group-begins.toml");
}

/// A member cannot commit its start, and takes part in the next rebalance all the same: its client has
/// answered the assignment before.
#[test]
fn a_member_whose_start_cannot_be_committed() {
    let (trace, verdict) = acquitted!("start-cannot-be-committed.toml");
    let mut events = trace.entries().iter().map(|entry| entry.event);
    let refused = |event| matches!(event, TraceEvent::CommitRefused { .. });
    assert!(events.any(refused), "it could be");
    assert_eq!(verdict.violations().collect::<Vec<_>>(), []);
    let lost = |event| matches!(event, TraceEvent::Lost { .. });
    assert!(!events.any(lost), "the group let it go");
}

/// Its commits are as far apart as the messages that follow the healing.
#[test]
fn a_consumer_that_commits_as_seldom_as_it_may() {
    assert_acquitted!("commits-as-far-apart-as-probes.toml");
}

/// The interval of commits in these schedules.
const COMMIT_INTERVAL: Duration = Duration::from_secs(2);
const ONE_SECOND: Duration = Duration::from_secs(1);

/// Returns the commits that were sent: where they stand in the trace, and by which member.
fn sent_commits(entries: &[Entry]) -> impl Iterator<Item = (usize, MemberId)> {
    let events = entries.iter().map(|entry| entry.event).enumerate();
    events.filter_map(|(index, event)| match event {
        TraceEvent::CommitSent { member } => Some((index, member)),
        _ => None,
    })
}

fn is_committed_by(by: MemberId) -> impl Fn(TraceEvent) -> bool {
    move |event| matches!(event, TraceEvent::Committed { member, .. } if member == by)
}

/// Returns the time from the first of these entries to the first that is wanted.
fn until(entries: &[Entry], wanted: impl Fn(TraceEvent) -> bool) -> Option<Duration> {
    let found = entries.iter().find(|entry| wanted(entry.event))?;
    Some(found.at.saturating_since(entries[0].at))
}

/// Returns whether the broker that a fault slows down, or stops, is the one that became the
/// coordinator last, where there are both.
fn slow_broker_coordinates(entries: &[Entry]) -> Option<bool> {
    let events = || entries.iter().rev().map(|entry| entry.event);
    let slow = events().find_map(|event| match event {
        TraceEvent::FaultBegan { broker, .. } => broker,
        _ => None,
    });
    let coordinator = events().find_map(|event| match event {
        TraceEvent::CoordinatorChanged { broker } => Some(broker),
        _ => None,
    });
    Some(slow? == coordinator?)
}

/// Returns the member that begins with a partition of an older generation than one in which another
/// member has begun with it before.
fn begins_late(before: &[Entry], event: TraceEvent) -> Option<(MemberId, TopicPartition)> {
    let assigned = |event| match event {
        TraceEvent::Assigned {
            member,
            partition,
            generation,
            ..
        } => Some((member, partition, generation)),
        _ => None,
    };
    let (zombie, of, old) = assigned(event)?;
    let mut earlier = before.iter().filter_map(|entry| assigned(entry.event));
    let is_late =
        |(member, partition, generation)| member != zombie && partition == of && generation > old;
    earlier.any(is_late).then_some((zombie, of))
}

fn is_committed(before: &[Entry], of: TopicPartition, offset: Offset) -> bool {
    let mut events = before.iter().map(|entry| entry.event);
    events.any(|event| {
        matches!(event, TraceEvent::Committed { partition, next, .. }
            if partition == of && next.covers(offset))
    })
}
