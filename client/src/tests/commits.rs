//! Commits and dead-letter copies.

use super::plain::Founding;
use super::*;
use crate::DeadLetterCopy;
use crate::Stamp;
use plimsoll_core::{AssignmentEpoch, CommitId, CommitOffset, Offset, Record, TopicPartition};
use plimsoll_protocol::{ErrorName, GroupMemberId, OffsetCommitResponse};

const ID: CommitId = CommitId(3);

/// No leader epoch is known.
const UNKNOWN: fn(PartitionIndex, NextOffset) -> Option<u32> = |_, _| None;

const STAMP: Option<Stamp> = Some((GroupMemberId(1), 2));

fn offsets() -> [CommitOffset; 1] {
    [offset(1)]
}

fn offset(partition: u32) -> CommitOffset {
    CommitOffset {
        partition: TopicPartition::new(0, partition),
        next: NextOffset::new(8),
        founding_partitions: 4,
    }
}

fn copy() -> DeadLetterCopy<u32> {
    DeadLetterCopy {
        partition: TopicPartition::new(0, 1),
        epoch: AssignmentEpoch(2),
        record: Record {
            offset: Offset::new(4),
            key: None,
            bytes: 1,
            payload: 9,
        },
    }
}

fn new(instance: Option<u32>, behaviour: Behaviour) -> Commits {
    Commits::new(Settings {
        instance,
        ..like(behaviour)
    })
}

/// Sends a commit as a member, and forgets that.
fn sent(behaviour: Behaviour) -> Commits {
    let mut commits = new(None, behaviour);
    commits.commit(NOW, &knowledge(), STAMP, (ID, &offsets()), UNKNOWN);
    told(|| commits.poll_action());
    commits
}

/// Returns the stamp of the commit that goes out, and forgets that.
fn stamp(commits: &mut Commits) -> Option<Stamp> {
    let actions: Vec<Action> = std::iter::from_fn(|| commits.poll_action()).collect();
    actions.into_iter().find_map(|action| match action {
        Action::Ask(Ask {
            request: Request::OffsetCommit { sender, .. },
            ..
        }) => Some((sender.member, sender.generation)),
        _ => None,
    })
}

#[test]
fn a_commit_is_stamped_and_noted_once_it_is_on_its_way() {
    let mut commits = new(Some(6), Behaviour::LIBRDKAFKA);
    let epoch = |index, next| (index == P1).then_some(NextOffset::get(next) as u32);
    commits.commit(NOW, &knowledge(), STAMP, (ID, &offsets()), epoch);
    let Some(Action::Ask(Ask { to, request, .. })) = commits.poll_action() else {
        panic!("no request");
    };
    let Request::OffsetCommit { sender, offsets } = request else {
        panic!("{request:?}");
    };
    assert_eq!((to, sender.generation), (Node(0), 2));
    assert_eq!(
        (sender.member, sender.instance),
        (GroupMemberId(1), Some(6))
    );
    assert_eq!(
        (offsets[0].partition, offsets[0].metadata),
        (P1, Founding(Some(4), Some(8)))
    );
    assert_eq!(told(|| commits.poll_action()), ["CommitSent"]);
    assert!(!commits.is_settled());
}

#[test]
fn sarama_sends_nothing_without_coordinator_or_group() {
    let mut commits = new(None, Behaviour::SARAMA_1_61);
    commits.commit(NOW, &ignorance(), None, (ID, &offsets()), UNKNOWN);
    commits.commit(NOW, &knowledge(), None, (ID, &offsets()), UNKNOWN);
    let expected = [
        "EndCommit(CommitId(3), Failed)",
        "EndCommit(CommitId(3), Failed)",
    ];
    assert_eq!(told(|| commits.poll_action()), expected);
}

#[test]
fn the_application_learns_of_a_refusal_before_what_follows_from_it() {
    for (behaviour, error, follows) in [
        (
            Behaviour::SARAMA_1_61,
            ErrorName::NotCoordinator,
            Some("LoseCoordinator"),
        ),
        (
            Behaviour::SARAMA_1_61,
            ErrorName::FencedInstanceId,
            Some("EndSession"),
        ),
        (
            Behaviour::LIBRDKAFKA,
            ErrorName::FencedInstanceId,
            Some("End"),
        ),
        (Behaviour::LIBRDKAFKA, ErrorName::RebalanceInProgress, None),
    ] {
        let mut commits = sent(behaviour);
        commits.handle_answer(NOW, &knowledge(), ID, Err(Failure::Refused(error)));
        let actions = told(|| commits.poll_action());
        assert!(actions[0].starts_with("CommitFailed"), "{actions:?}");
        assert_eq!(actions[1], "EndCommit(CommitId(3), Failed)");
        assert_eq!(actions.get(2).map(String::as_str), follows);
        assert!(commits.is_settled());
    }
}

