//! A client that does one thing after the other, in versions that every broker since Kafka 2 has.

use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiVersionsRequest, CreateTopicsRequest, DeleteRecordsRequest, FetchRequest, FetchResponse,
    MetadataRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::{Request, StrBytes};
use kafka_protocol::records::{
    Compression, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record, RecordBatchEncoder,
    RecordEncodeOptions, TimestampType,
};
use plimsoll_codec::frames::{Head, LENGTH};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The number of records in a batch.
pub(crate) const RECORDS: u64 = 64;

/// The longest wait for anything.
const WITHIN: Duration = Duration::from_secs(60);

/// A connection to a broker.
pub(crate) struct Client(TcpStream);

/// A partition, as a fetch tells of it.
pub(crate) struct Produced {
    pub(crate) log_start: u64,
    pub(crate) high_watermark: u64,
    /// The offset behind the last record that was fetched, if any was.
    pub(crate) end: Option<u64>,
}

impl Client {
    pub(crate) fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("a broker listens there");
        stream.set_nodelay(true).expect("an option");
        stream.set_read_timeout(Some(WITHIN)).expect("a timeout");
        Self(stream)
    }

    pub(crate) fn api_versions(&mut self) {
        self.ask(&ApiVersionsRequest::default(), 0);
    }

    pub(crate) fn create_topic(&mut self, name: &str, partitions: u32) {
        let topic = CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(partitions.cast_signed())
            .with_replication_factor(1);
        let request = CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(10_000);
        let answer = self.ask(&request, 2);
        assert_eq!(answer.topics[0].error_code, 0, "the topic is created");
    }

    /// Waits until all partitions have leaders, and returns where these are.
    pub(crate) fn leaders(&mut self, topic: &str, partitions: u32) -> Vec<String> {
        let named = MetadataRequestTopic::default().with_name(Some(topic_name(topic)));
        let request = MetadataRequest::default().with_topics(Some(vec![named]));
        loop {
            let answer = self.ask(&request, 4);
            let address = |leader| {
                let broker = answer
                    .brokers
                    .iter()
                    .find(|broker| broker.node_id == leader)?;
                Some(format!("{}:{}", broker.host.as_str(), broker.port))
            };
            let mut known: Vec<_> = answer.topics[0].partitions.iter().collect();
            known.sort_by_key(|partition| partition.partition_index);
            let leaders = known.iter().filter(|partition| partition.error_code == 0);
            let leaders: Vec<_> = leaders.filter_map(|it| address(it.leader_id)).collect();
            if leaders.len() == partitions as usize {
                return leaders;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Writes a batch, and waits until it is stored.
    pub(crate) fn produce(&mut self, topic: &str, partition: u32, batch: &Bytes) {
        let data = PartitionProduceData::default()
            .with_index(partition.cast_signed())
            .with_records(Some(batch.clone()));
        let topic = TopicProduceData::default()
            .with_name(topic_name(topic))
            .with_partition_data(vec![data]);
        let request = ProduceRequest::default()
            .with_acks(-1)
            .with_timeout_ms(30_000)
            .with_topic_data(vec![topic]);
        until_it_leads(|| {
            let answer = self.ask(&request, 5);
            answer.responses[0].partition_responses[0].error_code
        });
    }

    /// Reads from an offset on.
    pub(crate) fn fetch(&mut self, topic: &str, partition: u32, next: u64) -> Produced {
        let partition = FetchPartition::default()
            .with_partition(partition.cast_signed())
            .with_fetch_offset(next.cast_signed())
            .with_partition_max_bytes(1 << 20);
        let topic = FetchTopic::default()
            .with_topic(topic_name(topic))
            .with_partitions(vec![partition]);
        let request = FetchRequest::default()
            .with_max_wait_ms(500)
            .with_min_bytes(1)
            .with_max_bytes(1 << 20)
            .with_topics(vec![topic]);
        let mut answer = FetchResponse::default();
        until_it_leads(|| {
            answer = self.ask(&request, 5);
            answer.responses[0].partitions[0].error_code
        });
        let data = &answer.responses[0].partitions[0];
        Produced {
            log_start: data.log_start_offset.max(0).cast_unsigned(),
            high_watermark: data.high_watermark.max(0).cast_unsigned(),
            end: data.records.as_ref().and_then(|records| end(records)),
        }
    }

    /// Removes the records below an offset.
    pub(crate) fn remove(&mut self, topic: &str, partition: u32, below: u64) {
        let partition = DeleteRecordsPartition::default()
            .with_partition_index(partition.cast_signed())
            .with_offset(below.cast_signed());
        let topic = DeleteRecordsTopic::default()
            .with_name(topic_name(topic))
            .with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(10_000);
        let answer = self.ask(&request, 1);
        assert_eq!(
            answer.topics[0].partitions[0].error_code, 0,
            "records are removed"
        );
    }

    fn ask<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        let head = Head::default();
        let frame = head.frame(request, version).expect("a request");
        self.0.write_all(&frame).expect("it is sent");
        let mut length = [0; LENGTH];
        self.0.read_exact(&mut length).expect("an answer");
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        self.0.read_exact(&mut answer).expect("a whole answer");
        head.read::<R>(version, answer.into()).expect("an answer")
    }
}

/// Makes a batch of records whose values have this many bytes together.
pub(crate) fn batch(bytes: u64) -> Bytes {
    let value = Bytes::from(vec![b'x'; (bytes / RECORDS) as usize]);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let timestamp = since.expect("it is later").as_millis() as i64;
    let record = |number: u64| Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: -1,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset: number.cast_signed(),
        // The encoder takes records for one batch whose sequences rise as their offsets do.
        sequence: NO_SEQUENCE + number as i32,
        timestamp,
        key: None,
        value: Some(value.clone()),
        headers: IndexMap::new(),
    };
    let records: Vec<_> = (0..RECORDS).map(record).collect();
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    let mut batch = BytesMut::new();
    RecordBatchEncoder::encode(&mut batch, &records, &options).expect("a batch");
    batch.freeze()
}

/// Returns the offset behind the last whole batch.
fn end(mut records: &[u8]) -> Option<u64> {
    let mut end = None;
    while let Some((head, _)) = records.split_at_checked(27) {
        let number = |from: usize| -> [u8; 4] { head[from..from + 4].try_into().expect("4 bytes") };
        let length = 12 + u32::from_be_bytes(number(8)) as usize;
        let base = u64::from_be_bytes(head[..8].try_into().expect("8 bytes"));
        let Some(rest) = records.get(length..) else {
            break;
        };
        records = rest;
        end = Some(base + u64::from(u32::from_be_bytes(number(23))) + 1);
    }
    end
}

/// Asks until the answer has no error. The leader of a new topic may not know of it yet.
fn until_it_leads(mut ask: impl FnMut() -> i16) {
    let until = Instant::now() + WITHIN;
    loop {
        match ask() {
            0 => return,
            error if Instant::now() > until => panic!("error {error} of Kafka does not pass"),
            _ => thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
