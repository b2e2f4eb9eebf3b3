//! Commits: what they carry, and what becomes of them.

use super::*;
use crate::protocol::GroupMemberId;
use plimsoll_core::{AssignmentEpoch, CommitId, CommitOffset, CommitOutcome, NextOffset, Start};
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
    let Request::OffsetCommit { sender, .. } = requests[0].request else {
        panic!("{requests:?}");
    };
    assert_eq!((sender.generation, sender.member), (2, GroupMemberId(1)));
    assert_eq!(finished(&bench.learned()), [CommitOutcome::Ok]);
}

#[test]
fn a_refused_commit_failed_and_one_that_is_never_answered_is_unknown() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench
        .kafka
        .refuse(K::OffsetCommit, ErrorName::RebalanceInProgress);
    bench.say(commit(1));
    bench.run(ms(10));
    assert_eq!(finished(&bench.learned()), [CommitOutcome::Failed]);
    bench.kafka.ignores.push(K::OffsetCommit);
    bench.say(commit(2));
    bench.run(ms(15_000));
    assert_eq!(finished(&bench.learned()), [], "it is sent three times");
    bench.run(ms(3_000));
    assert_eq!(finished(&bench.learned()), [CommitOutcome::Unknown]);
    let count = |wanted: fn(&TraceEvent) -> bool| bench.count(wanted);
    assert_eq!(
        count(|event| matches!(event, TraceEvent::CommitSent { .. })),
        4
    );
    assert_eq!(
        count(|event| matches!(event, TraceEvent::CommitUnknown { .. })),
        3
    );
}

#[test]
fn a_commit_whose_connection_breaks_is_sent_again() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.kafka.ignores.push(K::OffsetCommit);
    bench.say(commit(1));
    bench.run(ms(10));
    bench.kafka.ignores.clear();
    bench.disconnect(Node(0));
    bench.run(ms(1_000));
    assert_eq!(finished(&bench.learned()), [CommitOutcome::Ok]);
}

#[test]
fn outside_of_the_group_a_commit_goes_out_in_no_generation() {
    let mut bench = Bench::new(Polling::Always, "");
    bench.kafka.ignores.push(K::JoinGroup);
    bench = bench.joined();
    bench.requests();
    bench.say(commit(1));
    bench.run(ms(10));
    let requests = bench.requests();
    let stamp = requests.iter().find_map(|asked| match asked.request {
        Request::OffsetCommit { sender, .. } => Some((sender.generation, sender.member)),
        _ => None,
    });
    assert_eq!(stamp, Some((-1, GroupMemberId::EMPTY)));
}

#[test]
fn partitions_that_are_assigned_while_a_commit_is_outstanding_are_fetched_after_it() {
    let mut bench = Bench::new(Polling::Always, "");
    probe::be_silent();
    bench = bench.joined();
    let rebalance = probe::rebalance_of(&bench.learned()[0]);
    bench.kafka.ignores.push(K::OffsetCommit);
    bench.say(commit(1));
    bench.run(ms(10));
    bench.requests();
    let starts = vec![Start {
        partition: bench.name(P0),
        epoch: AssignmentEpoch(1),
        position: NextOffset::new(0),
    }];
    bench.say(Command::CompleteAssign { rebalance, starts });
    bench.run(ms(1_000));
    let fetches = |bench: &mut Bench| {
        let requests = bench.requests();
        let fetches = requests
            .iter()
            .filter_map(|asked| positions(&asked.request));
        fetches.count()
    };
    assert_eq!(fetches(&mut bench), 0);
    bench.kafka.ignores.clear();
    bench.disconnect(Node(0));
    bench.run(ms(1_500));
    assert!(fetches(&mut bench) > 0);
}

/// A commit that its client stamped as a member which is none any more comes back after the loss:
/// had the client joined before it looked at the error, it would join twice, and its first id would
/// hold the group up for a session (`ClassicGroup.hasAllMembersJoined` waits for pending members).
#[test]
fn a_commit_that_is_refused_after_a_loss_leads_to_one_join() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.kafka.ignores.extend([K::Heartbeat, K::OffsetCommit]);
    bench.run(ms(9_000));
    bench.say(commit(1));
    bench.run(ms(2_000));
    let learned = bench.learned();
    assert!(learned.iter().any(|e| matches!(e, Event::Lost { .. })));
    bench.requests();
    bench.kafka.ignores.clear();
    bench
        .kafka
        .refuse(K::OffsetCommit, ErrorName::UnknownMemberId);
    bench.run(ms(5_000));
    assert_eq!(finished(&bench.learned()), [CommitOutcome::Failed]);
    let requests = bench.requests();
    let is_new = |asked: &&kafka::Asked| match &asked.request {
        Request::JoinGroup(join) => join.member.is_none(),
        _ => false,
    };
    assert_eq!(requests.iter().filter(is_new).count(), 1);
}

#[test]
fn nothing_goes_to_a_coordinator_before_a_new_connection_is_made() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    let is_sent = |event: &TraceEvent| matches!(event, TraceEvent::CommitSent { .. });
    bench.kafka.accepts = false;
    bench.disconnect(Node(0));
    bench.run(ms(10));
    bench.say(commit(1));
    bench.run(ms(2_000));
    assert_eq!(
        (bench.count(is_sent), finished(&bench.learned())),
        (0, vec![])
    );
    bench.kafka.accepts = true;
    bench.disconnect(Node(0));
    bench.run(ms(1_000));
    assert_eq!(bench.count(is_sent), 1);
    assert_eq!(finished(&bench.learned()), [CommitOutcome::Ok]);
}

/// `rd_kafka_cgrp_try_terminate` waits while there are commits ("waiting for ... commit(s) before
/// terminating"), and the group is left behind them (`rd_kafka_cgrp_unassign_done`).
#[test]
fn a_member_leaves_when_its_last_commit_has_an_outcome() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.kafka.ignores.push(K::OffsetCommit);
    bench.say(commit(1));
    bench.run(ms(10));
    bench.requests();
    bench.say(Command::Close);
    bench.run(ms(4_000));
    assert_eq!(bench.asked(), [], "neither a heartbeat nor a leave");
    assert!(bench.member.is_running());
    bench.kafka.ignores.clear();
    bench.disconnect(Node(0));
    bench.run(ms(3_000));
    let asked = bench.asked();
    let place = |kind| asked.iter().position(|asked| *asked == kind);
    assert!(place(K::OffsetCommit) < place(K::LeaveGroup), "{asked:?}");
    assert!(!bench.member.is_running());
    let leaves = asked.iter().filter(|asked| **asked == K::LeaveGroup);
    assert_eq!(leaves.count(), 1);
}

#[test]
fn a_member_whose_commit_has_no_outcome_ends_without_leaving() {
    let mut bench = Bench::new(Polling::Always, "").joined();
    bench.kafka.ignores.push(K::OffsetCommit);
    bench.say(commit(1));
    bench.run(ms(10));
    bench.requests();
    bench.say(Command::Close);
    bench.run(ms(5_900));
    assert!(bench.member.is_running());
    bench.run(ms(200));
    assert!(!bench.member.is_running());
    assert!(!bench.asked().contains(&K::LeaveGroup));
}
