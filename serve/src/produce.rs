//! The messages of a scenario as Kafka's records, and the requests that produce them.

use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, TopicName};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use plimsoll_scenarios::scenario::{self, Acks, Message};
use std::time::{SystemTime, UNIX_EPOCH};

/// The header of a record with its message's number in the scenario.
pub const MESSAGE: &str = "plimsoll-message";

/// A record to produce.
#[derive(Clone, Debug)]
pub struct NewRecord {
    /// Its key, if it has one.
    pub key: Option<Bytes>,
    /// Its value: the number of its message, padded to its size.
    pub value: Bytes,
    /// The number of its message.
    pub message: Bytes,
}

/// The identity of an idempotent producer in one partition.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The producer's id.
    pub id: i64,
    /// The producer's epoch.
    pub epoch: i16,
    /// The sequence number of the next record.
    pub next: i32,
}

impl NewRecord {
    /// Makes the record of a message.
    pub fn of(message: &Message) -> Self {
        let id = message.id.0.to_string();
        let value = format!("{id:<width$}", width = message.bytes as usize);
        Self {
            key: message.key.map(|key| format!("key-{key}").into()),
            value: value.into(),
            message: id.into(),
        }
    }
}

impl Identity {
    /// Goes on behind records that are stored (`DefaultRecordBatch.incrementSequence`).
    pub fn advance(&mut self, records: usize) {
        self.next = self.next.wrapping_add(records as i32) & i32::MAX;
    }
}

/// Makes the request that produces records to a partition, as one batch. Made again it is the same,
/// but for the time of its records.
///
/// # Errors
/// Where the records make no batch, with the reason.
pub fn request<'a>(
    settings: &scenario::Producer,
    (topic, partition): (&str, u32),
    identity: Option<Identity>,
    records: impl IntoIterator<Item = &'a NewRecord>,
) -> Result<ProduceRequest, String> {
    let limit = settings.request_timeout.as_millis();
    let data = PartitionProduceData::default()
        .with_index(partition.cast_signed())
        .with_records(Some(batch(identity, records)?));
    let topic = TopicProduceData::default()
        .with_name(TopicName(StrBytes::from_string(topic.to_owned())))
        .with_partition_data(vec![data]);
    let request = ProduceRequest::default()
        .with_transactional_id(None)
        .with_acks(match settings.acks {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        })
        .with_timeout_ms(i32::try_from(limit).unwrap_or(i32::MAX))
        .with_topic_data(vec![topic]);
    Ok(request)
}

fn batch<'a>(
    identity: Option<Identity>,
    records: impl IntoIterator<Item = &'a NewRecord>,
) -> Result<Bytes, String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let timestamp = now.map_or(0, |since| since.as_millis() as i64);
    // Without an identity too, the encoder wants them to rise with the offsets.
    let first = identity.map_or(NO_SEQUENCE, |identity| identity.next);
    let records = (0..).zip(records).map(|(offset, record)| Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: identity.map_or(NO_PRODUCER_ID, |identity| identity.id),
        producer_epoch: identity.map_or(NO_PRODUCER_EPOCH, |identity| identity.epoch),
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: first.wrapping_add(offset as i32),
        timestamp,
        key: record.key.clone(),
        value: Some(record.value.clone()),
        headers: IndexMap::from([(
            StrBytes::from_static_str(MESSAGE),
            Some(record.message.clone()),
        )]),
    });
    let records: Vec<_> = records.collect();
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    let mut bytes = BytesMut::new();
    RecordBatchEncoder::encode(&mut bytes, &records, &options)
        .map_err(|error| error.to_string())?;
    Ok(bytes.freeze())
}
