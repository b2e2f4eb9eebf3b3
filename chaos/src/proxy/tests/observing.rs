//! What is reported, kind by kind.

use super::super::CommitAnswer;
use super::*;
use crate::known::Wishes;
use bytes::BufMut;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse, ConsumerProtocolAssignment,
    ConsumerProtocolSubscription, FetchRequest, FetchResponse, HeartbeatRequest, HeartbeatResponse,
    JoinGroupRequest, JoinGroupResponse, LeaveGroupRequest, LeaveGroupResponse,
    OffsetCommitRequest, OffsetCommitResponse, ProduceRequest, ProduceResponse, SyncGroupRequest,
    SyncGroupResponse, TxnOffsetCommitRequest, TxnOffsetCommitResponse,
    consumer_protocol_assignment, consumer_protocol_subscription,
};
use plimsoll_oracle::RequestKind;

/// Makes a commit of generation 3: partition 0 to 10 and partition 1 to 20.
pub(super) fn commit() -> OffsetCommitRequest {
    let partitions = [(0, 10), (1, 20)].map(|(partition, next)| {
        OffsetCommitRequestPartition::default()
            .with_partition_index(partition)
            .with_committed_offset(next)
    });
    let topic = OffsetCommitRequestTopic::default()
        .with_name(name("orders"))
        .with_partitions(partitions.to_vec());
    OffsetCommitRequest::default()
        .with_generation_id_or_member_epoch(3)
        .with_topics(vec![topic])
}

pub(super) fn commit_response(errors: [i16; 2]) -> OffsetCommitResponse {
    let partitions = [0, 1].map(|partition| {
        OffsetCommitResponsePartition::default()
            .with_partition_index(partition)
            .with_error_code(errors[partition as usize])
    });
    let topic = OffsetCommitResponseTopic::default()
        .with_name(name("orders"))
        .with_partitions(partitions.to_vec());
    OffsetCommitResponse::default().with_topics(vec![topic])
}

pub(super) fn commit_answered(errors: [i16; 2]) -> Seen {
    let answer = |partition: u32, next| CommitAnswer {
        topic: "orders".into(),
        partition,
        next,
        error: errors[partition as usize],
    };
    Seen::CommitAnswered {
        generation: 3,
        offsets: vec![answer(0, 10), answer(1, 20)],
        late: false,
    }
}

/// Sends a request, answers it, and returns what was seen of both.
async fn exchange<R: Request>(request: &R, version: i16, response: &R::Response) -> Vec<Seen>
where
    R::Response: PartialEq + std::fmt::Debug,
{
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    client.send(request, version).await;
    rig.broker.request().await.answer(response);
    let received: R::Response = client.receive(version).await;
    assert_eq!(&received, response);
    rig.watcher.seen()
}

#[tokio::test]
async fn commits_and_what_the_broker_did_with_them() {
    for version in 2..=9 {
        let seen = exchange(&commit(), version, &commit_response([0, 0])).await;
        let sent = Seen::CommitSent { broker: 0 };
        assert_eq!(seen, [sent, commit_answered([0, 0])]);
    }
}

#[tokio::test]
async fn commits_that_are_refused_and_members_that_are_fenced() {
    let seen = exchange(&commit(), 8, &commit_response([22, 22])).await;
    let fenced = Seen::Fenced {
        request: RequestKind::OffsetCommit,
        error: 22,
    };
    assert_eq!(seen[1..], [commit_answered([22, 22]), fenced]);
    // No other error fences a member.
    let seen = exchange(&commit(), 8, &commit_response([0, 27])).await;
    assert_eq!(seen[1..], [commit_answered([0, 27])]);
}

fn join(subscription_version: i16, protocol_type: &'static str) -> JoinGroupRequest {
    let owned = consumer_protocol_subscription::TopicPartition::default()
        .with_topic(name("orders"))
        .with_partitions(vec![1, 2]);
    let mut subscription = ConsumerProtocolSubscription::default();
    if subscription_version > 0 {
        subscription.owned_partitions = vec![owned];
    }
    let mut metadata = BytesMut::new();
    metadata.put_i16(subscription_version);
    metadata.put_slice(&encoded(&subscription, subscription_version.min(3)));
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(name("cooperative-sticky"))
        .with_metadata(metadata.freeze());
    JoinGroupRequest::default()
        .with_protocol_type(name(protocol_type))
        .with_protocols(vec![protocol])
        .with_session_timeout_ms(45_000)
        .with_group_instance_id(Some(name("consumer-1")))
}

/// Makes what is seen of such a request.
fn joining(owned: Vec<(String, u32)>) -> Seen {
    Seen::Joining {
        owned,
        wishes: Wishes {
            session_timeout: Duration::from_secs(45),
            is_static: true,
        },
    }
}

