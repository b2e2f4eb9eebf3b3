//! Every call, on real brokers.

use super::groups::GroupState;
use super::*;
use crate::cluster::Cluster;
use crate::error::ChaosError;
use crate::testing::brokers;
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::{GroupId, JoinGroupRequest, OffsetCommitRequest};
use rdkafka::ClientConfig;
use rdkafka::producer::{FutureProducer, FutureRecord};

/// Asks everything once, of three brokers.
pub async fn asks_real_brokers() {
    let _turn = brokers().await;
    let cluster = Cluster::start().await.expect("brokers");
    let admin = cluster.admin().clone();
    topics(&admin).await.expect("topics");
    leaders(&admin).await.expect("leaders");
    records(&admin).await.expect("records");
    groups(&admin).await.expect("groups");
    outages(&cluster, &admin).await.expect("outages");
    cluster.shut_down().await;
}

async fn topics(admin: &Admin) -> Result<(), ChaosError> {
    admin.create_topic("t", 2, 3, 2).await?;
    let twice = admin.create_topic("t", 2, 3, 2).await;
    assert!(
        matches!(&twice, Err(ChaosError::Environment(why)) if why.contains("TopicAlreadyExists")),
        "{twice:?}"
    );
    admin.add_partitions("t", 5).await?;
    let state = admin.topic("t").await?;
    assert_eq!(state.partitions.len(), 5);
    for partition in &state.partitions {
        assert_eq!(partition.replicas.len(), 3);
        assert_eq!(partition.isr.len(), 3);
    }
    admin.create_topic("gone", 1, 3, 2).await?;
    assert!(admin.topics().await?.contains(&"gone".to_owned()));
    admin.delete_topics(&["gone", "never-there"]).await
}

async fn leaders(admin: &Admin) -> Result<(), ChaosError> {
    let before = admin.topic("t").await?.partitions[1].clone();
    admin.move_leader("t", 1).await?;
    let after = admin.topic("t").await?.partitions[1].clone();
    assert_ne!(before.leader, after.leader);
    assert!(after.leader_epoch > before.leader_epoch);

    // The hash of the second is negative.
    for group in ["g", "orders", "another group"] {
        let partition = admin.offsets_partition(group).await?;
        let before = admin.coordinator(group).await?;
        let offsets = admin.topic("__consumer_offsets").await?;
        let leader = offsets.partitions[partition as usize].leader;
        assert_eq!(leader, Some(before), "{group}");
        admin.move_leader("__consumer_offsets", partition).await?;
        assert_ne!(admin.coordinator(group).await?, before, "{group}");
    }
    Ok(())
}

async fn records(admin: &Admin) -> Result<(), ChaosError> {
    let servers = admin.brokers.iter().map(|broker| broker.address.as_str());
    let servers = servers.collect::<Vec<_>>().join(",");
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", servers)
        .create()
        .expect("a producer");
    for _ in 0..10 {
        let record = FutureRecord::<(), _>::to("t").partition(3).payload("x");
        let sent = producer.send(record, Duration::from_secs(10)).await;
        sent.expect("an acknowledgement");
    }
    let expected = [(0, 0), (0, 0), (0, 0), (0, 10), (0, 0)];
    assert_eq!(admin.log_ends("t").await?, expected);
    assert_eq!(admin.delete_records("t", 3, 4).await?, 4);
    assert_eq!(admin.log_ends("t").await?[3], (4, 10));
    let beyond = admin.delete_records("t", 3, 11).await;
    assert!(beyond.is_err(), "{beyond:?}");
    Ok(())
}

async fn groups(admin: &Admin) -> Result<(), ChaosError> {
    assert_eq!(admin.committed("g").await?, []);
    assert_eq!(admin.group("g").await?.state, "Dead");

    let coordinator = admin.coordinator("g").await?;
    let partition = |number, next| {
        OffsetCommitRequestPartition::default()
            .with_partition_index(number)
            .with_committed_offset(next)
    };
    let topic = OffsetCommitRequestTopic::default()
        .with_name(topic_name("t"))
        .with_partitions(vec![partition(3, 7), partition(0, 0)]);
    let commit = OffsetCommitRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str("g")))
        .with_topics(vec![topic]);
    let answer = admin.broker(coordinator, &commit, 9).await;
    let answer = answer.expect("an answer to the commit");
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);

    let committed = [("t".to_owned(), 0, 0), ("t".to_owned(), 3, 7)];
    assert_eq!(admin.committed("g").await?, committed);
    let empty = GroupState {
        state: "Empty".into(),
        members: 0,
    };
    assert_eq!(admin.group("g").await?, empty);
    assert!(admin.groups().await?.contains(&"g".to_owned()));
    admin.delete_group("g").await?;
    admin.delete_group("g").await?;
    assert_eq!(admin.committed("g").await?, []);
    group_of_a_dead_member(admin).await
}

/// Deletes a group whose member is gone without a word: nothing waits for its session.
async fn group_of_a_dead_member(admin: &Admin) -> Result<(), ChaosError> {
    let asked = std::time::Instant::now();
    let coordinator = admin.coordinator("dead").await?;
    let protocol =
        JoinGroupRequestProtocol::default().with_name(StrBytes::from_static_str("range"));
    // Later versions ask for a member's id first.
    let join = JoinGroupRequest::default()
        .with_group_id(GroupId(StrBytes::from_static_str("dead")))
        .with_session_timeout_ms(60_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(StrBytes::from_static_str("consumer"))
        .with_protocols(vec![protocol]);
    let answer = admin.broker(coordinator, &join, 3).await;
    assert_eq!(answer.expect("an answer to the join").error_code, 0);
    // A coordinator tells what is committed of a group.
    while admin.group("dead").await?.members == 0 {
        assert!(asked.elapsed() < Duration::from_secs(15), "it is not told");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    admin.delete_group("dead").await?;
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(30), "{took:?}");
    assert!(!admin.groups().await?.contains(&"dead".to_owned()));
    Ok(())
}

/// Checks that calls succeed while one broker does not answer, whichever it is.
async fn outages(cluster: &Cluster, admin: &Admin) -> Result<(), ChaosError> {
    for broker in 0..3 {
        cluster.pause(broker).await?;
        admin.coordinator("g").await?;
        assert_eq!(admin.topic("t").await?.partitions.len(), 5);
        assert_eq!(admin.log_ends("t").await?.len(), 5);
        admin.committed("g").await?;
        cluster.unpause(broker).await?;
        cluster.healthy(Duration::from_secs(60)).await?;
    }
    Ok(())
}
