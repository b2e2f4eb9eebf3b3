//! Commits: what they carry, and what becomes of them.

use super::*;
use crate::protocol::GroupMemberId;
use plimsoll_core::{CommitId, CommitOffset, CommitOutcome, NextOffset};
use plimsoll_oracle::ErrorName;
use plimsoll_oracle::RequestKind as K;

fn commit(id: u32) -> Command<Payload> {
    Command::Commit {
        commit: CommitId(id),
        offsets: vec![CommitOffset {
            partition: TopicPartition::new(0, 0),
            next: NextOffset::new(1),
            founding_partitions: 4,
        }],
    }
}

fn finished(events: &[Event<Payload>]) -> Vec<CommitOutcome> {
    let outcomes = events.iter().filter_map(|event| match event {
        Event::CommitFinished { outcome, .. } => Some(*outcome),
        _ => None,
    });
    outcomes.collect()
}

#[test]
fn a_commit_carries_the_generation_of_the_moment_at_which_it_is_sent() {
    let mut bench = Bench::new(Polling::Always, "assignor = \"cooperative-sticky\"\n").joined();
    bench
        .kafka
        .refuse(K::Heartbeat, ErrorName::RebalanceInProgress);
    bench.run(ms(3_500));
    bench.requests();
    bench.say(commit(1));
    bench.run(ms(10));
    let requests = bench.requests();
    let Request::OffsetCommit {
        generation, member, ..
    } = requests[0].request
    else {
        panic!("{requests:?}");
    };
    assert_eq!((generation, member), (2, GroupMemberId(1)));
    assert_eq!(finished(&bench.learned()), [CommitOutcome::Ok]);
}

#[test]
fn a_refused_commit_failed_and_a_lost_one_is_unknown() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench
        .kafka
        .refuse(K::OffsetCommit, ErrorName::IllegalGeneration);
    bench.say(commit(1));
    bench.run(ms(10));
    bench.kafka.ignores.push(K::OffsetCommit);
    bench.say(commit(2));
    bench.run(ms(10));
    bench.disconnect(Node(0));
    bench.run(ms(1_000));
    bench.say(commit(3));
    bench.run(ms(4_900));
    let outcomes = finished(&bench.learned());
    assert_eq!(outcomes, [CommitOutcome::Failed, CommitOutcome::Unknown]);
    bench.run(ms(200));
    assert_eq!(
        finished(&bench.learned()),
        [CommitOutcome::Unknown],
        "request.timeout"
    );
    assert_eq!(
        bench.count(|event| matches!(event, TraceEvent::CommitSent { .. })),
        3
    );
    assert_eq!(
        bench.count(|event| matches!(event, TraceEvent::CommitUnknown { .. })),
        2
    );
}

#[test]
fn outside_of_the_group_a_commit_fails_on_the_spot() {
    let mut bench = Bench::new(Polling::Always, "");
    bench.kafka.ignores.push(K::JoinGroup);
    bench = bench.joined();
    bench.say(commit(1));
    assert_eq!(finished(&bench.learned()), [CommitOutcome::Failed]);
    assert!(!bench.saw(|event| matches!(event, TraceEvent::CommitSent { .. })));
    assert!(bench.saw(|event| matches!(event, TraceEvent::CommitRefused { .. })));
}
