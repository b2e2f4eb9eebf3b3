//! Several groups: each with its coordinator, its members and its offsets.

use super::*;

/// Creates a cluster with another group, `apart` partitions of `__consumer_offsets` behind the
/// scenario's.
fn with_another_group(apart: u16) -> (Cluster, GroupIndex) {
    let mut cluster = Cluster::new(|settings| {
        let settings = &mut settings.cluster.settings;
        settings.offsets_topic_partitions = 3;
        settings.group_initial_rebalance_delay = millis(100);
    });
    let first = cluster.env.topology.group_offsets();
    let offsets = PartitionIndex(first.0 + apart);
    let group = cluster.env.cluster.register_group(offsets);
    (cluster, group)
}

/// Returns the same request, of another group.
fn of_group(group: GroupIndex, mut request: Request) -> Request {
    match &mut request {
        Request::JoinGroup(join) => join.group = group,
        Request::SyncGroup { sender, .. }
        | Request::Heartbeat(sender)
        | Request::OffsetCommit { sender, .. } => sender.group = group,
        Request::FindCoordinator { group: of }
        | Request::LeaveGroup { group: of, .. }
        | Request::OffsetFetch { group: of, .. } => *of = group,
        other => panic!("{other:?}"),
    }
    request
}

/// Returns the broker that coordinates a group, as any of them says.
fn find_coordinator(cluster: &mut Cluster, group: GroupIndex) -> Node {
    let (node, request) = (cluster.member(0), Request::FindCoordinator { group });
    match cluster.ask(node, Node(0), Channel::Data, request) {
        Response::FindCoordinator(Ok(node)) => node,
        other => panic!("{other:?}"),
    }
}

/// Asks a group's coordinator, over the connections of the third member.
fn ask(cluster: &mut Cluster, group: GroupIndex, request: Request) -> Response {
    let (node, to) = (cluster.member(2), find_coordinator(cluster, group));
    let request = of_group(group, request);
    cluster.ask(node, to, Channel::Coordinator, request)
}

/// Joins a member alone, up to its assignment.
fn join(cluster: &mut Cluster, group: GroupIndex) -> JoinGroupResponse {
    let joined = match ask(cluster, group, join_request(None, Some(5))) {
        Response::JoinGroup(Ok(joined)) => *joined,
        other => panic!("{other:?}"),
    };
    let sync = Request::SyncGroup {
        sender: sender(&joined, Some(5)),
        protocol: None,
        assignments: vec![(joined.member, vec![P])],
    };
    match ask(cluster, group, sync) {
        Response::SyncGroup(Ok(synced)) => assert_eq!(synced.assignment, [P]),
        other => panic!("{other:?}"),
    }
    joined
}

fn heartbeat(
    cluster: &mut Cluster,
    group: GroupIndex,
    of: &JoinGroupResponse,
) -> Result<(), ErrorName> {
    let request = Request::Heartbeat(sender(of, Some(5)));
    match ask(cluster, group, request) {
        Response::Heartbeat(result) => result,
        other => panic!("{other:?}"),
    }
}

fn commit(cluster: &mut Cluster, group: GroupIndex, of: &JoinGroupResponse, next: u64) {
    let request = commit_request(sender(of, Some(5)), next);
    match ask(cluster, group, request) {
        Response::OffsetCommit(response) => assert_eq!(response, OffsetCommitResponse::default()),
        other => panic!("{other:?}"),
    }
}