#[tokio::test]
async fn members_that_join_with_what_they_own() {
    let joined = JoinGroupResponse::default().with_generation_id(4);
    // Version 4 of a subscription does not exist yet; what it adds comes at the end.
    for (subscription, owns) in [(0, false), (1, true), (2, true), (3, true), (4, true)] {
        let seen = exchange(&join(subscription, "consumer"), 5, &joined).await;
        let owned = owns.then(|| vec![("orders".into(), 1), ("orders".into(), 2)]);
        let joining = joining(owned.unwrap_or_default());
        assert_eq!(seen, [joining, Seen::Joined { generation: 4 }]);
    }
    let seen = exchange(&join(1, "connect"), 5, &joined).await;
    assert_eq!(seen[0], joining(Vec::new()));
}

#[tokio::test]
async fn joining_with_an_error() {
    let response = |error| JoinGroupResponse::default().with_error_code(error);
    // MEMBER_ID_REQUIRED: the member asks again.
    let seen = exchange(&join(0, "consumer"), 5, &response(79)).await;
    assert_eq!(seen.len(), 1);
    let seen = exchange(&join(0, "consumer"), 5, &response(25)).await;
    let fenced = Seen::Fenced {
        request: RequestKind::JoinGroup,
        error: 25,
    };
    assert_eq!(seen[1..], [fenced]);
    // NOT_COORDINATOR: the group knows nothing of the request.
    let seen = exchange(&join(0, "consumer"), 5, &response(16)).await;
    assert_eq!(seen[1..], [Seen::JoinRefused]);
}

pub(super) fn assignment(partitions: &[i32]) -> SyncGroupResponse {
    let topic = consumer_protocol_assignment::TopicPartition::default()
        .with_topic(name("orders"))
        .with_partitions(partitions.to_vec());
    let assigned = ConsumerProtocolAssignment::default().with_assigned_partitions(vec![topic]);
    let mut bytes = BytesMut::new();
    bytes.put_i16(3);
    bytes.put_slice(&encoded(&assigned, 3));
    SyncGroupResponse::default().with_assignment(bytes.freeze())
}

#[tokio::test]
async fn assignments() {
    let sync = SyncGroupRequest::default();
    for version in 0..=5 {
        let seen = exchange(&sync, version, &assignment(&[0, 2])).await;
        let partitions = vec![("orders".into(), 0), ("orders".into(), 2)];
        assert_eq!(seen, [Seen::Synced { partitions }]);
    }
    let seen = exchange(&sync, 5, &SyncGroupResponse::default()).await;
    let partitions = Vec::new();
    assert_eq!(seen, [Seen::Synced { partitions }]);
    let refused = SyncGroupResponse::default().with_error_code(82);
    let fenced = Seen::Fenced {
        request: RequestKind::SyncGroup,
        error: 82,
    };
    assert_eq!(exchange(&sync, 5, &refused).await, [fenced]);
}

#[tokio::test]
async fn heartbeats_that_say_more_than_ok() {
    let beat = HeartbeatRequest::default();
    let response = |error| HeartbeatResponse::default().with_error_code(error);
    assert_eq!(exchange(&beat, 4, &response(0)).await, []);
    assert_eq!(exchange(&beat, 4, &response(16)).await, []);
    let asked = exchange(&beat, 3, &response(27)).await;
    assert_eq!(asked, [Seen::RebalanceAsked]);
    let fenced = Seen::Fenced {
        request: RequestKind::Heartbeat,
        error: 25,
    };
    assert_eq!(exchange(&beat, 4, &response(25)).await, [fenced]);
}

#[tokio::test]
async fn members_that_leave() {
    let leave = LeaveGroupRequest::default();
    let seen = exchange(&leave, 5, &LeaveGroupResponse::default()).await;
    assert_eq!(seen, [Seen::Left]);
}

/// Both pass, as all does: what follows from them is not the proxy's.
#[tokio::test]
async fn a_commit_in_a_transaction_and_a_hidden_protocol_are_reported() {
    let commit = TxnOffsetCommitRequest::default();
    let seen = exchange(&commit, 3, &TxnOffsetCommitResponse::default()).await;
    assert_eq!(seen, [Seen::CommitInTransaction]);
    let heartbeat = ConsumerGroupHeartbeatRequest::default();
    let seen = exchange(&heartbeat, 0, &ConsumerGroupHeartbeatResponse::default()).await;
    assert_eq!(seen, [Seen::Hidden]);
}

pub(super) fn fetch(epoch: i32, partitions: &[(i32, i64)]) -> FetchRequest {
    let partitions = partitions.iter().map(|(partition, offset)| {
        FetchPartition::default()
            .with_partition(*partition)
            .with_fetch_offset(*offset)
    });
    let topic = FetchTopic::default()
        .with_topic(name("orders"))
        .with_partitions(partitions.collect());
    FetchRequest::default()
        .with_session_epoch(epoch)
        .with_topics(vec![topic])
}

