//! Settings of topics, and what brokers do about them.

use crate::served::{ConnectionId, Options, Output, Seen, ServedCluster};
use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_topics_request::{
    CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig,
};
use kafka_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    CreateTopicsRequest, IncrementalAlterConfigsRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::Request;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use plimsoll_codec::frames::{Head, LENGTH};
use plimsoll_core::Instant;
use plimsoll_oracle::BrokerId;
use std::time::Duration;

const TOPIC: &str = "orders";

/// The time of day at which clusters begin, in milliseconds.
const BEGAN: i64 = 1_000_000;

/// A client of a cluster's first broker.
struct Client {
    cluster: ServedCluster,
    now: Instant,
    connection: ConnectionId,
    /// What became of logs, where that is observed.
    observed: Vec<Seen>,
}

impl Client {
    /// Starts a cluster with these brokers, each of which has a replica of the topic.
    fn new(brokers: u16, settings: &[(&str, &str)]) -> Self {
        let options = Options {
            brokers,
            began: Some(Duration::from_millis(BEGAN as u64)),
            ..Options::default()
        };
        Self::of(options, settings)
    }

    fn of(options: Options, settings: &[(&str, &str)]) -> Self {
        let brokers = options.brokers;
        let mut cluster = ServedCluster::new(options);
        let now = Instant::from_millis(1);
        let connection = cluster.connect(now, BrokerId(1), "localhost".into());
        let mut client = Self {
            cluster,
            now,
            connection: connection.expect("it listens"),
            observed: Vec::new(),
        };
        let configs = settings.iter().map(|(name, value)| {
            CreatableTopicConfig::default()
                .with_name((*name).to_owned().into())
                .with_value(Some((*value).to_owned().into()))
        });
        let replicas = (1..=i32::from(brokers)).map(Into::into);
        let assignment = CreatableReplicaAssignment::default().with_broker_ids(replicas.collect());
        let topic = CreatableTopic::default()
            .with_name(TopicName(TOPIC.into()))
            .with_num_partitions(-1)
            .with_replication_factor(-1)
            .with_assignments(vec![assignment])
            .with_configs(configs.collect());
        let request = CreateTopicsRequest::default().with_topics(vec![topic]);
        let created = client.ask(5, &request);
        assert_eq!(created.topics[0].error_code, 0);
        client.pass(Duration::from_secs(1));
        client
    }

    fn set(&mut self, name: &str, value: &str) {
        let config = AlterableConfig::default()
            .with_name(name.to_owned().into())
            .with_value(Some(value.to_owned().into()));
        let resource = AlterConfigsResource::default()
            .with_resource_type(2)
            .with_resource_name(TOPIC.into())
            .with_configs(vec![config]);
        let request = IncrementalAlterConfigsRequest::default().with_resources(vec![resource]);
        let altered = self.ask(1, &request);
        assert_eq!(altered.responses[0].error_code, 0);
    }

    fn produce(&mut self, batch: Bytes) -> PartitionProduceResponse {
        let partition = PartitionProduceData::default().with_records(Some(batch));
        let topic = TopicProduceData::default()
            .with_name(TopicName(TOPIC.into()))
            .with_partition_data(vec![partition]);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(1_000)
            .with_topic_data(vec![topic]);
        let mut response = self.ask(9, &request);
        let mut topic = response.responses.remove(0);
        topic.partition_responses.remove(0)
    }

    /// Asks, and lets time pass until the answer is there.
    fn ask<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let head = Head::default();
        let frame = head.frame(request, version).expect("it can be written");
        let frame = frame.slice(LENGTH..);
        self.cluster.receive(self.now, self.connection, frame);
        for _ in 0..10_000 {
            while let Some(output) = self.cluster.poll_output() {
                match output {
                    Output::Frame(_, answer) => {
                        return head.read::<R>(version, answer).expect("an answer");
                    }
                    Output::Observed(seen) => self.observed.push(seen),
                    _ => {}
                }
            }
            self.pass(Duration::from_millis(1));
        }
        panic!("no answer came");
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.cluster.handle_timeout(self.now);
    }

    /// Returns where the log starts and ends.
    fn ends(&self) -> (u64, u64) {
        let report = self.cluster.report();
        let topic = report.topics.iter().find(|topic| topic.name == TOPIC);
        let partition = &topic.expect("it was created").partitions[0];
        (partition.log_start, partition.high_watermark)
    }
}

