//! A simulated record as a message of the production consumer, and back.
//!
//! The payload carries what the simulator needs to know the record by; where a test chooses the
//! payloads, a header does.

use plimsoll::{Batch, Message};
use plimsoll_core::{AssignmentEpoch, Offset, Record, TopicPartition};
use plimsoll_oracle::MessageId;
use plimsoll_sim::program::CallId;
use plimsoll_sim::recipes::Payload;
use std::sync::Arc;

/// The number of bytes of a payload.
const LENGTH: usize = 12;

/// The name of the header that tells the message, where the payload does not.
const MARK: &str = "plimsoll-message";

/// The content of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// The key, if it has one: the same for the same key of the scenario, or none at all.
    pub key: Option<Vec<u8>>,
    /// The value; `None` makes a tombstone.
    pub payload: Option<Vec<u8>>,
    /// The headers. A last one, `plimsoll-message`, is the simulator's.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The content of each message of a topic.
pub type Contents = Arc<dyn Fn(&str, Payload) -> Content + Send + Sync>;

/// The simulator's names of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub partition: TopicPartition,
    pub epoch: AssignmentEpoch,
    pub record: Payload,
}

/// Makes messages of records that were fetched together.
///
/// They are as large as the simulator says, not as their bytes here.
pub(crate) fn into_messages(
    topic: Arc<str>,
    partition: TopicPartition,
    epoch: AssignmentEpoch,
    records: Vec<Record<Payload>>,
    contents: Option<&Contents>,
) -> Vec<Record<Message>> {
    let bytes = records.len() * LENGTH;
    let topic_name = Arc::clone(&topic);
    let mut batch = Batch::with_capacity(topic, partition.partition, records.len(), bytes);
    for record in &records {
        let numbers = [partition.topic, epoch.0, record.payload.message.0];
        let known_by: [u8; LENGTH] = std::array::from_fn(|i| numbers[i / 4].to_be_bytes()[i % 4]);
        let key = record.payload.key.map(u32::to_be_bytes);
        let key = key.as_ref().map_or(&[][..], |key| &key[..]);
        let Some(contents) = contents else {
            let key = (!key.is_empty()).then_some(key);
            batch.push(record.offset, key, Some(&known_by), None);
            continue;
        };
        let content = contents(&topic_name, record.payload);
        let (its_key, payload) = (content.key.as_deref(), content.payload.as_deref());
        batch.push(record.offset, its_key, payload, None);
        for (name, value) in &content.headers {
            batch.push_header(name, value.as_deref());
        }
        batch.push_header(MARK, Some(&[&known_by, key].concat()));
    }
    let mut messages = batch.into_records();
    for (message, record) in messages.iter_mut().zip(&records) {
        message.bytes = record.bytes;
    }
    messages
}

/// Returns what the simulator knows the call of a handler by that got this message.
pub(crate) fn call_id(message: &Message) -> CallId {
    call_of(message, &origin(message))
}

fn call_of(message: &Message, origin: &Origin) -> CallId {
    CallId {
        partition: origin.partition,
        epoch: origin.epoch,
        offset: Offset::new(message.offset()),
        attempt: message.attempt(),
    }
}

/// Reads what the simulator knows a message by.
pub(crate) fn origin(message: &Message) -> Origin {
    let mark = message.headers().last();
    let mark = mark.filter(|header| header.name == MARK);
    let mark = mark.and_then(|header| header.value);
    let (known_by, key) = match mark.and_then(|mark| mark.split_at_checked(LENGTH)) {
        Some((known_by, key)) => (known_by, Some(key).filter(|key| !key.is_empty())),
        None => (message.payload().unwrap_or_default(), message.key()),
    };
    let number = |bytes: &[u8]| {
        let bytes = bytes.iter();
        bytes.fold(0, |number, byte| number << 8 | u32::from(*byte))
    };
    let mut numbers = known_by.chunks(4).map(number);
    let mut next = || numbers.next().unwrap_or_default();
    Origin {
        partition: TopicPartition::new(next(), message.partition()),
        epoch: AssignmentEpoch(next()),
        record: Payload {
            message: MessageId(next()),
            key: key.map(number),
        },
    }
}

/// Makes a record of a message again.
pub(crate) fn into_record(record: Record<Message>) -> Record<Payload> {
    Record {
        payload: origin(&record.payload).record,
        offset: record.offset,
        key: record.key,
        bytes: record.bytes,
    }
}

/// Returns what the simulator knows the call of a handler by that got this message, and makes a
/// record of it again, whose size does not matter any more.
pub(crate) fn handled(message: &Message) -> (CallId, Record<Payload>) {
    let origin = origin(message);
    let id = call_of(message, &origin);
    let record = Record {
        offset: id.offset,
        key: None,
        bytes: 0,
        payload: origin.record,
    };
    (id, record)
}
