//! Commits: accepted by generation, and only by generation.

use super::*;
use crate::protocol::{Positions, Sharing};
use plimsoll_oracle::TraceEvent;

#[test]
fn a_commit_is_accepted_by_state_and_generation() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.group_initial_rebalance_delay = millis(500);
    });
    let unknown = GroupMemberId(0);
    // No member ever joined.
    assert_eq!(
        cluster.commit(0, unknown, 0, 1),
        Err(ErrorName::GroupIdNotFound)
    );
    assert_eq!(cluster.commit(0, unknown, -1, 1), Ok(()));
    // The first members gather.
    let id = cluster.new_id(0);
    let join = cluster.send_join(0, Some(id));
    cluster.run_for(millis(100));
    assert_eq!(
        cluster.commit(1, unknown, -1, 2),
        Err(ErrorName::UnknownMemberId)
    );
    // The leader has to assign.
    let joined = cluster.joined(join);
    assert_eq!(
        cluster.commit(0, id, 1, 2),
        Err(ErrorName::RebalanceInProgress)
    );
    let sync = cluster.send_sync(0, &joined, vec![(id, vec![P])]);
    assert!(cluster.synced(sync).is_ok());
    // Stable: also backwards, and also partitions that were never assigned.
    assert_eq!(cluster.commit(0, id, 1, 9), Ok(()));
    assert_eq!(cluster.commit(0, id, 1, 3), Ok(()));
    for (member, generation, error) in [
        (id, 0, ErrorName::IllegalGeneration),
        (id, 2, ErrorName::IllegalGeneration),
        (id, -1, ErrorName::IllegalGeneration),
        (unknown, 1, ErrorName::UnknownMemberId),
        (unknown, -1, ErrorName::UnknownMemberId),
    ] {
        assert_eq!(cluster.commit(0, member, generation, 4), Err(error));
    }
    // Another one joins: until all have rejoined, the generation is as good as before.
    let other = cluster.new_id(1);
    let _waits = cluster.send_join(1, Some(other));
    cluster.run_for(millis(100));
    assert_eq!(cluster.commit(0, id, 1, 5), Ok(()));
    assert_eq!(cluster.offset_fetch(), Ok(vec![5]));
    assert_eq!(
        cluster.committed(),
        [
            (0, 1, -1, false),
            (0, 9, 1, false),
            (0, 3, 1, false),
            (0, 5, 1, true)
        ]
    );
}

#[test]
fn a_commit_counts_when_it_is_replicated_and_not_before() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.group_initial_rebalance_delay = millis(100);
    });
    let member = cluster.single_member();
    cluster.commit(0, member.member, 1, 1).expect("accepted");
    let coordinator = cluster.coordinator();
    cluster.isolate(coordinator);
    let began = cluster.now();
    let commit = cluster.send_commit(0, member.member, 1, 2);
    cluster.run_for(millis(100));
    // An offset fetch meanwhile, on another connection, waits as long as the commit does.
    let other = cluster.member(1);
    let fetch = fetch_request(true);
    let fetch = cluster.send(other, coordinator, Channel::Coordinator, fetch);
    assert!(cluster.wait_for(fetch, millis(3_000)).is_none());
    // One that does not require stable offsets gets what is replicated.
    let unstable = fetch_request(false);
    let node = cluster.member(2);
    let unstable = cluster.send(node, coordinator, Channel::Coordinator, unstable);
    match cluster.wait_for(unstable, millis(100)) {
        Some(Response::OffsetFetch(Ok(offsets))) => {
            assert_eq!(offsets.len(), 1);
            assert_eq!(offsets[0].next, NextOffset::new(1));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(
        cluster.commit_answer(commit),
        Err(ErrorName::CoordinatorNotAvailable)
    );
    let took = cluster.now() - began;
    assert!(took > millis(4_990) && took < millis(5_020), "{took:?}");
    match cluster.wait_for(fetch, millis(200)) {
        Some(Response::OffsetFetch(Err(error))) => assert_eq!(error, ErrorName::NotCoordinator),
        other => panic!("{other:?}"),
    }
    assert_eq!(cluster.committed().len(), 1);
    // The new coordinator never had it; the old one forgets it.
    cluster.run_for(millis(10_000));
    assert_ne!(cluster.coordinator(), coordinator);
    cluster.reunite(coordinator);
    cluster.run_for(millis(3_000));
    assert_eq!(cluster.offset_fetch(), Ok(vec![1]));
    assert_eq!(cluster.committed().len(), 1);
}

#[test]
fn a_commit_whose_coordinator_dies_may_still_count() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.group_initial_rebalance_delay = millis(100);
    });
    let member = cluster.single_member();
    let coordinator = cluster.coordinator();
    let commit = cluster.send_commit(0, member.member, 1, 7);
    // The commit arrives after 1 ms, is with the followers after 2, and would be answered after 4.
    cluster.run_for(Duration::from_micros(2_500));
    cluster.crash(coordinator);
    cluster.run_for(millis(100));
    assert!(cluster.answer(commit).is_none());
    assert!(cluster.committed().is_empty());
    cluster.run_for(millis(12_000));
    assert_eq!(cluster.committed(), [(0, 7, 1, false)]);
    assert_eq!(cluster.offset_fetch(), Ok(vec![7]));
}