/// Makes a batch of one record.
fn batch(timestamp: i64) -> Bytes {
    let record = Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: NO_SEQUENCE,
        timestamp,
        key: None,
        value: Some(Bytes::from_static(b"value")),
        headers: Default::default(),
    };
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    let mut bytes = BytesMut::new();
    let encoded = RecordBatchEncoder::encode(&mut bytes, [&record], &options);
    encoded.expect("it can be written");
    bytes.freeze()
}

#[test]
fn what_is_too_old_is_removed() {
    let mut client = Client::new(2, &[("retention.ms", "60000")]);
    assert_eq!(client.produce(batch(BEGAN)).error_code, 0);
    client.pass(Duration::from_secs(30));
    assert_eq!(client.ends(), (0, 1), "it is half a minute old");
    client.pass(Duration::from_secs(299));
    assert_eq!(client.ends(), (0, 1), "nobody has looked");
    client.pass(Duration::from_secs(10));
    assert_eq!(client.ends(), (1, 1));
}

#[test]
fn what_is_too_much_is_removed() {
    let size = batch(BEGAN).len();
    let (segment, kept) = (size.to_string(), (2 * size).to_string());
    let settings = [("segment.bytes", &*segment), ("retention.bytes", &*kept)];
    let mut client = Client::new(1, &settings);
    for _ in 0..5 {
        assert_eq!(client.produce(batch(BEGAN)).error_code, 0);
    }
    client.pass(Duration::from_secs(30));
    assert_eq!(client.ends(), (3, 5));
    client.set("cleanup.policy", "compact");
    client.set("retention.bytes", "0");
    client.pass(Duration::from_secs(301));
    assert_eq!(client.ends(), (3, 5), "nothing is deleted any more");
}

#[test]
fn a_topic_has_its_own_number_of_replicas_in_sync() {
    let mut client = Client::new(2, &[("min.insync.replicas", "2")]);
    assert_eq!(client.produce(batch(BEGAN)).error_code, 0);
    let crashed = client.cluster.crash(client.now, BrokerId(2));
    crashed.expect("there is such a broker");
    client.pass(Duration::from_secs(60));
    let refused = client.produce(batch(BEGAN));
    assert_eq!(refused.error_code, ResponseError::NotEnoughReplicas.code());
    client.set("min.insync.replicas", "1");
    assert_eq!(client.produce(batch(BEGAN)).error_code, 0);
}

#[test]
fn records_have_the_time_of_their_append() {
    let mut client = Client::new(1, &[("message.timestamp.type", "LogAppendTime")]);
    let before = BEGAN + client.now.since_start().as_millis() as i64;
    let appended = client.produce(batch(5));
    assert_eq!((appended.error_code, appended.base_offset), (0, 0));
    assert_eq!(appended.log_append_time_ms, before);
    client.set("message.timestamp.type", "CreateTime");
    assert_eq!(client.produce(batch(5)).log_append_time_ms, -1);
    let future = client.produce(batch(BEGAN * 99));
    assert_eq!(future.error_code, ResponseError::InvalidTimestamp.code());
    assert_eq!(future.record_errors.len(), 1);
}

#[test]
fn an_observer_is_told_what_becomes_readable_and_nobody_else() {
    for is_observed in [true, false] {
        let options = Options {
            is_observed,
            ..Options::default()
        };
        let mut client = Client::of(options, &[]);
        for _ in 0..2 {
            assert_eq!(client.produce(batch(BEGAN)).error_code, 0);
        }
        let seen = client.observed.iter().filter_map(|seen| match seen {
            Seen::Stored {
                partition, offset, ..
            } => Some((partition.clone(), offset.get())),
            _ => None,
        });
        let expected = [0, 1].map(|offset| ((TOPIC.to_owned(), 0), offset));
        let expected = expected.into_iter().take(if is_observed { 2 } else { 0 });
        assert_eq!(seen.collect::<Vec<_>>(), Vec::from_iter(expected));
    }
}
