//! What tools ask about groups.

use super::votes::{Alone, CONNECT, OFFSETS, voted};
use super::*;
use crate::protocol::batched::{Batched, Supports, Text};
use crate::protocol::{
    AdminRequest, AdminResponse, GroupDescription, GroupState, JoinGroupRequest, ListedGroup,
    MemberDescription, ProtocolType,
};

type Description = GroupDescription<Batched>;

fn ask(alone: &mut Alone, request: AdminRequest<Batched>) -> AdminResponse<Batched> {
    let correlation = alone.send(request.into());
    match alone.answer(correlation) {
        Some(Response::Admin(response)) => *response,
        other => panic!("{other:?}"),
    }
}

fn describe(alone: &mut Alone) -> Result<Description, ErrorName> {
    let group = alone.group;
    match ask(alone, AdminRequest::DescribeGroup { group }) {
        AdminResponse::DescribeGroup(result) => result,
        other => panic!("{other:?}"),
    }
}

fn list(alone: &mut Alone) -> Result<Vec<ListedGroup>, ErrorName> {
    match ask(alone, AdminRequest::ListGroups) {
        AdminResponse::ListGroups(result) => result,
        other => panic!("{other:?}"),
    }
}

fn delete(alone: &mut Alone) -> Result<(), ErrorName> {
    let group = alone.group;
    match ask(alone, AdminRequest::DeleteGroup { group }) {
        AdminResponse::DeleteGroup(result) => result,
        other => panic!("{other:?}"),
    }
}

/// Deletes offsets of two topics: of the first partition in one, of the second in the other.
fn delete_offsets(
    alone: &mut Alone,
    topics: [u32; 2],
) -> Result<Vec<(PartitionIndex, Option<ErrorName>)>, ErrorName> {
    let group = alone.group;
    let topics = topics.into_iter().zip([vec![P], vec![OFFSETS]]).collect();
    match ask(alone, AdminRequest::OffsetDelete { group, topics }) {
        AdminResponse::OffsetDelete(result) => result,
        other => panic!("{other:?}"),
    }
}

/// Commits both partitions, for no member.
fn commit(alone: &mut Alone) -> Option<ErrorName> {
    commit_as(alone, -1)
}

fn commit_as(alone: &mut Alone, generation: i32) -> Option<ErrorName> {
    let sender = Sender {
        group: alone.group,
        generation,
        member: GroupMemberId::EMPTY,
        instance: None,
    };
    let offsets = [P, OFFSETS].map(|partition| CommittedOffset {
        partition,
        next: NextOffset::new(1),
        metadata: Text::default(),
    });
    let offsets = offsets.into();
    let correlation = alone.send(Request::OffsetCommit { sender, offsets });
    match alone.answer(correlation) {
        Some(Response::OffsetCommit(response)) => response.error,
        other => panic!("{other:?}"),
    }
}