#[test]
fn what_a_closed_connection_held_arrives_after_newer_commits_and_counts() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.group_initial_rebalance_delay = millis(100);
    });
    let member = cluster.single_member();
    let (node, coordinator) = (cluster.member(0), cluster.coordinator());
    cluster.env.network.block(node, coordinator);
    let old = cluster.send_commit(0, member.member, 1, 2);
    cluster.run_for(millis(2_000));
    cluster.env.close(node, coordinator, Channels::ALL);
    // A connection that was never made: what waits for it is gone with it.
    let never = cluster.send_commit(0, member.member, 1, 3);
    cluster.run_for(millis(100));
    cluster.env.close(node, coordinator, Channels::ALL);
    cluster.env.unblock(node, coordinator);
    assert_eq!(cluster.commit(0, member.member, 1, 5), Ok(()));
    cluster.run_for(millis(2_200));
    assert!(cluster.answer(old).is_none() && cluster.answer(never).is_none());
    assert_eq!(cluster.committed(), [(0, 5, 1, false), (0, 2, 1, false)]);
    let entries = cluster.env.trace.entries().iter();
    let late = |event| matches!(event, TraceEvent::LateCommit { .. });
    assert_eq!(entries.filter(|entry| late(entry.event)).count(), 1);
}

#[test]
fn a_connection_that_closes_or_breaks_leaves_the_other_one_with_the_broker_alone() {
    for breaks in [false, true] {
        let mut cluster = Cluster::new(|settings| {
            settings.cluster.settings.group_initial_rebalance_delay = millis(100);
        });
        let member = cluster.single_member();
        let (node, coordinator) = (cluster.member(0), cluster.coordinator());
        let fetch = cluster.send_poll(node, coordinator, Positions::default(), false);
        cluster.run_for(millis(10));
        cluster.env.network.block(node, coordinator);
        let (commit, metadata) = (
            cluster.send_commit(0, member.member, 1, 2),
            cluster.send(node, coordinator, Channel::Data, Request::Metadata),
        );
        cluster.run_for(millis(10));
        let group = Sharing::GroupApart.connection(Channel::Coordinator);
        match breaks {
            true => cluster.env.cut(node, coordinator, group),
            false => cluster.env.close(node, coordinator, group),
        }
        cluster.env.unblock(node, coordinator);
        cluster.run_for(millis(1_000));
        assert!(cluster.answer(commit).is_none(), "its connection is gone");
        assert_eq!(cluster.committed().is_empty(), breaks);
        assert!(matches!(
            cluster.answer(metadata),
            Some(Response::Metadata(_))
        ));
        assert!(matches!(cluster.answer(fetch), Some(Response::Fetch(_))));
    }
}

#[test]
fn what_was_on_its_way_when_its_connection_broke_is_gone() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.group_initial_rebalance_delay = millis(100);
    });
    let member = cluster.single_member();
    let (node, coordinator) = (cluster.member(0), cluster.coordinator());
    cluster.env.network.block(node, coordinator);
    cluster.send_commit(0, member.member, 1, 2);
    cluster.run_for(millis(1_000));
    cluster.env.close(node, coordinator, Channels::ALL);
    cluster.env.cut(node, coordinator, Channels::ALL);
    cluster.env.unblock(node, coordinator);
    cluster.run_for(millis(3_000));
    assert!(cluster.committed().is_empty());
}

