//! Commits and dead-letter copies.

use super::*;
use crate::client::action::DeadLetterCopy;
use crate::client::commits::Commits;
use crate::client::connection::Failure;
use crate::client::dead_letters::DeadLetters;
use crate::protocol::{GroupMemberId, Request};
use crate::recipes::Library;
use plimsoll_core::{AssignmentEpoch, CommitId, CommitOffset, Offset, TopicPartition};
use plimsoll_oracle::{ErrorName, MemberId, MessageId};

const ID: CommitId = CommitId(3);

fn offsets() -> [CommitOffset; 1] {
    [CommitOffset {
        partition: TopicPartition::new(0, 1),
        next: NextOffset::new(8),
        founding_partitions: 4,
    }]
}

fn copy() -> DeadLetterCopy {
    DeadLetterCopy {
        partition: TopicPartition::new(0, 1),
        epoch: AssignmentEpoch(2),
        offset: Offset::new(4),
        message: MessageId(9),
    }
}

#[test]
fn a_commit_is_stamped_and_noted_once_it_is_on_its_way() {
    let mut commits = Commits::new(Some(6), ms(5_000), Library::Librdkafka);
    let identity = Some((GroupMemberId(1), 2));
    commits.commit(&knowledge(), identity, ID, &offsets());
    let Some(Action::Ask(Ask { to, request, .. })) = commits.poll_action() else {
        panic!("no request");
    };
    let Request::OffsetCommit {
        generation,
        member,
        instance,
        offsets,
    } = request
    else {
        panic!("{request:?}");
    };
    assert_eq!((to, generation), (Node(0), 2));
    assert_eq!((member, instance), (GroupMemberId(1), Some(6)));
    assert_eq!((offsets[0].partition, offsets[0].metadata), (P1, Some(4)));
    assert_eq!(told(|| commits.poll_action()), ["CommitSent"]);
}

#[test]
fn without_coordinator_or_group_nothing_is_sent() {
    let mut commits = Commits::new(None, ms(5_000), Library::Librdkafka);
    commits.commit(&ignorance(), None, ID, &offsets());
    commits.commit(&knowledge(), None, ID, &offsets());
    let expected = [
        "EndCommit(CommitId(3), Err(Refused(CoordinatorNotAvailable)))",
        "EndCommit(CommitId(3), Err(Refused(UnknownMemberId)))",
    ];
    assert_eq!(told(|| commits.poll_action()), expected);
}

#[test]
fn the_application_learns_of_a_refusal_before_what_follows_from_it() {
    for (error, follows) in [
        (ErrorName::NotCoordinator, Some("LoseCoordinator")),
        (ErrorName::FencedInstanceId, Some("End")),
        (ErrorName::IllegalGeneration, Some("NotAMember([])")),
        (ErrorName::RebalanceInProgress, None),
    ] {
        let mut commits = Commits::new(None, ms(5_000), Library::Librdkafka);
        commits.handle_answer(ID, Err(Failure::Refused(error)));
        let actions = told(|| commits.poll_action());
        assert!(actions[0].starts_with("EndCommit"), "{actions:?}");
        assert_eq!(actions.get(1).map(String::as_str), follows);
    }
}

#[test]
fn a_copy_that_cannot_be_written_makes_the_client_ask_for_the_leader() {
    let mut dead_letters = DeadLetters::new(MemberId(0), ms(5_000));
    dead_letters.write(&ignorance(), copy());
    dead_letters.handle_answer(copy(), Err(Failure::Lost));
    let actions = told(|| dead_letters.poll_action());
    assert_eq!(actions[0], "RefreshMetadata");
    assert!(actions[1].ends_with("false)"), "{actions:?}");
    assert_eq!(actions[..2], actions[2..]);
    dead_letters.write(&knowledge(), copy());
    let then = Continuation::DeadLetter(copy());
    assert_eq!(asked(|| dead_letters.poll_action()), [(Node(1), then)]);
    dead_letters.handle_answer(copy(), Ok(Offset::new(0)));
    let actions = told(|| dead_letters.poll_action());
    assert!(actions[0].ends_with("true)"), "{actions:?}");
}
