//! The group: joining, syncing, sessions, static members, failover.

use super::*;
use plimsoll_scenarios::scenario::BrokerSettings;

fn quick(settings: &mut Settings) {
    settings.cluster.settings = BrokerSettings {
        group_initial_rebalance_delay: millis(100),
        ..BrokerSettings::default()
    };
}

fn join_error(response: Response) -> ErrorName {
    match response {
        Response::JoinGroup(Err(JoinError::Other(error) | JoinError::Ended(error, _))) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_generation_waits_for_latecomers() {
    let mut cluster = Cluster::new(|_| {});
    let first = cluster.new_id(0);
    let began = cluster.now();
    let join = cluster.send_join(0, Some(first));
    cluster.run_for(millis(2_000));
    let second = cluster.new_id(1);
    let late = cluster.send_join(1, Some(second));
    let joined = cluster.joined(join);
    // Three seconds, and three more because a second member came meanwhile.
    let took = cluster.now() - began;
    assert!(took > millis(5_990) && took < millis(6_020), "{took:?}");
    assert_eq!((joined.generation, joined.leader), (1, first));
    assert_eq!(joined.members.len(), 2);
    let follower = cluster.joined(late);
    assert_eq!((follower.generation, follower.leader), (1, first));
    assert!(follower.members.is_empty());
}

#[test]
fn a_session_must_fit_the_brokers_bounds() {
    let mut cluster = Cluster::new(quick);
    let Request::JoinGroup(mut request) = join_request(None, None) else {
        unreachable!()
    };
    request.session_timeout = millis(5_999);
    let response = cluster.ask_group(0, Request::JoinGroup(request));
    assert_eq!(join_error(response), ErrorName::InvalidSessionTimeout);
    // Also by brokers that coordinate nothing: they look at it first.
    let Request::JoinGroup(mut request) = join_request(None, None) else {
        unreachable!()
    };
    request.session_timeout = millis(1_800_001);
    let other = Node((cluster.coordinator().0 + 1) % 3);
    let node = cluster.member(0);
    let request = Request::JoinGroup(request);
    let response = cluster.ask(node, other, Channel::Coordinator, request);
    assert_eq!(join_error(response), ErrorName::InvalidSessionTimeout);
    let unknown = join_request(Some(GroupMemberId(99)), None);
    let response = cluster.ask_group(0, unknown);
    assert_eq!(join_error(response), ErrorName::UnknownMemberId);
}

#[test]
fn a_silent_member_is_out_and_the_others_rebalance() {
    let mut cluster = Cluster::new(quick);
    let [leader, silent] = cluster.two_members();
    assert!(cluster.stable_generation(2).is_some());
    for _ in 0..2 {
        cluster.run_for(millis(3_000));
        assert_eq!(cluster.heartbeat(0, &leader), Ok(()));
    }
    cluster.run_for(millis(3_500));
    assert_eq!(cluster.heartbeat(0, &leader), Ok(()), "9.5 s: not yet");
    cluster.run_for(millis(600));
    assert_eq!(
        cluster.heartbeat(0, &leader),
        Err(ErrorName::RebalanceInProgress)
    );
    assert_eq!(
        cluster.heartbeat(1, &silent),
        Err(ErrorName::UnknownMemberId)
    );
    let join = cluster.send_join(0, Some(leader.member));
    let joined = cluster.joined(join);
    assert_eq!((joined.generation, joined.members.len()), (2, 1));
    assert_eq!(
        cluster.heartbeat(0, &leader),
        Err(ErrorName::IllegalGeneration)
    );
    assert_eq!(cluster.heartbeat(0, &joined), Ok(()), "while it assigns");
}

#[test]
fn a_waiting_join_keeps_its_member_alive() {
    let mut cluster = Cluster::new(quick);
    let [leader, follower] = cluster.two_members();
    let rejoin = cluster.send_join(0, Some(leader.member));
    // The follower only says that it lives, for longer than the leader's session.
    for _ in 0..5 {
        cluster.run_for(millis(3_000));
        let heartbeat = cluster.heartbeat(1, &follower);
        assert_eq!(heartbeat, Err(ErrorName::RebalanceInProgress));
    }
    assert!(cluster.answer(rejoin).is_none());
    let join = cluster.send_join(1, Some(follower.member));
    assert_eq!(cluster.joined(rejoin).members.len(), 2);
    assert_eq!(cluster.joined(join).generation, 2);
}

#[test]
fn members_that_do_not_rejoin_in_time_are_out() {
    let mut cluster = Cluster::new(quick);
    let [leader, follower] = cluster.two_members();
    let rejoin = cluster.send_join(0, Some(leader.member));
    let began = cluster.now();
    while cluster.now() - began < millis(56_000) {
        cluster.run_for(millis(3_000));
        let _ = cluster.heartbeat(1, &follower);
    }
    let joined = cluster.joined(rejoin);
    let took = cluster.now() - began;
    assert!(took > millis(59_990) && took < millis(60_020), "{took:?}");
    assert_eq!(joined.members.len(), 1);
    assert_eq!(
        cluster.heartbeat(1, &follower),
        Err(ErrorName::UnknownMemberId)
    );
}

#[test]
fn members_that_do_not_sync_in_time_are_out() {
    let mut cluster = Cluster::new(quick);
    let ids = [cluster.new_id(0), cluster.new_id(1)];
    let joins = cluster.send_joins(ids);
    let joined = joins.map(|join| cluster.joined(join));
    let sync = cluster.send_sync(1, &joined[1], Vec::new());
    // The leader lives and never assigns.
    for _ in 0..19 {
        cluster.run_for(millis(3_000));
        assert_eq!(cluster.heartbeat(0, &joined[0]), Ok(()));
    }
    cluster.run_for(millis(3_100));
    assert_eq!(cluster.synced(sync), Err(ErrorName::RebalanceInProgress));
    assert_eq!(
        cluster.heartbeat(0, &joined[0]),
        Err(ErrorName::UnknownMemberId)
    );
    let join = cluster.send_join(1, Some(ids[1]));
    let alone = cluster.joined(join);
    assert_eq!((alone.leader, alone.members.len()), (ids[1], 1));
}

#[test]
fn a_member_that_rejoins_without_news_disturbs_none_unless_it_leads() {
    let mut cluster = Cluster::new(quick);
    let [leader, follower] = cluster.two_members();
    let join = cluster.send_join(1, Some(follower.member));
    assert_eq!(cluster.joined(join).generation, 1);
    let sync = cluster.send_sync(1, &follower, Vec::new());
    assert_eq!(cluster.synced(sync), Ok(Vec::new()));
    assert_eq!(cluster.heartbeat(0, &leader), Ok(()));
    let join = cluster.send_join(0, Some(leader.member));
    cluster.run_for(millis(100));
    assert!(cluster.answer(join).is_none());
    assert_eq!(
        cluster.heartbeat(1, &follower),
        Err(ErrorName::RebalanceInProgress)
    );
    let sync = cluster.send_sync(1, &follower, Vec::new());
    assert_eq!(cluster.synced(sync), Err(ErrorName::RebalanceInProgress));
}

#[test]
fn a_member_that_leaves_is_gone_at_once() {
    let mut cluster = Cluster::new(quick);
    let [leader, follower] = cluster.two_members();
    assert_eq!(cluster.leave(1, follower.member), Ok(()));
    let again = cluster.leave(1, follower.member);
    assert_eq!(again, Err(ErrorName::UnknownMemberId));
    let join = cluster.send_join(0, Some(leader.member));
    assert_eq!(cluster.joined(join).members.len(), 1);
    assert_eq!(cluster.leave(0, leader.member), Ok(()));
    assert!(cluster.stable_generation(0).is_some());
}

/// Joins two static members; member 0 leads and owns the partition.
fn static_members(cluster: &mut Cluster) -> [JoinGroupResponse; 2] {
    let joins = [0, 1].map(|member| {
        cluster.run_for(millis(1));
        cluster.send_group(member, join_request(None, Some(member)))
    });
    let joined = joins.map(|join| cluster.joined(join));
    let syncs = [
        cluster.send_sync(0, &joined[0], vec![(joined[0].member, vec![P])]),
        cluster.send_sync(1, &joined[1], Vec::new()),
    ];
    assert_eq!(
        syncs.map(|sync| cluster.synced(sync)),
        [Ok(vec![P]), Ok(vec![])]
    );
    joined
}

#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    let mut cluster = Cluster::new(quick);
    let [first, second] = static_members(&mut cluster);
    cluster.run_for(millis(4_000));
    let rejoin = cluster.send_group(0, join_request(None, Some(0)));
    let back = cluster.joined(rejoin);
    assert_eq!(back.generation, first.generation);
    assert_ne!(back.member, first.member);
    assert_eq!(first.leader, first.member);
    assert_ne!(back.leader, back.member, "it shall not assign anew");
    let sync = cluster.send_sync(0, &back, Vec::new());
    assert_eq!(cluster.synced(sync), Ok(vec![P]));
    assert_eq!(
        cluster.heartbeat(1, &second),
        Ok(()),
        "the others notice nothing"
    );
    assert_eq!(cluster.heartbeat(0, &back), Ok(()));
    // The process before it is fenced.
    assert_eq!(
        cluster.static_heartbeat(0, 0, &first),
        Err(ErrorName::FencedInstanceId)
    );
    let stale = commit_request(sender(&first, Some(0)), 1);
    let stale = cluster.send_group(0, stale);
    assert_eq!(
        cluster.commit_answer(stale),
        Err(ErrorName::FencedInstanceId)
    );
    let stale = cluster.send_group(0, join_request(Some(first.member), Some(0)));
    let Some(response) = cluster.wait_for(stale, millis(1_000)) else {
        panic!("no answer");
    };
    assert_eq!(join_error(response), ErrorName::FencedInstanceId);
    // The next coordinator knows the new id.
    cluster.move_leader(cluster.env.topology.group_offsets());
    cluster.run_for(millis(100));
    assert_eq!(cluster.heartbeat(0, &back), Ok(()));
}

#[test]
fn of_two_processes_with_one_name_the_older_is_fenced_whatever_it_asks() {
    let mut cluster = Cluster::new(quick);
    let fenced = Err(ErrorName::FencedInstanceId);
    // The younger process, on another node, takes the name while the older one waits in its join,
    let older = cluster.send_group(0, join_request(None, Some(7)));
    cluster.run_for(millis(1));
    let younger = cluster.send_group(1, join_request(None, Some(7)));
    let answer = cluster.wait_for(older, millis(50)).expect("an answer");
    assert_eq!(join_error(answer), ErrorName::FencedInstanceId);
    let younger = cluster.joined(younger);
    assert_eq!(younger.leader, younger.member);
    let sync = cluster.send_sync(1, &younger, vec![(younger.member, vec![P])]);
    assert_eq!(cluster.synced(sync), Ok(vec![P]));
    // or while it has its partitions.
    let youngest = cluster.send_group(2, join_request(None, Some(7)));
    let youngest = cluster.joined(youngest);
    assert_eq!(youngest.generation, younger.generation);
    assert_eq!(cluster.static_heartbeat(1, 7, &younger), fenced);
    let sync = Request::SyncGroup {
        sender: sender(&younger, Some(7)),
        protocol: None,
        assignments: Vec::new(),
    };
    let sync = cluster.send_group(1, sync);
    assert_eq!(cluster.synced(sync), Err(ErrorName::FencedInstanceId));
    let commit = commit_request(sender(&younger, Some(7)), 1);
    let commit = cluster.send_group(1, commit);
    assert_eq!(cluster.commit_answer(commit), fenced);
    let join = cluster.send_group(1, join_request(Some(younger.member), Some(7)));
    let answer = cluster.wait_for(join, millis(50)).expect("an answer");
    assert_eq!(join_error(answer), ErrorName::FencedInstanceId);
    assert_eq!(cluster.static_heartbeat(2, 7, &youngest), Ok(()));
}

#[test]
fn a_static_members_session_ends_as_any_other() {
    let mut cluster = Cluster::new(quick);
    let [_, second] = static_members(&mut cluster);
    for _ in 0..3 {
        cluster.run_for(millis(3_400));
        let _ = cluster.heartbeat(1, &second);
    }
    assert_eq!(
        cluster.heartbeat(1, &second),
        Err(ErrorName::RebalanceInProgress)
    );
}

#[test]
fn another_coordinator_knows_generation_and_offsets() {
    let mut cluster = Cluster::new(quick);
    let member = cluster.single_member();
    cluster.commit(0, member.member, 1, 5).expect("accepted");
    let old = cluster.coordinator();
    cluster.crash(old);
    cluster.run_for(millis(9_200));
    assert_ne!(cluster.coordinator(), old);
    assert_eq!(cluster.heartbeat(0, &member), Ok(()));
    // What is committed is known once the followers have turned to the new leader.
    cluster.run_for(millis(2_000));
    assert_eq!(cluster.offset_fetch(), Ok(vec![5]));
    cluster.commit(0, member.member, 1, 6).expect("accepted");
    cluster.start(old);
    cluster.run_for(millis(5_000));
    let refused = cluster.send(
        cluster.member(0),
        old,
        Channel::Coordinator,
        fetch_request(true),
    );
    assert!(matches!(
        cluster.wait_for(refused, millis(100)),
        Some(Response::OffsetFetch(Err(ErrorName::NotCoordinator)))
    ));
    assert_eq!(cluster.committed(), [(0, 5, 1, false), (0, 6, 1, false)]);
}

#[test]
fn a_loading_coordinator_says_so() {
    let mut cluster = Cluster::new(quick);
    let member = cluster.single_member();
    cluster.move_leader(cluster.env.topology.group_offsets());
    // The news takes 1 ms, the load 5.
    cluster.run_for(Duration::from_micros(1_500));
    let fetch = cluster.send_group(0, fetch_request(true));
    let heartbeat = Request::Heartbeat(sender(&member, None));
    // Another connection: the member would wait for its answer.
    let heartbeat = cluster.send_group(1, heartbeat);
    cluster.run_for(Duration::from_micros(2_500));
    assert!(matches!(
        cluster.answer(fetch),
        Some(Response::OffsetFetch(Err(
            ErrorName::CoordinatorLoadInProgress
        )))
    ));
    assert!(matches!(
        cluster.answer(heartbeat),
        Some(Response::Heartbeat(Ok(())))
    ));
    cluster.run_for(millis(10));
    assert_eq!(cluster.heartbeat(0, &member), Ok(()));
}

#[test]
fn a_moved_coordinator_lets_no_member_wait_for_the_old_one() {
    let mut cluster = Cluster::new(quick);
    let [leader, _] = cluster.two_members();
    let join = cluster.send_join(0, Some(leader.member));
    cluster.run_for(millis(100));
    cluster.move_leader(cluster.env.topology.group_offsets());
    let response = cluster.wait_for(join, millis(100)).expect("an answer");
    assert_eq!(join_error(response), ErrorName::NotCoordinator);
}

#[test]
fn an_assignment_that_is_not_replicated_reaches_no_member() {
    let mut cluster = Cluster::new(quick);
    let id = cluster.new_id(0);
    let join = cluster.send_join(0, Some(id));
    let joined = cluster.joined(join);
    let coordinator = cluster.coordinator();
    cluster.isolate(coordinator);
    let sync = cluster.send_sync(0, &joined, vec![(id, vec![P])]);
    let synced = cluster.synced(sync);
    assert_eq!(synced, Err(ErrorName::CoordinatorNotAvailable));
    cluster.reunite(coordinator);
    cluster.run_for(millis(100));
    assert_eq!(
        cluster.heartbeat(0, &joined),
        Err(ErrorName::RebalanceInProgress)
    );
}

#[test]
fn a_member_that_is_taken_out_while_it_awaits_its_sync_is_never_answered() {
    let mut cluster = Cluster::new(quick);
    let ids = [cluster.new_id(0), cluster.new_id(1)];
    let joins = cluster.send_joins(ids);
    let joined = joins.map(|join| cluster.joined(join));
    let sync = cluster.send_sync(1, &joined[1], Vec::new());
    cluster.run_for(millis(100));
    // Over another connection: on its own the request would wait behind the sync.
    assert_eq!(cluster.leave(0, joined[1].member), Ok(()));
    cluster.run_for(millis(5_000));
    let answer = cluster.answer(sync);
    assert!(answer.is_none(), "{answer:?}");
}