fn offsets(cluster: &mut Cluster, group: GroupIndex) -> Vec<u64> {
    match ask(cluster, group, fetch_request(true)) {
        Response::OffsetFetch(Ok(offsets)) => offsets.iter().map(|o| o.next.get()).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_leader_of_its_partition_coordinates_a_group_and_no_other_broker_does() {
    let (mut cluster, other) = with_another_group(1);
    let (first, second) = (SCENARIO_GROUP, other);
    let coordinators = [first, second].map(|group| find_coordinator(&mut cluster, group));
    assert_ne!(coordinators[0], coordinators[1]);
    let joined = join(&mut cluster, second);
    let heartbeat = of_group(second, Request::Heartbeat(sender(&joined, Some(5))));
    let node = cluster.member(2);
    let answer = cluster.ask(node, coordinators[0], Channel::Coordinator, heartbeat);
    assert!(
        matches!(answer, Response::Heartbeat(Err(ErrorName::NotCoordinator))),
        "{answer:?}"
    );
    // A broker that leads both partitions coordinates both.
    let partition = cluster.env.topology.group_offsets();
    while cluster.leader(partition) != coordinators[1] {
        cluster.move_leader(partition);
        cluster.run_for(millis(100));
    }
    let member = cluster.single_member();
    assert_eq!(cluster.heartbeat(0, &member), Ok(()));
    assert_eq!(self::heartbeat(&mut cluster, second, &joined), Ok(()));
}

#[test]
fn groups_in_one_partition_know_nothing_of_each_other() {
    let (mut cluster, other) = with_another_group(0);
    let member = cluster.single_member();
    let joined = join(&mut cluster, other);
    assert_eq!((member.generation, joined.generation), (1, 1));
    let stranger = Request::Heartbeat(sender(&member, None));
    let answer = ask(&mut cluster, other, stranger);
    assert!(
        matches!(answer, Response::Heartbeat(Err(ErrorName::UnknownMemberId))),
        "{answer:?}"
    );
    assert_eq!(cluster.commit(0, member.member, 1, 3), Ok(()));
    commit(&mut cluster, other, &joined, 8);
    assert_eq!(cluster.offset_fetch(), Ok(vec![3]));
    assert_eq!(offsets(&mut cluster, other), [8]);
    // The session of one ends, and that of the other does not.
    for _ in 0..4 {
        cluster.run_for(millis(3_000));
        assert_eq!(heartbeat(&mut cluster, other, &joined), Ok(()));
    }
    assert_eq!(
        cluster.heartbeat(0, &member),
        Err(ErrorName::UnknownMemberId)
    );
}

#[test]
fn the_next_coordinator_knows_every_group_of_its_partition() {
    let (mut cluster, other) = with_another_group(0);
    let member = cluster.single_member();
    let joined = join(&mut cluster, other);
    commit(&mut cluster, other, &joined, 8);
    cluster.move_leader(cluster.env.topology.group_offsets());
    cluster.run_for(millis(100));
    assert_eq!(cluster.heartbeat(0, &member), Ok(()));
    assert_eq!(heartbeat(&mut cluster, other, &joined), Ok(()));
    assert_eq!(offsets(&mut cluster, other), [8]);
    assert_eq!(cluster.offset_fetch(), Ok(vec![]));
    // Nor has any member to wait for the one before it.
    let rejoin = cluster.send_join(0, Some(member.member));
    cluster.run_for(millis(10));
    cluster.move_leader(cluster.env.topology.group_offsets());
    let answer = cluster.wait_for(rejoin, millis(100));
    assert!(answer.is_some());
}

#[test]
fn a_fetch_of_stable_offsets_does_not_tell_of_other_groups() {
    let (mut cluster, other) = with_another_group(0);
    let joined = join(&mut cluster, other);
    let coordinator = cluster.coordinator();
    cluster.isolate(coordinator);
    let commit = commit_request(sender(&joined, Some(5)), 8);
    let commit = cluster.send_group(2, of_group(other, commit));
    cluster.run_for(millis(10));
    let fetch = cluster.send_group(1, fetch_request(true));
    cluster.run_for(millis(10));
    cluster.reunite(coordinator);
    assert_eq!(cluster.commit_answer(commit), Ok(()));
    match cluster.answer(fetch) {
        Some(Response::OffsetFetch(Ok(offsets))) => assert_eq!(offsets, []),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_a_group_that_does_not_exist_no_member_is_known() {
    let (mut cluster, other) = with_another_group(0);
    let unknown = ErrorName::UnknownMemberId;
    let stale = JoinGroupResponse {
        generation: 0,
        member: GroupMemberId(7),
        leader: GroupMemberId(7),
        skip_assignment: false,
        protocol: None,
        members: Vec::new(),
    };
    assert_eq!(heartbeat(&mut cluster, other, &stale), Err(unknown));
    let sync = Request::SyncGroup {
        sender: sender(&stale, None),
        protocol: None,
        assignments: Vec::new(),
    };
    let answer = ask(&mut cluster, other, sync);
    assert!(matches!(answer, Response::SyncGroup(Err(error)) if error == unknown));
    let answer = ask(&mut cluster, other, join_request(Some(stale.member), None));
    assert!(
        matches!(answer, Response::JoinGroup(Err(JoinError::Other(error) | JoinError::Ended(error, _))) if error == unknown)
    );
    let leave = leave_request(&[(stale.member, None), (GroupMemberId::EMPTY, Some(1))]);
    match ask(&mut cluster, other, leave) {
        Response::LeaveGroup(Ok(answers)) => {
            let errors: Vec<_> = answers.iter().map(|answer| answer.err()).collect();
            assert!(
                matches!(errors[..], [Some((_, a)), Some((_, b))] if a == unknown && b == unknown)
            );
        }
        other => panic!("{other:?}"),
    }
    let answer = ask(&mut cluster, other, commit_request(sender(&stale, None), 1));
    let Response::OffsetCommit(response) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(response.error, Some(ErrorName::GroupIdNotFound));
    assert!(offsets(&mut cluster, other).is_empty());
}

#[test]
fn a_group_that_only_commits_is_there_for_the_next_coordinator_too() {
    let (mut cluster, other) = with_another_group(0);
    let outside = Sender {
        group: other,
        generation: -1,
        member: GroupMemberId::EMPTY,
        instance: None,
    };
    for (next, generation, error) in [
        (4, -1, None),
        // In no group it would be a generation that is not known.
        (5, 0, Some(ErrorName::UnknownMemberId)),
    ] {
        let sender = Sender {
            generation,
            ..outside
        };
        let answer = ask(&mut cluster, other, commit_request(sender, next));
        let Response::OffsetCommit(response) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(response.error, error);
        cluster.move_leader(cluster.env.topology.group_offsets());
        cluster.run_for(millis(100));
    }
    assert_eq!(offsets(&mut cluster, other), [4]);
}
