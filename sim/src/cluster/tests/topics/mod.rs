//! Topics that come and go, in a cluster without a plan.

mod cluster;

use super::batches::{fetch, produce};
use crate::actor::Actor;
use crate::protocol::batched::{Records, Text};
use crate::protocol::{
    BrokerSet, Channel, CommittedOffset, GroupIndex, GroupMemberId, Node, Request, Response, Sender,
};
use crate::topology::PartitionIndex;
use cluster::{Cluster, OFFSETS, UNKNOWN};
use plimsoll_core::NextOffset;
use plimsoll_oracle::ErrorName;
use std::time::Duration;

/// The wait of a fetch that a test does not wait for.
const LONG: Duration = Duration::from_secs(60);

const BROKERS: [Node; 3] = [Node(0), Node(1), Node(2)];

#[test]
fn indexes_are_given_all_or_none() {
    let mut cluster = Cluster::new();
    let shared = &mut cluster.world.shared;
    let first = shared.partitions();
    assert_eq!(shared.add_partitions((1 << 16) - first + 1), None);
    let all = shared.add_partitions((1 << 16) - first).expect("indexes");
    assert_eq!(all.first(), Some(&PartitionIndex(first as u16)));
    assert_eq!(all.last(), Some(&PartitionIndex::LAST));
    assert_eq!(shared.add_partitions(1), None);
}

#[test]
fn a_partition_comes_and_goes_while_the_cluster_runs() {
    let mut cluster = Cluster::new();
    let (first, second) = (cluster.created(), cluster.created());
    assert_ne!(first, second);
    for broker in BROKERS {
        let told = cluster.told(broker, second).expect("every broker knows it");
        assert_eq!(told.leader, Some(Node(2)));
        assert_eq!(told.in_sync, told.replicas);
    }
    assert_eq!(cluster.produce(first), Ok(0));
    assert_eq!(cluster.produce(second), Ok(0));
    assert_eq!(cluster.delete(&[first]), Ok(()));
    for broker in BROKERS {
        assert_eq!(cluster.told(broker, first), None);
        let replica = &cluster.brokers[broker].replicas[first];
        assert_eq!((replica.log.end(), replica.state), (0, None));
    }
    assert_eq!(cluster.produce(first), Err(UNKNOWN));
    assert_eq!(cluster.delete(&[first]), Err(UNKNOWN));
    assert_eq!(cluster.produce(second), Ok(1));
    cluster.pass(40);
    assert_eq!(cluster.produce(second), Ok(2));
}