#[test]
fn without_enough_replicas_a_commit_fails_late_and_counts_later() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.group_initial_rebalance_delay = millis(100);
    });
    let member = cluster.single_member();
    let coordinator = cluster.coordinator();
    for node in cluster.env.brokers() {
        if node != coordinator {
            cluster.crash(node);
        }
    }
    for _ in 0..4 {
        cluster.run_for(millis(3_000));
        assert_eq!(cluster.heartbeat(0, &member), Ok(()));
    }
    let began = cluster.now();
    assert_eq!(
        cluster.commit(0, member.member, 1, 2),
        Err(ErrorName::CoordinatorNotAvailable)
    );
    let took = cluster.now() - began;
    assert!(took > millis(4_990) && took < millis(5_020), "{took:?}");
    assert!(cluster.committed().is_empty());
    // Nor is anything else answered that was asked meanwhile.
    assert_eq!(
        cluster.heartbeat(0, &member),
        Err(ErrorName::CoordinatorNotAvailable)
    );
    let other = cluster.env.brokers().find(|node| *node != coordinator);
    cluster.start(other.expect("three brokers"));
    cluster.run_for(millis(3_000));
    assert_eq!(cluster.committed(), [(0, 2, 1, false)]);
    assert_eq!(cluster.heartbeat(0, &member), Ok(()));
    assert_eq!(cluster.offset_fetch(), Ok(vec![2]));
}

#[test]
fn stable_offsets_are_those_of_the_question() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.group_initial_rebalance_delay = millis(100);
    });
    let member = cluster.single_member();
    let coordinator = cluster.coordinator();
    cluster.isolate(coordinator);
    let before = cluster.send_commit(0, member.member, 1, 2);
    cluster.run_for(millis(10));
    let fetch = fetch_request(true);
    let fetch = cluster.send_group(1, fetch);
    cluster.run_for(millis(10));
    let after = cluster.send_commit(2, member.member, 1, 3);
    cluster.run_for(millis(10));
    cluster.reunite(coordinator);
    for commit in [before, after] {
        assert_eq!(cluster.commit_answer(commit), Ok(()));
    }
    match cluster.answer(fetch) {
        Some(Response::OffsetFetch(Ok(offsets))) => {
            assert_eq!(offsets[0].next, NextOffset::new(2));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_partition_of_a_commit_has_a_result_of_its_own() {
    let mut cluster = Cluster::new(|settings| {
        settings.cluster.settings.group_initial_rebalance_delay = millis(100);
    });
    let member = cluster.single_member();
    let unknown = PartitionIndex(99);
    let refused = vec![(unknown, ErrorName::UnknownTopicOrPartition)];
    let mut commit = |sender: Sender, partitions: &[PartitionIndex]| {
        let offsets = partitions.iter().map(|partition| CommittedOffset {
            partition: *partition,
            next: NextOffset::new(3),
            metadata: Founding::default(),
        });
        let offsets = offsets.collect();
        match cluster.ask_group(0, Request::OffsetCommit { sender, offsets }) {
            Response::OffsetCommit(response) => (response.error, response.refused),
            other => panic!("{other:?}"),
        }
    };
    let joined = sender(&member, None);
    let stale = Sender {
        generation: 0,
        ..joined
    };
    assert_eq!(commit(joined, &[unknown, P]), (None, refused.clone()));
    let illegal = Some(ErrorName::IllegalGeneration);
    assert_eq!(commit(stale, &[P, unknown]), (illegal, refused.clone()));
    // With none that the broker knows, the coordinator is not asked.
    assert_eq!(commit(stale, &[unknown]), (None, refused));
    assert_eq!(commit(stale, &[]), (None, Vec::new()));
    assert_eq!(cluster.committed().len(), 1);
    assert_eq!(cluster.offset_fetch(), Ok(vec![3]));
}

#[test]
fn offsets_are_fetched_of_the_partitions_that_are_asked_for() {
    let mut cluster = Cluster::new(|_| {});
    let other = PartitionIndex(1);
    for (partition, next) in [(P, 4), (other, 6)] {
        let coordinator = cluster.coordinator();
        let broker = &mut cluster.brokers[coordinator];
        let next = NextOffset::new(next);
        let reset = broker.reset_offset(&mut cluster.env, SCENARIO_GROUP, partition, next);
        assert_eq!(reset, Some(()));
    }
    for require_stable in [true, false] {
        let mut fetch = |partitions: Option<Vec<PartitionIndex>>| {
            let request = Request::OffsetFetch {
                group: SCENARIO_GROUP,
                partitions,
                require_stable,
            };
            match cluster.ask_group(0, request) {
                Response::OffsetFetch(Ok(offsets)) => {
                    let offsets = offsets.iter().map(|o| (o.partition, o.next.get()));
                    offsets.collect::<Vec<_>>()
                }
                other => panic!("{other:?}"),
            }
        };
        if require_stable {
            assert_eq!(fetch(None), [(P, 4), (other, 6)]);
        }
        assert_eq!(fetch(Some(vec![other])), [(other, 6)]);
        assert_eq!(fetch(Some(vec![PartitionIndex(2)])), []);
    }
}