#[tokio::test]
async fn what_is_fetched_and_what_is_out_of_range() {
    let partitions = [(0, 0), (1, 1)].map(|(partition, error)| {
        PartitionData::default()
            .with_partition_index(partition)
            .with_error_code(error)
            .with_records(Some(Bytes::from_static(&[7; 1000])))
    });
    let topic = FetchableTopicResponse::default()
        .with_topic(name("orders"))
        .with_partitions(partitions.to_vec());
    let response = FetchResponse::default().with_responses(vec![topic]);
    for version in [4, 11, 12] {
        let seen = exchange(&fetch(-1, &[(0, 8), (1, 9)]), version, &response).await;
        let fetching = |partition, offset| Seen::Fetching {
            topic: "orders".into(),
            partition,
            offset,
        };
        let out_of_range = Seen::OutOfRange {
            topic: "orders".into(),
            partition: 1,
        };
        assert_eq!(seen, [fetching(0, 8), fetching(1, 9), out_of_range]);
    }
}

#[tokio::test]
async fn a_session_is_told_anew_after_the_member_got_its_assignment() {
    let mut rig = Rig::start().await;
    let mut fetches = rig.client().await;
    fetches.send(&fetch(0, &[(0, 8), (1, 9)]), 12).await;
    rig.broker.request().await.answer(&FetchResponse::default());
    let _: FetchResponse = fetches.receive(12).await;

    let mut group = rig.client().await;
    group.send(&SyncGroupRequest::default(), 5).await;
    rig.broker.request().await.answer(&assignment(&[0, 1]));
    let _: SyncGroupResponse = group.receive(5).await;

    fetches.send(&fetch(1, &[(1, 10)]), 12).await;
    rig.broker.request().await;
    let seen = rig.watcher.seen();
    assert_eq!(seen.len(), 5, "{seen:?}");
    for (seen, at) in seen[3..].iter().zip([(0, 8), (1, 10)]) {
        assert!(
            matches!(seen, Seen::Fetching { partition, offset, .. } if (*partition, *offset) == at)
        );
    }
}

/// Produces a batch of five records, of which only the first bytes matter.
fn produce(acks: i16) -> ProduceRequest {
    let mut batch = BytesMut::zeroed(23);
    batch.put_i32(4);
    batch.put_slice(&[0; 60]);
    let partition = PartitionProduceData::default()
        .with_index(2)
        .with_records(Some(batch.freeze()));
    let topic = TopicProduceData::default()
        .with_name(name("dead-letters"))
        .with_partition_data(vec![partition]);
    ProduceRequest::default()
        .with_acks(acks)
        .with_topic_data(vec![topic])
}

fn produce_response(error: i16) -> ProduceResponse {
    let partition = PartitionProduceResponse::default()
        .with_index(2)
        .with_error_code(error)
        .with_base_offset(100);
    let topic = TopicProduceResponse::default()
        .with_name(name("dead-letters"))
        .with_partition_responses(vec![partition]);
    ProduceResponse::default().with_responses(vec![topic])
}

#[tokio::test]
async fn what_was_produced_is_awaited_before_the_member_learns_it() {
    let (release, released) = watch::channel(false);
    let mut rig = Rig::with(Recorder {
        holds_produced: Some(released),
        ..Recorder::default()
    })
    .await;
    let mut client = rig.client().await;
    client.send(&produce(-1), 12).await;
    let arrived = rig.broker.request().await;
    arrived.answer(&produce_response(0));
    client.hears_nothing().await;
    let produced = rig.watcher.produced.lock().expect("no panics").clone();
    let expected = Produced {
        topic: "dead-letters".into(),
        partition: 2,
        offset: 104,
    };
    assert_eq!(produced, [expected]);
    release.send_replace(true);
    let response: ProduceResponse = client.receive(12).await;
    assert_eq!(response, produce_response(0));
}

#[tokio::test]
async fn what_was_not_produced_is_not_told() {
    let mut rig = Rig::start().await;
    let mut client = rig.client().await;
    // The first produce request gets no answer, the second one does.
    client.send(&produce(0), 9).await;
    rig.broker.request().await;
    client.send(&produce(1), 9).await;
    rig.broker.request().await.answer(&produce_response(6));
    let _: ProduceResponse = client.receive(9).await;
    assert_eq!(*rig.watcher.produced.lock().expect("no panics"), []);
}

#[tokio::test]
async fn a_request_and_its_answer_wait_until_they_are_noted() {
    let (sender, mut reports) = unbounded_channel();
    let mut rig = Rig::reporting(Sender::new(move |report| {
        let _ = sender.send(report);
    }))
    .await;
    let mut note = async |expected: Seen| {
        let Some(Report::Passed { seen, noted, .. }) = within(reports.recv()).await else {
            panic!("no frame passed");
        };
        assert_eq!(seen, [expected]);
        noted
    };
    let mut client = rig.client().await;
    client.send(&commit(), 9).await;
    let noted = note(Seen::CommitSent { broker: 0 }).await;
    rig.broker.hears_nothing().await;
    noted.send(()).expect("the request waits");
    rig.broker.request().await.answer(&commit_response([0, 0]));
    let noted = note(commit_answered([0, 0])).await;
    client.hears_nothing().await;
    noted.send(()).expect("the answer waits");
    let _: OffsetCommitResponse = client.receive(9).await;
}
