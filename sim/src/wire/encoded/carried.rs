//! What the simulator's messages carry, in the words of the wire: a value is a record, what a member
//! says of itself is the consumers' own protocol.

use super::translation::Translate;
use crate::protocol::{Batch as _, Founding, Lean, Subscription, Value};
use crate::topology::PartitionIndex;
use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE,
    NO_TIMESTAMP, Record, RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions,
    TimestampType,
};
use plimsoll_codec::consumer_protocol::{Subscribed, read_assignment, write_assignment};
use plimsoll_codec::{Metadata, Names, RecordBatch, Supported, Wire};
use plimsoll_core::{AssignmentEpoch, Offset};
use plimsoll_oracle::{MemberId, MessageId, Word as _};
use plimsoll_scenarios::scenario::Assignor;

/// Headers of a record: which message it is; and of a dead letter, where it comes from.
const MESSAGE: &str = "plimsoll-message";
const PARTITION: &str = "plimsoll-partition";
const OFFSET: &str = "plimsoll-offset";
const MEMBER: &str = "plimsoll-member";
const EPOCH: &str = "plimsoll-epoch";

/// From the simulator's words to those of the wire.
pub(super) struct ToWire<'a> {
    pub(super) names: &'a Names,
    /// The topics to which members subscribe.
    pub(super) topics: &'a [StrBytes],
}

/// From the words of the wire to the simulator's.
pub(super) struct ToLean<'a> {
    pub(super) names: &'a Names,
}

impl Translate<Lean, Wire> for ToWire<'_> {
    fn batch(&self, value: &Value) -> Option<RecordBatch> {
        let record = record_of(value);
        let options = RecordEncodeOptions {
            version: 2,
            compression: Compression::None,
        };
        let mut bytes = BytesMut::new();
        RecordBatchEncoder::encode(&mut bytes, [&record], &options).ok()?;
        RecordBatch::read(bytes.freeze()).ok()
    }

    fn subscription(&self, subscription: &Subscription) -> Option<Supported> {
        let said = Subscribed {
            topics: self.topics.to_vec(),
            owned: subscription.owned.clone(),
            since: subscription.owned_since,
        };
        let name = self.protocol_name(&subscription.assignor)?;
        Some(Supported(vec![(name, said.write(self.names)?)]))
    }

    fn assignment(&self, assignment: &Vec<PartitionIndex>) -> Option<Bytes> {
        write_assignment(self.names, assignment)
    }

    fn protocol_name(&self, assignor: &Assignor) -> Option<StrBytes> {
        Some(StrBytes::from_static_str(assignor.word()))
    }

    fn metadata(&self, founding: &Founding) -> Option<Metadata> {
        let text = founding.partitions.map(|founding| founding.to_string());
        Some(Metadata {
            text: StrBytes::from_string(text.unwrap_or_default()),
            leader_epoch: founding.leader_epoch.map_or(-1, |epoch| epoch as i32),
            negative: None,
        })
    }
}

impl Translate<Wire, Lean> for ToLean<'_> {
    fn batch(&self, batch: &RecordBatch) -> Option<Value> {
        let mut sets = RecordBatchDecoder::decode_all(&mut batch.bytes()).ok()?;
        let record = sets.pop()?.records.pop()?;
        value_of(&record, batch)
    }

    fn subscription(&self, supported: &Supported) -> Option<Subscription> {
        let (name, bytes) = supported.0.first().cloned()?;
        let said = Subscribed::read(self.names, bytes)?;
        Some(Subscription {
            assignor: self.protocol_name(&name)?,
            owned: said.owned,
            owned_since: said.since,
        })
    }

    fn assignment(&self, bytes: &Bytes) -> Option<Vec<PartitionIndex>> {
        read_assignment(self.names, bytes.clone())
    }

    fn protocol_name(&self, name: &StrBytes) -> Option<Assignor> {
        Assignor::from_word(name)
    }

    fn metadata(&self, metadata: &Metadata) -> Option<Founding> {
        let partitions = match &*metadata.text {
            "" => None,
            partitions => Some(partitions.parse().ok()?),
        };
        Some(Founding {
            partitions,
            leader_epoch: u32::try_from(metadata.leader_epoch).ok(),
        })
    }
}

/// Makes the record of a value: the message by its number, with a key and a size.
fn record_of(value: &Value) -> Record {
    let producer = value.producer();
    let mut headers = IndexMap::new();
    let mut head = |name, number: u64| {
        let text = Bytes::from(number.to_string());
        headers.insert(StrBytes::from_static_str(name), Some(text));
    };
    let (key, bytes) = match *value {
        Value::Message { id, key, bytes, .. } => {
            head(MESSAGE, id.0.into());
            (key, bytes)
        }
        Value::DeadLetter {
            id,
            partition,
            offset,
            member,
            epoch,
        } => {
            head(MESSAGE, id.0.into());
            head(PARTITION, partition.0.into());
            head(OFFSET, offset.get());
            head(MEMBER, member.0.into());
            head(EPOCH, epoch.0.into());
            (None, 0)
        }
    };
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: producer.map_or(NO_PRODUCER_ID, |producer| producer.id as i64),
        producer_epoch: producer.map_or(NO_PRODUCER_EPOCH, |producer| producer.epoch as i16),
        timestamp_type: TimestampType::Creation,
        offset: 0,
        sequence: producer.map_or(NO_SEQUENCE, |producer| producer.sequence as i32),
        timestamp: NO_TIMESTAMP,
        key: key.map(|key| Bytes::copy_from_slice(&key.to_be_bytes())),
        value: Some(Bytes::from(vec![0; bytes as usize])),
        headers,
    }
}

/// Reads the value of a record in its batch.
fn value_of(record: &Record, batch: &RecordBatch) -> Option<Value> {
    let number = |name| {
        let header = record.headers.get(&StrBytes::from_static_str(name));
        let text = header?.as_ref()?;
        std::str::from_utf8(text).ok()?.parse::<u64>().ok()
    };
    let short = |name| u32::try_from(number(name)?).ok();
    let id = MessageId(short(MESSAGE)?);
    if number(PARTITION).is_some() {
        return Some(Value::DeadLetter {
            id,
            partition: PartitionIndex(u16::try_from(number(PARTITION)?).ok()?),
            offset: Offset::new(number(OFFSET)?),
            member: MemberId(short(MEMBER)?),
            epoch: AssignmentEpoch(short(EPOCH)?),
        });
    }
    let key = match &record.key {
        Some(key) => Some(u32::from_be_bytes(key[..].try_into().ok()?)),
        None => None,
    };
    Some(Value::Message {
        id,
        key,
        bytes: record.value.as_ref()?.len() as u32,
        sequence: batch.producer().map(|producer| producer.sequence),
    })
}
