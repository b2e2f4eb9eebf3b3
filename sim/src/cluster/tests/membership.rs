//! Brokers come and go, and the controller decides.

use super::*;

const A: Node = Node(0);
const B: Node = Node(1);

#[test]
fn a_clean_stop_hands_leaderships_over_first() {
    let mut cluster = Cluster::new(|_| {});
    cluster.produce(A, 0, Acks::All, None).expect("stored");
    cluster.stop(A);
    cluster.run_for(millis(20));
    assert_eq!(cluster.leader(P), B);
    assert!(cluster.runs(A), "it still answers");
    cluster.produce(B, 1, Acks::All, None).expect("stored");
    cluster.run_for(millis(200));
    assert!(!cluster.runs(A));
    cluster.start(A);
    cluster.run_for(millis(3_000));
    assert!(cluster.controller.is_healthy());
    assert_eq!(cluster.log(A), [0, 1]);
}

#[test]
fn a_new_process_waits_until_the_old_ones_session_is_over() {
    let mut cluster = Cluster::new(|_| {});
    cluster.run_for(millis(5_000));
    cluster.crash(A);
    cluster.run_for(millis(500));
    cluster.start(A);
    cluster.run_for(millis(5_000));
    assert_eq!(cluster.leader(P), A);
    cluster.send_produce(A, 0, Acks::All, None);
    cluster.run_for(millis(10));
    assert_eq!(cluster.broken.last(), Some(&(cluster.env.producer(), A)));
    cluster.run_for(millis(8_000));
    assert_eq!(cluster.leader(P), B);
    assert!(cluster.controller.is_healthy());
}

#[test]
fn what_was_meant_for_the_process_before_is_not_believed() {
    let mut cluster = Cluster::new(|_| {});
    cluster.crash(B);
    cluster.start(B);
    cluster.move_leader(P);
    assert_eq!(cluster.leader(P), B, "the controller has not noticed yet");
    cluster.run_for(millis(1_000));
    assert!(!cluster.broker(B).replicas[P].is_leader());
    cluster.run_for(millis(15_000));
    assert!(cluster.controller.is_healthy());
    let leader = cluster.leader(P);
    cluster.produce(leader, 0, Acks::All, None).expect("stored");
}

#[test]
fn a_paused_leader_is_replaced_and_wakes_up_as_a_follower() {
    let mut cluster = Cluster::new(|_| {});
    cluster.produce(A, 0, Acks::All, None).expect("stored");
    cluster.pause(A);
    let zombie = cluster.send_produce(A, 7, Acks::Leader, None);
    cluster.run_for(millis(10_000));
    assert_eq!(cluster.leader(P), B);
    cluster.produce(B, 1, Acks::All, None).expect("stored");
    cluster.resume(A);
    // The old leader acknowledges what will be lost: that is what acks=1 means.
    assert!(matches!(
        cluster.wait_for(zombie, millis(10)),
        Some(Response::Produce(Ok(_)))
    ));
    cluster.run_for(millis(4_000));
    assert!(cluster.controller.is_healthy());
    assert_eq!(cluster.log(A), [0, 1]);
    assert_eq!(cluster.stored(), [(0, 0), (1, 1)]);
}

#[test]
fn partitions_are_added_when_a_fault_says_so() {
    use plimsoll_oracle::FaultId;
    use plimsoll_scenarios::scenario::{Fault, FaultKind, PartitionCount, TopicNumber, Trigger};
    let mut cluster = Cluster::new(|_| {});
    let mut plan = cluster.env.plan.clone();
    plan.faults.push(Fault {
        id: FaultId(0),
        trigger: Trigger::At(Instant::ZERO),
        kind: FaultKind::AddPartitions {
            topic: TopicNumber(0),
            count: PartitionCount(2),
        },
        duration: None,
    });
    cluster.env.topology = topology_of(&plan);
    cluster.env.cluster = Shared::new(cluster.env.topology.len());
    let offsets = cluster.env.topology.group_offsets();
    cluster.env.cluster.register_group(offsets);
    let settings = cluster.env.cluster_settings();
    let (brokers, env) = (&mut cluster.brokers, &mut cluster.env);
    for broker in brokers.values_mut() {
        *broker = Broker::new(&settings, broker.node);
        broker.start(env);
    }
    cluster.controller = Controller::new(&settings);
    assert!(!cluster.controller.exists(PartitionIndex(1)));
    let partitions = cluster.env.topology.of_topic(0);
    cluster
        .controller
        .add_partitions(&mut cluster.env, partitions, 2);
    cluster.run_for(millis(10));
    let metadata = cluster.ask(cluster.member(0), B, Channel::Data, Request::Metadata);
    let Response::Metadata(told) = metadata else {
        panic!("{metadata:?}");
    };
    let leaders: Vec<_> = told.partitions.iter().map(|state| state.leader).collect();
    // Three of the topic, the dead-letter topic's, and the group's, which this seed draws.
    let expected = [0, 1, 2, 0, 0].map(|leader| Some(Node(leader)));
    assert_eq!(leaders, expected);
}

#[test]
fn the_controller_refuses_in_sync_sets_that_are_out_of_date() {
    let mut cluster = Cluster::new(|_| {});
    let alter = |leader_epoch, partition_epoch, in_sync| Request::AlterPartition {
        partition: P,
        leader_epoch,
        partition_epoch,
        in_sync: crate::protocol::BrokerSet(in_sync),
    };
    // Its answers go to brokers, which asked nothing: only the effects show.
    let mut try_alter = |from, request| {
        let correlation = Correlation(900_000);
        let message = Message::Request(correlation, request);
        cluster
            .controller
            .handle_message(&mut cluster.env, from, Channel::Data, message);
        cluster.controller.is_healthy()
    };
    assert!(try_alter(B, alter(0, 0, 0b11)), "it does not lead");
    assert!(try_alter(A, alter(1, 0, 0b11)), "wrong leader epoch");
    assert!(try_alter(A, alter(0, 1, 0b11)), "wrong partition epoch");
    assert!(!try_alter(A, alter(0, 0, 0b11)));
    assert!(!try_alter(A, alter(0, 0, 0b111)), "the epoch has moved on");
    assert!(try_alter(A, alter(0, 1, 0b111)));
}