#[test]
fn what_waits_for_a_partition_that_goes_is_told_that_there_is_none() {
    let mut cluster = Cluster::new();
    let partition = cluster.created();
    let leader = cluster.leader(partition);
    let poll = cluster.send(leader, Channel::Fetch, fetch(partition, 0, LONG));
    // The followers hear of the record when the leader answers them, and never do.
    let mut others = BROKERS.into_iter().filter(|broker| *broker != leader);
    let write = {
        let follower = others.next().expect("a follower");
        cluster.brokers[follower].crash(&mut cluster.world);
        cluster.send(leader, Channel::Data, produce(partition, Records::plain(1)))
    };
    assert!(cluster.answer(write).is_none() && cluster.answer(poll).is_none());
    assert_eq!(cluster.delete(&[partition]), Ok(()));
    assert!(matches!(
        cluster.answer(write),
        Some(Response::Produce(Err(UNKNOWN)))
    ));
    match cluster.answer(poll) {
        Some(Response::Fetch(response)) => {
            assert_eq!(response.partitions[0].error, Some(UNKNOWN));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_broker_that_was_down_forgets_what_went_meanwhile() {
    let mut cluster = Cluster::new();
    let (kept, gone) = (cluster.created(), cluster.created());
    assert_eq!(cluster.produce(gone), Ok(0));
    assert_eq!(cluster.produce(kept), Ok(0));
    let broker = &mut cluster.brokers[Node(2)];
    broker.crash(&mut cluster.world);
    cluster.pass(20);
    assert_eq!(cluster.delete(&[gone]), Ok(()));
    cluster.brokers[Node(2)].start(&mut cluster.world);
    cluster.pass(20);
    let replicas = &cluster.brokers[Node(2)].replicas;
    assert_eq!((replicas[gone].log.end(), replicas[kept].log.end()), (0, 1));
    assert_eq!(cluster.told(Node(2), gone), None);
    assert!(cluster.told(Node(2), kept).is_some());
}

#[test]
fn of_a_partition_that_is_still_to_come_a_broker_knows_nothing() {
    let mut cluster = Cluster::new();
    let partition = cluster.index();
    assert_eq!(cluster.produce(partition), Err(UNKNOWN));
    match cluster.ask(Node(1), fetch(partition, 0, LONG)) {
        Response::Fetch(response) => assert_eq!(response.partitions[0].error, Some(UNKNOWN)),
        other => panic!("{other:?}"),
    }
    assert_eq!(cluster.told(Node(1), partition), None);
    assert_eq!(cluster.controller.leader(partition), None);
    assert_eq!(
        cluster.brokers[Node(2)]
            .log_ends(PartitionIndex(999))
            .1
            .get(),
        0
    );
}

#[test]
fn partitions_lie_where_their_creator_wants_them() {
    let mut cluster = Cluster::new();
    let partition = cluster.index();
    assert_eq!(cluster.create(&[(partition, &[2, 0])]), Ok(()));
    let told = cluster.told(Node(1), partition).expect("it exists");
    let order: Vec<_> = told.order.of(told.replicas).collect();
    assert_eq!(
        (order, told.leader),
        (vec![Node(2), Node(0)], Some(Node(2)))
    );
    assert_eq!(cluster.produce(partition), Ok(0));
    let ends = BROKERS.map(|broker| cluster.brokers[broker].replicas[partition].log.end());
    assert_eq!(ends, [1, 0, 1]);
    // All of them are created, or none.
    let other = cluster.index();
    for (replicas, error) in [
        (&[0, 7][..], ErrorName::InvalidReplicaAssignment),
        (&[1, 1], ErrorName::InvalidReplicaAssignment),
    ] {
        let more = cluster.index();
        assert_eq!(
            cluster.create(&[(other, &[]), (more, replicas)]),
            Err(error)
        );
    }
    let exists = Err(ErrorName::TopicAlreadyExists);
    assert_eq!(cluster.create(&[(other, &[]), (partition, &[])]), exists);
    assert!(!cluster.controller.exists(other));
    assert_eq!(cluster.delete(&[partition, other]), Err(UNKNOWN));
    assert!(cluster.controller.exists(partition));
}

#[test]
fn a_partition_needs_a_broker_that_can_lead_it() {
    let mut cluster = Cluster::new();
    cluster.brokers[Node(2)].crash(&mut cluster.world);
    cluster.pass(20);
    let (first, second) = (cluster.index(), cluster.index());
    let refused = Err(ErrorName::InvalidReplicaAssignment);
    assert_eq!(cluster.create(&[(first, &[2])]), refused);
    assert_eq!(cluster.create(&[(second, &[2, 1])]), Ok(()));
    let told = cluster.told(Node(0), second).expect("it exists");
    assert_eq!(
        (told.leader, told.in_sync),
        (Some(Node(1)), BrokerSet(0b10))
    );
    for broker in [Node(0), Node(1)] {
        cluster.brokers[broker].crash(&mut cluster.world);
    }
    cluster.pass(20);
    let refused = Err(ErrorName::InvalidReplicationFactor);
    assert_eq!(cluster.create(&[(first, &[])]), refused);
}

#[test]
fn the_preferred_replica_leads_again_where_that_is_asked_for() {
    let mut cluster = Cluster::new();
    let partition = cluster.index();
    assert_eq!(cluster.elect(partition, true), Err(UNKNOWN));
    assert_eq!(cluster.create(&[(partition, &[1, 2])]), Ok(()));
    let not_needed = Err(ErrorName::ElectionNotNeeded);
    assert_eq!(cluster.elect(partition, true), not_needed);
    assert_eq!(cluster.elect(partition, false), not_needed);
    cluster.brokers[Node(1)].crash(&mut cluster.world);
    cluster.pass(20);
    assert_eq!(cluster.leader(partition), Node(2));
    let not_available = Err(ErrorName::PreferredLeaderNotAvailable);
    assert_eq!(cluster.elect(partition, true), not_available);
    cluster.brokers[Node(1)].start(&mut cluster.world);
    cluster.pass(20);
    assert_eq!(cluster.elect(partition, true), Ok(()));
    assert_eq!(cluster.leader(partition), Node(1));
    assert_eq!(
        cluster.told(Node(0), partition).and_then(|p| p.leader),
        Some(Node(1))
    );
    for broker in [Node(1), Node(2)] {
        cluster.brokers[broker].crash(&mut cluster.world);
    }
    cluster.pass(20);
    let not_eligible = Err(ErrorName::EligibleLeadersNotAvailable);
    assert_eq!(cluster.elect(partition, false), not_eligible);
}

#[test]
fn every_broker_tells_which_brokers_live_and_which_replicas_are_in_sync() {
    let mut cluster = Cluster::new();
    let partition = cluster.created();
    cluster.brokers[Node(2)].crash(&mut cluster.world);
    cluster.pass(20);
    for broker in [Node(0), Node(1)] {
        let told = cluster.told(broker, partition).expect("it exists");
        let alive = cluster.metadata(broker).alive;
        assert_eq!((told.in_sync, alive), (BrokerSet(0b011), BrokerSet(0b011)));
        assert_eq!(told.replicas, BrokerSet(0b111));
    }
    assert_eq!(cluster.produce(partition), Ok(0));
    cluster.brokers[Node(2)].start(&mut cluster.world);
    cluster.pass(20);
    for broker in BROKERS {
        let told = cluster.told(broker, partition).expect("it exists");
        let alive = cluster.metadata(broker).alive;
        assert_eq!(
            (told.in_sync, alive),
            (BrokerSet(0b111), BrokerSet(0b111)),
            "{broker:?}"
        );
    }
}

/// Commits offsets of partitions, for no member.
fn commit(cluster: &mut Cluster, group: GroupIndex, partitions: &[PartitionIndex]) {
    let offsets = partitions.iter().map(|partition| CommittedOffset {
        partition: *partition,
        next: NextOffset::new(1),
        metadata: Text::default(),
    });
    let request = Request::OffsetCommit {
        sender: Sender {
            group,
            generation: -1,
            member: GroupMemberId::EMPTY,
            instance: None,
        },
        offsets: offsets.collect(),
    };
    let coordinator = cluster.leader(OFFSETS);
    match cluster.ask(coordinator, request) {
        Response::OffsetCommit(response) => assert_eq!(response, Default::default()),
        other => panic!("{other:?}"),
    }
}

/// Returns the partitions of which a group committed an offset.
fn committed(cluster: &mut Cluster, group: GroupIndex) -> Vec<PartitionIndex> {
    let request = Request::OffsetFetch {
        group,
        partitions: None,
        require_stable: true,
    };
    let coordinator = cluster.leader(OFFSETS);
    match cluster.ask(coordinator, request) {
        Response::OffsetFetch(Ok(offsets)) => offsets.iter().map(|o| o.partition).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_groups_committed_of_a_partition_goes_with_it() {
    let mut cluster = Cluster::new();
    let (kept, gone) = (cluster.created(), cluster.created());
    let groups = [0, 1].map(|_| cluster.world.shared.register_group(OFFSETS));
    for group in groups {
        commit(&mut cluster, group, &[kept, gone]);
        assert_eq!(committed(&mut cluster, group), [kept, gone]);
    }
    assert_eq!(cluster.delete(&[gone]), Ok(()));
    assert_eq!(
        groups.map(|group| committed(&mut cluster, group)),
        [[kept], [kept]]
    );
    // The next coordinator does not know of it either, and followers have the same log.
    let world = &mut cluster.world;
    assert!(cluster.controller.move_leader(world, OFFSETS));
    cluster.settle();
    // A follower polls for up to two seconds, and then adds what it follows since.
    cluster.pass(3);
    assert_eq!(
        groups.map(|group| committed(&mut cluster, group)),
        [[kept], [kept]]
    );
    let ends = BROKERS.map(|broker| cluster.brokers[broker].replicas[OFFSETS].log.end());
    assert_eq!(ends, [6, 6, 6]);
}
