//! Traces written by hand, and their numbers.

use super::*;
use plimsoll_core::{AssignmentEpoch, NextOffset, Offset};
use plimsoll_oracle::BrokerId;

const ORDERS: TopicPartition = TopicPartition::new(0, 0);
const FIRST: MemberId = MemberId(0);
const SECOND: MemberId = MemberId(1);

/// Reads the numbers of a trace from the events and their times in milliseconds.
fn metrics(events: &[(u64, TraceEvent)]) -> Metrics {
    let mut trace = Trace::new();
    for (at, event) in events {
        trace.push(Instant::from_millis(*at), *event);
    }
    Metrics::of(&trace)
}

fn assigned(member: MemberId, generation: i32) -> TraceEvent {
    TraceEvent::Assigned {
        member,
        partition: ORDERS,
        epoch: AssignmentEpoch(1),
        position: NextOffset::new(0),
        generation,
    }
}

fn effect(message: u32, outcome: Outcome) -> TraceEvent {
    TraceEvent::Effect {
        member: FIRST,
        partition: ORDERS,
        offset: Offset::new(u64::from(message)),
        message: MessageId(message),
        key: None,
        attempt: 1,
        outcome,
    }
}

fn committed(rebalancing: bool) -> TraceEvent {
    TraceEvent::Committed {
        member: FIRST,
        partition: ORDERS,
        next: NextOffset::new(1),
        generation: 1,
        rebalancing,
    }
}

#[test]
fn an_empty_trace_has_nothing() {
    assert_eq!(metrics(&[]), Metrics::default());
}

#[test]
fn generations_count_once_and_assignments_each_time() {
    let it = metrics(&[
        (0, assigned(FIRST, 1)),
        (1, assigned(SECOND, 2)),
        (2, assigned(FIRST, 2)),
    ]);
    assert_eq!(it.get(Metric::Generations), 2);
    assert_eq!(it.get(Metric::Assignments), 3);
}

#[test]
fn commits_are_told_apart_by_what_became_of_them() {
    let refused = |error| TraceEvent::CommitRefused {
        member: FIRST,
        error,
    };
    let it = metrics(&[
        (0, TraceEvent::CommitSent { member: FIRST }),
        (1, committed(false)),
        (2, committed(true)),
        (3, refused(ErrorName::IllegalGeneration)),
        (4, refused(ErrorName::FencedInstanceId)),
        (5, refused(ErrorName::NotCoordinator)),
        (6, TraceEvent::CommitUnknown { member: FIRST }),
        (
            7,
            TraceEvent::LateCommit {
                member: FIRST,
                partition: ORDERS,
            },
        ),
    ]);
    for (metric, number) in [
        (Metric::CommitsSent, 1),
        (Metric::CommitsInRebalance, 1),
        (Metric::CommitsFenced, 2),
        (Metric::CommitsRefused, 1),
        (Metric::CommitsUnknown, 1),
        (Metric::CommitsLate, 1),
    ] {
        assert_eq!(it.get(metric), number, "{metric}");
    }
}

#[test]
fn a_partition_waits_from_the_death_of_its_owner_to_its_next_assignment() {
    let it = metrics(&[
        (0, assigned(FIRST, 1)),
        (1_000, TraceEvent::MemberCrashed { member: FIRST }),
        // Not the owner: nothing begins to wait.
        (2_000, TraceEvent::MemberCrashed { member: SECOND }),
        (7_500, assigned(SECOND, 2)),
        (9_000, TraceEvent::MemberStopped { member: SECOND }),
        (9_500, assigned(FIRST, 3)),
    ]);
    assert_eq!(it.get(Metric::Reassigned), 6_500);
}

#[test]
fn a_process_that_wakes_up_before_others_take_over_ends_the_wait() {
    let paused = TraceEvent::MemberPaused { member: FIRST };
    let resumed = TraceEvent::MemberResumed { member: FIRST };
    let it = metrics(&[
        (0, assigned(FIRST, 1)),
        (1_000, paused),
        (4_000, resumed),
        (5_000, assigned(SECOND, 2)),
    ]);
    assert_eq!(it.get(Metric::Reassigned), 0);
}

#[test]
fn what_a_zombie_loses_is_another_member_s_already() {
    let lost = TraceEvent::Lost {
        member: FIRST,
        partition: ORDERS,
    };
    let it = metrics(&[
        (0, assigned(FIRST, 1)),
        (1_000, assigned(SECOND, 2)),
        (2_000, lost),
        (9_000, assigned(SECOND, 3)),
    ]);
    assert_eq!(it.get(Metric::Lost), 1);
    assert_eq!(it.get(Metric::Reassigned), 0);
}

/// On real Kafka a client that leaves tells of a revocation, and the proxy that no answer reached a
/// process which died. Neither says what the group or the network did.
#[test]
fn what_members_do_that_stop_or_died_is_not_counted() {
    let revoked = TraceEvent::Revoked {
        member: FIRST,
        partition: ORDERS,
        in_flight: 0,
    };
    let unknown = TraceEvent::CommitUnknown { member: FIRST };
    let it = metrics(&[
        (0, revoked),
        (1, TraceEvent::MemberStopping { member: FIRST }),
        (2, revoked),
        (3, TraceEvent::MemberStopped { member: FIRST }),
        (4, TraceEvent::MemberStarted { member: FIRST }),
        (5, revoked),
        (6, unknown),
        (7, TraceEvent::MemberCrashed { member: FIRST }),
        (8, unknown),
    ]);
    assert_eq!(it.get(Metric::Revocations), 2);
    assert_eq!(it.get(Metric::CommitsUnknown), 1);
}

#[test]
fn a_record_is_a_duplicate_from_its_second_success_on() {
    let it = metrics(&[
        (0, effect(7, Outcome::Retryable)),
        (1, effect(7, Outcome::Ok)),
        (2, effect(7, Outcome::Ok)),
        (3, effect(8, Outcome::Ok)),
    ]);
    assert_eq!(it.get(Metric::Duplicates), 1);
}

#[test]
fn pauses_count_from_before_the_healing_and_rest_after_it() {
    let it = metrics(&[
        (0, effect(1, Outcome::Ok)),
        (1_000, effect(2, Outcome::Ok)),
        (4_000, TraceEvent::Healed),
        (4_500, effect(3, Outcome::Ok)),
        // After the healing only the harness produces.
        (9_000, effect(4, Outcome::Ok)),
        (10_500, TraceEvent::Quiet),
    ]);
    assert_eq!(it.get(Metric::Pause), 3_500);
    assert_eq!(it.get(Metric::Rest), 6_500);
}

#[test]
fn changes_of_the_coordinator_are_counted() {
    let broker = BrokerId(1);
    let it = metrics(&[(0, TraceEvent::CoordinatorChanged { broker })]);
    assert_eq!(it.get(Metric::Coordinators), 1);
}