/// "If all partitions failed use error code from last partition as the global error"
/// (`rd_kafka_handle_OffsetCommit`).
#[test]
fn a_commit_that_is_refused_in_part_has_failed_and_is_not_sent_again() {
    let error = ErrorName::UnknownTopicOrPartition;
    let failed = "CommitFailed(Refused(UnknownTopicOrPartition))";
    for (refused, follows) in [
        (vec![(P1, error)], Some("EndCommit(CommitId(3), Failed)")),
        (vec![(P0, error), (P1, error)], None),
    ] {
        let mut commits = new(None, Behaviour::LIBRDKAFKA);
        let both = [offset(0), offset(1)];
        commits.commit(NOW, &knowledge(), STAMP, (ID, &both), UNKNOWN);
        told(|| commits.poll_action());
        let answer = OffsetCommitResponse {
            error: None,
            refused,
        };
        commits.handle_answer(NOW, &knowledge(), ID, Ok(answer));
        let actions = told(|| commits.poll_action());
        assert_eq!(actions[0], failed);
        assert_eq!(actions.get(1).map(String::as_str), follows);
        assert_eq!(commits.is_settled(), follows.is_some());
    }
}

/// `rd_kafka_buf_retry`, then `rd_kafka_cgrp_defer_offset_commit`.
#[test]
fn the_same_bytes_are_sent_twice_more_and_then_the_commit_is_deferred_once() {
    let view = knowledge();
    let mut commits = sent(Behaviour::LIBRDKAFKA);
    let anew = Some((GroupMemberId(1), 3));
    let mut now = NOW;
    let refused = || Err(Failure::Refused(ErrorName::NotCoordinator));
    for pause in [100, 200] {
        commits.handle_answer(now, &view, ID, refused());
        let failed = ["CommitFailed(Refused(NotCoordinator))", "LoseCoordinator"];
        assert_eq!(told(|| commits.poll_action()), failed);
        now += ms(pause);
        assert_eq!(commits.poll_timeout(&view), now);
        commits.advance(now, &view, anew);
        assert_eq!(stamp(&mut commits), STAMP, "the same bytes");
    }
    commits.handle_answer(now, &view, ID, refused());
    told(|| commits.poll_action());
    assert_eq!(commits.poll_timeout(&ignorance()), now + ms(10_000));
    commits.advance(now + ms(9_999), &ignorance(), anew);
    assert_eq!(told(|| commits.poll_action()), [""; 0], "a session");
    commits.advance(now, &view, anew);
    assert_eq!(stamp(&mut commits), anew);
    for pause in [100, 200] {
        commits.handle_answer(now, &view, ID, refused());
        now += ms(pause);
        commits.advance(now, &view, anew);
    }
    told(|| commits.poll_action());
    commits.handle_answer(now, &view, ID, refused());
    let ends = "EndCommit(CommitId(3), Failed)";
    assert_eq!(told(|| commits.poll_action())[2], ends, "no second time");
}

#[test]
fn without_a_coordinator_a_commit_waits_for_one_for_a_session() {
    let mut commits = new(None, Behaviour::LIBRDKAFKA);
    let outside = Some((GroupMemberId::EMPTY, -1));
    commits.commit(NOW, &ignorance(), outside, (ID, &offsets()), UNKNOWN);
    assert_eq!(told(|| commits.poll_action()), [""; 0]);
    commits.advance(NOW + ms(5_000), &knowledge(), outside);
    assert_eq!(stamp(&mut commits), outside, "a tool's generation");
    let mut commits = new(None, Behaviour::LIBRDKAFKA);
    commits.commit(NOW, &ignorance(), outside, (ID, &offsets()), UNKNOWN);
    commits.advance(NOW + ms(10_000), &ignorance(), outside);
    let ends = ["EndCommit(CommitId(3), Unknown)"];
    assert_eq!(told(|| commits.poll_action()), ends);
}

#[test]
fn bytes_that_are_sent_again_wait_for_a_coordinator_without_a_limit() {
    let mut commits = sent(Behaviour::LIBRDKAFKA);
    commits.handle_answer(NOW, &knowledge(), ID, Err(Failure::Lost));
    told(|| commits.poll_action());
    let now = NOW + ms(300_000);
    assert_eq!(commits.poll_timeout(&ignorance()), Instant::FAR_FUTURE);
    commits.advance(now, &ignorance(), None);
    assert!(!commits.is_settled());
    commits.advance(now, &knowledge(), None);
    assert_eq!(stamp(&mut commits), STAMP);
}

