//! Every kind of request that is served, as a client of Kafka's own words asks it: with typed
//! requests in frames, and names in place of numbers. The harness and tools ask so.

use super::{Wires, at};
use crate::protocol::{BrokerSet, ClusterMetadata, Request as Asked, Response};
use crate::wire::codec::SERVED;
use crate::wire::{Connection, Step};
use bytes::Bytes;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::protocol::{Request, StrBytes};
use plimsoll_codec::frames::{Head, LENGTH, Misread};
use plimsoll_oracle::ErrorName;
use std::collections::BTreeSet;

fn head() -> Head {
    Head {
        correlation: 7,
        client_id: StrBytes::from_static_str("tool"),
    }
}

/// Has a broker answer a request; what its parts ask is refused. Returns the answer's
/// frame.
fn answered<R: Request>(request: &R, version: i16) -> Bytes {
    let frame = head().frame(request, version).expect("it has room");
    let mut wires = Wires::new();
    let mut connection = Connection::new("host".to_owned());
    let Wires {
        edge,
        broker,
        shared,
        sessions,
    } = &mut wires;
    let frame = frame.slice(LENGTH..);
    let mut step = edge.decode(at(broker, shared, sessions), &mut connection, frame);
    loop {
        step = match step {
            Step::Ask(_, asked) => {
                let response = match asked {
                    // No broker refuses it.
                    Asked::Metadata => Response::Metadata(ClusterMetadata {
                        partitions: Vec::new(),
                        alive: BrokerSet::default(),
                    }),
                    _ => Response::Failed(ErrorName::RequestTimedOut),
                };
                edge.answered(at(broker, shared, sessions), &mut connection, response)
            }
            Step::Answer(frame) => return frame,
            step => panic!("version {version} of {}: {step:?}", R::KEY),
        }
    }
}

/// Asks in each version that is served, and reads the answers. Returns the kind.
fn ask<R: Request>(request: &R) -> i16 {
    let mut served = SERVED.iter();
    let (_, first, last) = served
        .find(|(key, ..)| *key as i16 == R::KEY)
        .expect("it is served");
    for version in *first..=*last {
        // What a version has no room for, it cannot ask.
        if head().frame(request, version).is_none() {
            continue;
        }
        let answer = answered(request, version);
        let misread = |answer: Bytes| head().read::<R>(version, answer).err();
        assert_eq!(
            misread(answer.clone()),
            None,
            "version {version} of {}",
            R::KEY
        );
        let longer = [&answer[..], &[0]].concat().into();
        assert_eq!(misread(longer), Some(Misread::TooLong));
    }
    R::KEY
}

#[test]
fn each_kind_is_asked_and_its_answer_read_in_all_versions() {
    macro_rules! plain {
        ($($kind:ident)*) => { [$(ask(&kafka::$kind::default())),*] };
    }
    let plain = plain! {
        FetchRequest ListOffsetsRequest MetadataRequest OffsetCommitRequest
        OffsetFetchRequest FindCoordinatorRequest JoinGroupRequest HeartbeatRequest LeaveGroupRequest
        SyncGroupRequest DescribeGroupsRequest ListGroupsRequest SaslHandshakeRequest
        ApiVersionsRequest CreateTopicsRequest DeleteTopicsRequest DeleteRecordsRequest
        InitProducerIdRequest OffsetForLeaderEpochRequest DescribeAclsRequest DescribeConfigsRequest
        AlterConfigsRequest DescribeLogDirsRequest SaslAuthenticateRequest CreatePartitionsRequest
        DeleteGroupsRequest ElectLeadersRequest IncrementalAlterConfigsRequest
        ListPartitionReassignmentsRequest OffsetDeleteRequest DescribeClientQuotasRequest
        DescribeClusterRequest DescribeProducersRequest ListConfigResourcesRequest
        DescribeTopicPartitionsRequest
    };
    // Without acks there is no answer.
    let produce = ask(&kafka::ProduceRequest::default().with_acks(-1));
    let asked: BTreeSet<i16> = plain.into_iter().chain([produce]).collect();
    let served: BTreeSet<i16> = SERVED.iter().map(|(key, ..)| *key as i16).collect();
    assert_eq!(asked, served);
}

#[test]
fn what_is_no_answer_is_told_before_memory_is_taken() {
    let topic = CreatableTopic::default()
        .with_name(kafka::TopicName(StrBytes::from_static_str("new")))
        .with_num_partitions(3)
        .with_replication_factor(1);
    let request = kafka::CreateTopicsRequest::default().with_topics(vec![topic]);
    let answer = answered(&request, 4);
    let read = |head: Head, answer: &[u8]| {
        head.read::<kafka::CreateTopicsRequest>(4, Bytes::copy_from_slice(answer))
    };
    assert_eq!(read(head(), &answer).expect("an answer").topics.len(), 1);
    assert_eq!(read(Head::default(), &answer), Err(Misread::OtherRequest));
    for length in 0..answer.len() {
        assert_eq!(read(head(), &answer[..length]), Err(Misread::NoSense));
    }
    // Behind the correlation and the throttle time stands the number of topics.
    let mut claims = answer.to_vec();
    claims[8..12].copy_from_slice(&i32::MAX.to_be_bytes());
    assert_eq!(read(head(), &claims), Err(Misread::NoSense));
}