/// Returns the partitions of which the group committed an offset.
fn committed(alone: &mut Alone) -> Vec<PartitionIndex> {
    let [stable, unstable]: [Vec<_>; 2] = [true, false].map(|require_stable| {
        let correlation = alone.send(Request::OffsetFetch {
            group: alone.group,
            partitions: None,
            require_stable,
        });
        match alone.answer(correlation) {
            Some(Response::OffsetFetch(Ok(offsets))) => {
                offsets.iter().map(|offset| offset.partition).collect()
            }
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(stable, unstable);
    stable
}

/// Joins and syncs a member alone.
fn member(alone: &mut Alone, supports: &[(&'static str, u32)]) -> JoinGroupResponse<Batched> {
    let join = alone.join(0, supports);
    alone.wait();
    let joined = alone.joined(join);
    assert!(alone.sync(&joined, 0, None).is_ok());
    joined
}

fn leave(alone: &mut Alone) {
    let leaving = Leaving {
        member: GroupMemberId::EMPTY,
        instance: Some(0),
    };
    let group = alone.group;
    let members = vec![leaving];
    let correlation = alone.send(Request::LeaveGroup { group, members });
    match alone.answer(correlation) {
        Some(Response::LeaveGroup(Ok(answers))) => assert!(answers[0].is_ok()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_group_is_described_with_what_its_members_have_once_it_is_stable() {
    let mut alone = Alone::new();
    assert_eq!(describe(&mut alone), Err(ErrorName::GroupIdNotFound));
    let join = alone.join(0, &[("a", 1), ("b", 2)]);
    let mut expected = Description {
        state: GroupState::PreparingRebalance,
        protocol_type: Some(ProtocolType::CONSUMER),
        protocol: None,
        members: vec![MemberDescription {
            member: GroupMemberId(1),
            instance: Some(0),
            client: "at home",
            subscription: None,
            assignment: Default::default(),
        }],
    };
    assert_eq!(describe(&mut alone), Ok(expected.clone()));
    alone.wait();
    let joined = alone.joined(join);
    expected.state = GroupState::CompletingRebalance;
    assert_eq!(describe(&mut alone), Ok(expected.clone()));
    assert!(alone.sync(&joined, 0, None).is_ok());
    expected.state = GroupState::Stable;
    expected.protocol = voted("a").map(|(_, name)| name);
    expected.members[0].subscription = Some(Supports(vec![("a", 1)]));
    expected.members[0].assignment = "all of it";
    assert_eq!(describe(&mut alone), Ok(expected.clone()));
    // The next coordinator knows as much.
    alone.reload();
    assert_eq!(describe(&mut alone), Ok(expected));
    leave(&mut alone);
    let empty = describe(&mut alone).expect("it has only no members");
    assert_eq!((empty.state, empty.members), (GroupState::Empty, vec![]));
    assert_eq!(empty.protocol_type, Some(ProtocolType::CONSUMER));
}

#[test]
fn groups_are_listed_with_their_states() {
    let mut alone = Alone::new();
    assert_eq!(list(&mut alone), Ok(vec![]));
    member(&mut alone, &[("a", 1)]);
    let first = ListedGroup {
        group: alone.group,
        state: GroupState::Stable,
        protocol_type: Some(ProtocolType::CONSUMER),
    };
    assert_eq!(list(&mut alone), Ok(vec![first]));
    alone.group = alone.env.shared.register_group(OFFSETS);
    assert_eq!(commit(&mut alone), None);
    let second = ListedGroup {
        group: alone.group,
        state: GroupState::Empty,
        protocol_type: None,
    };
    assert_eq!(list(&mut alone), Ok(vec![first, second]));
    alone.begin_load();
    let loads = Err(ErrorName::CoordinatorLoadInProgress);
    assert_eq!(list(&mut alone), loads);
}

#[test]
fn a_group_is_deleted_with_all_it_had_once_its_members_are_gone() {
    let mut alone = Alone::new();
    assert_eq!(delete(&mut alone), Err(ErrorName::GroupIdNotFound));
    assert_eq!(commit(&mut alone), None);
    member(&mut alone, &[("a", 1)]);
    assert_eq!(delete(&mut alone), Err(ErrorName::NonEmptyGroup));
    leave(&mut alone);
    assert_eq!(committed(&mut alone), [P, OFFSETS]);
    assert_eq!(delete(&mut alone), Ok(()));
    assert_eq!(alone.env.shared.snapshots(), 0);
    for _ in 0..2 {
        assert_eq!(committed(&mut alone), []);
        assert_eq!(describe(&mut alone), Err(ErrorName::GroupIdNotFound));
        assert_eq!(list(&mut alone), Ok(vec![]));
        assert_eq!(
            commit_as(&mut alone, 1),
            Some(ErrorName::GroupIdNotFound),
            "it was of the group that is gone"
        );
        // Nor does the next coordinator know of it.
        alone.reload();
    }
    // What is called like it is another group.
    assert_eq!(member(&mut alone, &[("b", 1)]).generation, 1);
    assert_eq!(commit(&mut alone), Some(ErrorName::UnknownMemberId));
}

#[test]
fn offsets_are_deleted_of_topics_to_which_no_member_has_subscribed() {
    let mut alone = Alone::new();
    let not_found = Err(ErrorName::GroupIdNotFound);
    assert_eq!(delete_offsets(&mut alone, [1, 2]), not_found);
    assert_eq!(commit(&mut alone), None);
    member(&mut alone, &[("a", 1), ("b", 2)]);
    let subscribed = Some(ErrorName::GroupSubscribedToTopic);
    // What it would read under another protocol it does not read.
    let answers = delete_offsets(&mut alone, [1, 2]);
    assert_eq!(answers, Ok(vec![(P, subscribed), (OFFSETS, None)]));
    assert_eq!(committed(&mut alone), [P]);
    alone.reload();
    assert_eq!(committed(&mut alone), [P]);
    // There is nothing left to delete, and that is no error.
    let answers = delete_offsets(&mut alone, [1, 2]);
    assert_eq!(answers, Ok(vec![(P, subscribed), (OFFSETS, None)]));
    leave(&mut alone);
    let answers = delete_offsets(&mut alone, [1, 1]);
    assert_eq!(answers, Ok(vec![(P, None), (OFFSETS, None)]));
    assert_eq!(committed(&mut alone), []);
}

#[test]
fn a_group_that_has_not_voted_yet_may_have_subscribed_to_any_topic() {
    let mut alone = Alone::new();
    alone.join(0, &[("a", 1)]);
    let subscribed = Some(ErrorName::GroupSubscribedToTopic);
    let answers = delete_offsets(&mut alone, [7, 8]);
    assert_eq!(answers, Ok(vec![(P, subscribed), (OFFSETS, subscribed)]));
}

#[test]
fn of_members_that_are_no_consumers_no_offset_is_deleted() {
    let mut alone = Alone::new();
    alone.join_as(Some(CONNECT), 0, &[("a", 1)]);
    let answers = delete_offsets(&mut alone, [7, 8]);
    assert_eq!(answers, Err(ErrorName::NonEmptyGroup));
    alone.wait();
    leave(&mut alone);
    let answers = delete_offsets(&mut alone, [7, 8]);
    assert_eq!(answers, Ok(vec![(P, None), (OFFSETS, None)]));
}

#[test]
fn offsets_of_partitions_that_do_not_exist_cannot_be_deleted() {
    let mut alone = Alone::new();
    assert_eq!(commit(&mut alone), None);
    let unknown = alone.env.shared.add_partitions(1).expect("an index")[0];
    let group = alone.group;
    let topics = vec![(7, vec![unknown, P])];
    let answer = ask(&mut alone, AdminRequest::OffsetDelete { group, topics });
    let unknown = (unknown, Some(ErrorName::UnknownTopicOrPartition));
    let expected = vec![unknown, (P, None)];
    assert!(
        matches!(&answer, AdminResponse::OffsetDelete(Ok(answers)) if *answers == expected),
        "{answer:?}"
    );
}

#[test]
fn an_old_client_joins_without_being_told_its_id_first() {
    let mut alone = Alone::new();
    let request = |requires_id| JoinGroupRequest::<Batched> {
        group: GroupIndex(0),
        member: None,
        requires_id,
        skips_assignment: false,
        client: "",
        instance: None,
        session_timeout: millis(10_000),
        rebalance_timeout: millis(60_000),
        protocol_type: Some(ProtocolType::CONSUMER),
        subscription: Supports(vec![("a", 1)]),
    };
    let join = alone.send(Request::JoinGroup(Box::new(request(false))));
    assert!(alone.answer(join).is_none(), "it waits for others");
    alone.wait();
    assert_eq!(alone.joined(join).generation, 1);
    let join = alone.send(Request::JoinGroup(Box::new(request(true))));
    assert!(matches!(
        alone.answer(join),
        Some(Response::JoinGroup(Err(JoinError::MemberIdRequired(_))))
    ));
}

#[test]
fn of_a_group_that_rebalances_for_ever_one_state_is_kept() {
    let mut alone = Alone::new();
    let joined = member(&mut alone, &[("a", 1)]);
    for generation in 2..20 {
        // The leader joins again.
        let again = JoinGroupRequest::<Batched> {
            group: alone.group,
            member: Some(joined.member),
            requires_id: true,
            skips_assignment: false,
            client: "at home",
            instance: Some(0),
            session_timeout: millis(10_000),
            rebalance_timeout: millis(60_000),
            protocol_type: Some(ProtocolType::CONSUMER),
            subscription: Supports(vec![("a", 1)]),
        };
        let join = alone.send(Request::JoinGroup(Box::new(again)));
        let joined = alone.joined(join);
        assert_eq!(joined.generation, generation);
        assert!(alone.sync(&joined, 0, None).is_ok());
        assert_eq!(alone.env.shared.snapshots(), 1);
    }
    alone.reload();
    let description = describe(&mut alone).expect("it exists");
    assert_eq!(description.members[0].assignment, "all of it");
}