/// `__TIMED_OUT` is sent again, and not deferred.
#[test]
fn a_commit_that_is_never_answered_is_given_up_after_three_times() {
    let view = knowledge();
    let mut commits = sent(Behaviour::LIBRDKAFKA);
    let mut now = NOW;
    for pause in [100, 200] {
        now += ms(5_000);
        commits.handle_answer(now, &view, ID, Err(Failure::TimedOut));
        now += ms(pause);
        commits.advance(now, &view, STAMP);
        assert_eq!(stamp(&mut commits), STAMP);
    }
    now += ms(5_000);
    commits.handle_answer(now, &view, ID, Err(Failure::TimedOut));
    let ends = ["CommitFailed(TimedOut)", "EndCommit(CommitId(3), Unknown)"];
    assert_eq!(told(|| commits.poll_action()), ends);
}

/// `ConsumerCoordinator.commitOffsetsSync`: each try takes the generation of its moment.
#[test]
fn java_sends_a_commit_anew_after_pauses_that_grow_as_a_member_alone() {
    let view = knowledge();
    let anew = Some((GroupMemberId(1), 3));
    let mut commits = sent(Behaviour::JAVA);
    assert!(commits.is_settled(), "it holds nothing up");
    let mut now = NOW;
    for pause in [100, 200, 400, 800, 1_000, 1_000] {
        commits.handle_answer(now, &view, ID, Err(Failure::TimedOut));
        let failed = ["CommitFailed(TimedOut)", "LoseCoordinator"];
        assert_eq!(told(|| commits.poll_action()), failed);
        now += ms(pause);
        assert_eq!(commits.poll_timeout(&view), now);
        commits.advance(now, &view, anew);
        assert_eq!(stamp(&mut commits), anew);
    }
    commits.handle_answer(now, &view, ID, Err(Failure::Lost));
    told(|| commits.poll_action());
    commits.advance(now + ms(1_000), &view, None);
    let ends = ["EndCommit(CommitId(3), Failed)"];
    assert_eq!(told(|| commits.poll_action()), ends, "no member any more");
}

/// `default.api.timeout.ms`.
#[test]
fn java_waits_for_a_coordinator_for_a_minute() {
    let mut commits = new(None, Behaviour::JAVA);
    commits.commit(NOW, &ignorance(), STAMP, (ID, &offsets()), UNKNOWN);
    let over = NOW + ms(60_000);
    assert_eq!(commits.poll_timeout(&ignorance()), over);
    commits.advance(NOW + ms(59_999), &ignorance(), STAMP);
    assert_eq!(told(|| commits.poll_action()), [""; 0]);
    commits.advance(over, &ignorance(), STAMP);
    let ends = ["EndCommit(CommitId(3), Unknown)"];
    assert_eq!(told(|| commits.poll_action()), ends);
    let mut commits = new(None, Behaviour::JAVA);
    commits.commit(NOW, &ignorance(), STAMP, (ID, &offsets()), UNKNOWN);
    commits.advance(NOW + ms(5_000), &knowledge(), STAMP);
    assert_eq!(stamp(&mut commits), STAMP);
}

#[test]
fn in_java_a_commit_that_a_rebalance_refuses_is_not_sent_again() {
    let mut commits = sent(Behaviour::JAVA);
    let refused = Err(Failure::Refused(ErrorName::RebalanceInProgress));
    commits.handle_answer(NOW, &knowledge(), ID, refused);
    let actions = told(|| commits.poll_action());
    assert!(actions[1].starts_with("NotAMember(RebalanceInProgress"));
    assert_eq!(actions[2], "EndCommit(CommitId(3), Failed)");
}

#[test]
fn a_copy_that_cannot_be_written_makes_the_client_ask_for_the_leader() {
    let mut dead_letters = DeadLetters::new(ms(5_000));
    dead_letters.write(&ignorance(), copy());
    let unwritten = told(|| dead_letters.poll_action());
    assert_eq!(unwritten[0], "RefreshMetadata");
    assert!(unwritten[1].ends_with("Err(Lost))"), "{unwritten:?}");
    dead_letters.write(&knowledge(), copy());
    dead_letters.poll_action();
    dead_letters.handle_answer(1, Err(Failure::Lost));
    assert_eq!(told(|| dead_letters.poll_action()), unwritten);
    dead_letters.write(&knowledge(), copy());
    let then = Continuation::DeadLetter(2);
    assert_eq!(asked(|| dead_letters.poll_action()), [(Node(1), then)]);
    dead_letters.handle_answer(2, Ok(Offset::new(0)));
    let actions = told(|| dead_letters.poll_action());
    assert!(actions[0].ends_with("Ok(()))"), "{actions:?}");
}
