//! [`Coverage`]: every rare thing is seen where it happened, and not where it did not.

use super::script::trace;
use crate::check::Coverage;
use crate::{BrokerId, MemberId, RequestKind, Sometimes, Trace, TraceEvent};
use plimsoll_core::{Instant, NextOffset, TopicPartition};

fn seen(trace: &Trace) -> Vec<(Sometimes, u64)> {
    let mut coverage = Coverage::default();
    coverage.add(trace);
    coverage.counts().filter(|(_, count)| *count > 0).collect()
}

#[test]
fn a_quiet_run_has_nothing_rare() {
    let quiet = trace(
        "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 1\nA revoked p0\nA crashes\nend",
    );
    assert_eq!(seen(&quiet), []);
}

#[test]
fn each_rare_thing_is_counted() {
    use Sometimes as S;
    for (script, expected) in [
        ("A unknown\nA unknown", (S::UnknownCommit, 2)),
        ("A late p0 3", (S::LateCommit, 1)),
        ("A refused", (S::FencedCommit, 1)),
        ("A lost p0", (S::LostPartitions, 1)),
        (
            "A assigned p0 0\nA pauses\nB assigned p0 0\nA resumes",
            (S::ZombieWokeUp, 1),
        ),
        (
            "A assigned p0 0\nstore p0 0\nA does p0 0\nA crashes",
            (S::CrashBeforeCommit, 1),
        ),
        (
            "A does p0 0\nA does p1 0\nA commits p0 1\nA crashes",
            (S::CrashBeforeCommit, 1),
        ),
        ("A dead-letters p0 0", (S::DeadLettered, 1)),
        ("A begins p0 0\nA cancelled p0 0", (S::HandlerStopped, 1)),
        ("A does p0 0\nA does p0 0\nA does p0 1", (S::Duplicate, 1)),
        ("A exits\nA starts\nA exits 1", (S::MemberExited, 2)),
        ("A out-of-range p0 3\nA seeks p0 3 0", (S::OutOfRange, 1)),
        (
            "A assigned p0 0\nA begins p0 0\nB assigned p0 0\nA ok p0 0",
            (S::ZombieEffect, 1),
        ),
    ] {
        assert_eq!(seen(&trace(script)), [expected], "{script}");
    }
}

#[test]
fn a_commit_that_is_refused_for_the_moment_is_not_fenced() {
    assert_eq!(seen(&trace("A refused-for-now")), []);
}

#[test]
fn the_counts_of_two_add_up() {
    let (mut one, mut other) = (Coverage::default(), Coverage::default());
    one.add(&trace("A unknown\nA unknown\nA lost p0"));
    other.add(&trace("A unknown\nA unknown\nA unknown"));
    one.merge(&other);
    let counted: Vec<_> = one.counts().filter(|(_, count)| *count > 0).collect();
    let expected = [
        (Sometimes::UnknownCommit, 5),
        (Sometimes::LostPartitions, 1),
    ];
    assert_eq!(counted, expected);
}

#[test]
fn a_pause_without_a_theft_wakes_no_zombie() {
    for script in [
        "A assigned p0 0\nA pauses\nB assigned p1 0\nA resumes",
        "A assigned p0 0\nB assigned p0 0\nA pauses\nA resumes",
    ] {
        assert_eq!(seen(&trace(script)), [], "{script}");
    }
}

#[test]
fn what_the_script_cannot_say() {
    use Sometimes as S;
    let member = MemberId(0);
    let partition = TopicPartition::new(0, 0);
    let events = [
        (
            TraceEvent::Revoked {
                member,
                partition,
                in_flight: 1,
            },
            S::RevokedWithHandlersInFlight,
        ),
        (
            TraceEvent::Committed {
                member,
                partition,
                next: NextOffset::ZERO,
                generation: 1,
                rebalancing: true,
            },
            S::CommitDuringRebalance,
        ),
        (
            TraceEvent::LeaderChanged {
                partition,
                leader: BrokerId(1),
                epoch: 1,
            },
            S::LeaderChanged,
        ),
        (
            TraceEvent::CoordinatorChanged {
                broker: BrokerId(1),
            },
            S::CoordinatorChanged,
        ),
        (
            TraceEvent::ResponseLost {
                member,
                request: RequestKind::Fetch,
            },
            S::ResponseLost,
        ),
    ];
    for (event, expected) in events {
        let mut trace = Trace::new();
        trace.push(Instant::ZERO, event);
        assert_eq!(seen(&trace), [(expected, 1)]);
    }
}
