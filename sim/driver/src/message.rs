//! A simulated record as a message of the production consumer, and back.
//!
//! The payload carries what the simulator needs to know the record by.

use plimsoll::{Batch, Message};
use plimsoll_core::{AssignmentEpoch, Offset, Record, TopicPartition};
use plimsoll_oracle::MessageId;
use plimsoll_sim::recipes::Payload;
use std::sync::Arc;

/// The number of bytes of a payload.
const LENGTH: usize = 12;

/// What the simulator knows a message by.
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
) -> Vec<Record<Message>> {
    let bytes = records.len() * LENGTH;
    let mut batch = Batch::with_capacity(topic, partition.partition, records.len(), bytes);
    for record in &records {
        let numbers = [partition.topic, epoch.0, record.payload.message.0];
        let payload: [u8; LENGTH] = std::array::from_fn(|i| numbers[i / 4].to_be_bytes()[i % 4]);
        let key = record.payload.key.map(u32::to_be_bytes);
        let key = key.as_ref().map(|key| &key[..]);
        batch.push(record.offset, key, Some(&payload), None);
    }
    let mut messages = batch.into_records();
    for (message, record) in messages.iter_mut().zip(&records) {
        message.bytes = record.bytes;
    }
    messages
}

/// Reads what the simulator knows a message by.
pub(crate) fn origin(message: &Message) -> Origin {
    let payload = message.payload().unwrap_or_default();
    let number = |bytes: &[u8]| {
        let bytes = bytes.iter();
        bytes.fold(0, |number, byte| number << 8 | u32::from(*byte))
    };
    let mut numbers = payload.chunks(4).map(number);
    let mut next = || numbers.next().unwrap_or_default();
    Origin {
        partition: TopicPartition::new(next(), message.partition()),
        epoch: AssignmentEpoch(next()),
        record: Payload {
            message: MessageId(next()),
            key: message.key().map(number),
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

/// Makes a record of the message that a handler got, whose size does not matter any more.
pub(crate) fn handled(message: &Message, origin: Origin) -> Record<Payload> {
    Record {
        offset: Offset::new(message.offset()),
        key: None,
        bytes: 0,
        payload: origin.record,
    }
}
