//! What is answered only when all that was written before it is replicated.

use super::*;

/// Creates a cluster with a group of two members, whose coordinator has a write that cannot be
/// replicated: a commit that came by the third member's connection.
fn stuck() -> (Cluster, [JoinGroupResponse; 2], Node) {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.group_initial_rebalance_delay = millis(100);
    });
    let members = cluster.two_members();
    let coordinator = cluster.coordinator();
    cluster.isolate(coordinator);
    cluster.send_commit(2, members[0].member, members[0].generation, 2);
    cluster.run_for(millis(10));
    (cluster, members, coordinator)
}

#[test]
fn a_heartbeat_waits_for_the_commits_of_others() {
    let (mut cluster, [_, follower], coordinator) = stuck();
    let heartbeat = cluster.send_heartbeat(1, &follower);
    assert!(cluster.wait_for(heartbeat, millis(3_000)).is_none());
    // An operation that throws does not wait.
    let stale = JoinGroupResponse {
        generation: 0,
        ..follower
    };
    let began = cluster.now();
    assert_eq!(
        cluster.heartbeat(0, &stale),
        Err(ErrorName::IllegalGeneration)
    );
    assert!(cluster.now() - began < millis(10));
    cluster.reunite(coordinator);
    assert!(matches!(
        cluster.wait_for(heartbeat, millis(10)),
        Some(Response::Heartbeat(Ok(())))
    ));
    assert_eq!(cluster.committed().len(), 1);
}

#[test]
fn a_heartbeat_and_a_leave_fail_in_the_end_and_were_executed_all_the_same() {
    let (mut cluster, [leader, follower], _) = stuck();
    let began = cluster.now();
    let heartbeat = cluster.send_heartbeat(0, &leader);
    let leave = cluster.send_group(1, leave_request(&[(follower.member, None)]));
    assert!(matches!(
        cluster.wait_for(leave, millis(10_000)),
        Some(Response::LeaveGroup(Err(
            ErrorName::CoordinatorNotAvailable
        )))
    ));
    let took = cluster.now() - began;
    assert!(took > millis(4_990) && took < millis(5_020), "{took:?}");
    assert!(matches!(
        cluster.answer(heartbeat),
        Some(Response::Heartbeat(Err(ErrorName::CoordinatorNotAvailable)))
    ));
    assert_eq!(
        cluster.heartbeat(1, &follower),
        Err(ErrorName::UnknownMemberId)
    );
}

#[test]
fn a_join_that_waits_for_others_is_given_up_with_the_writes_before_it() {
    let (mut cluster, [leader, follower], coordinator) = stuck();
    let began = cluster.now();
    let join = cluster.send_join(0, Some(leader.member));
    match cluster.wait_for(join, millis(10_000)) {
        Some(Response::JoinGroup(Err(JoinError::Other(error) | JoinError::Ended(error, _)))) => {
            assert_eq!(error, ErrorName::CoordinatorNotAvailable);
        }
        other => panic!("{other:?}"),
    }
    let took = cluster.now() - began;
    assert!(took > millis(4_990) && took < millis(5_020), "{took:?}");
    // For the group it has joined: the other one completes the generation.
    let joined = cluster.send_join(1, Some(follower.member));
    assert_eq!(cluster.joined(joined).generation, 2);
    // It asks again, and its first question is not answered twice.
    let again = cluster.send_join(0, Some(leader.member));
    assert_eq!(cluster.joined(again).members.len(), 2);
    assert!(cluster.answer(join).is_none());
    cluster.reunite(coordinator);
}

#[test]
fn a_sync_that_waits_for_the_leader_is_given_up_with_the_writes_before_it() {
    let (mut cluster, [leader, follower], coordinator) = stuck();
    let joins = cluster.send_joins([leader.member, follower.member]);
    let joined = joins.map(|join| cluster.joined(join));
    let sync = cluster.send_sync(1, &joined[1], Vec::new());
    assert_eq!(
        cluster.synced(sync),
        Err(ErrorName::CoordinatorNotAvailable)
    );
    // Without anything that waits it waits for the leader alone.
    cluster.reunite(coordinator);
    cluster.run_for(millis(100));
    assert_eq!(cluster.heartbeat(0, &joined[0]), Ok(()));
    let sync = cluster.send_sync(1, &joined[1], Vec::new());
    assert!(cluster.wait_for(sync, millis(7_000)).is_none());
}
