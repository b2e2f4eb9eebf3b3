//! How a client says what brokers carry, in bytes, and reads it again.

use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;
use plimsoll::{Batch, Message, commit_metadata};
use plimsoll_client::{Owned, Speaker, Unreadable};
use plimsoll_codec::consumer_protocol::{Subscribed, read_assignment, write_assignment};
use plimsoll_codec::contents::{self, Header};
use plimsoll_codec::{Metadata, Names, RecordBatch, Supported, Wire};
use plimsoll_core::{AssignmentEpoch, Offset, Record};
use plimsoll_protocol::{Assignor, Content, LogEntry, PartitionIndex, Topology, Word as _};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

/// A member that speaks in the bytes of Kafka's protocol.
#[derive(Debug)]
pub struct WireSpeaker {
    names: Names,
    topology: Topology,
    /// The topics to which it has subscribed, by number.
    topics: Vec<Arc<str>>,
    /// The first reason why it cannot be a member.
    failure: RefCell<Option<String>>,
}

impl WireSpeaker {
    pub(crate) fn new(names: Names, topology: Topology, topics: &[String]) -> Self {
        Self {
            names,
            topology,
            topics: topics.iter().map(|topic| topic.as_str().into()).collect(),
            failure: RefCell::default(),
        }
    }

    /// Takes the reason why it cannot be a member, if there is one.
    pub(crate) fn take_failure(&self) -> Option<String> {
        self.failure.take()
    }

    fn fail(&self, failure: String) {
        self.failure.borrow_mut().get_or_insert(failure);
    }
}

/// Reads the records of a batch, unless consumers do not see them.
fn contents_of(
    (topic, partition): (&Arc<str>, u32),
    first: Offset,
    batch: &RecordBatch,
) -> Result<Vec<Record<Message>>, String> {
    if !batch.is_intact() {
        return Err("its checksum is wrong".into());
    }
    if !batch.is_shown() {
        return Ok(Vec::new());
    }
    let bytes = contents::decompressed(batch).map_err(|why| why.to_string())?;
    let records = contents::read(batch, &bytes);
    let topic = Arc::clone(topic);
    let mut messages = Batch::with_capacity(topic, partition, records.len(), bytes.len());
    for record in records {
        let record = record.map_err(|why| why.to_string())?;
        let offset = Offset::new(first.get() + u64::from(record.number));
        let time = Some(record.timestamp).filter(|time| *time >= 0);
        messages.push(offset, record.key, record.value, time);
        for (name, value) in &record.headers {
            messages.push_header(name, *value);
        }
    }
    Ok(messages.into_records())
}

impl Speaker for WireSpeaker {
    type Dialect = Wire;
    type Payload = Message;

    fn read(
        &self,
        index: PartitionIndex,
        entry: &LogEntry<Wire>,
        records: &mut Vec<Record<Message>>,
    ) -> Result<(), Unreadable> {
        let Content::Batch(batch) = &entry.content else {
            return Ok(());
        };
        let partition = self.topology.partition(index);
        let Some(topic) = self.topics.get(partition.topic as usize) else {
            return Ok(());
        };
        match contents_of((topic, partition.partition), entry.offset, batch) {
            // Most answers hold one batch.
            Ok(read) if records.is_empty() => *records = read,
            Ok(read) => records.extend(read),
            Err(why) => {
                let (partition, offset) = (partition.partition, entry.offset.get());
                tracing::error!(%topic, partition, offset, why, "a batch cannot be read");
                return Err(Unreadable);
            }
        }
        Ok(())
    }

    fn dead_letter(
        &self,
        _: PartitionIndex,
        _: AssignmentEpoch,
        record: &Record<Message>,
    ) -> RecordBatch {
        let message = &record.payload;
        let ours = message.dead_letter_headers();
        let own = message.headers();
        let own = own.map(|header| (header.name.into(), header.value));
        let ours = ours.iter();
        let ours = ours.map(|(name, value)| ((*name).into(), Some(value.as_bytes())));
        let headers: Vec<Header<'_>> = own.chain(ours).collect();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        contents::write_one(&contents::Record {
            number: 0,
            timestamp: now.map_or(-1, |now| now.as_millis() as i64),
            key: message.key(),
            value: message.payload(),
            headers,
        })
    }

    fn subscription(&self, assignor: Assignor, owned: Owned) -> Supported {
        let topics = self.topics.iter();
        let said = Subscribed {
            topics: topics
                .map(|topic| StrBytes::from_string(topic.to_string()))
                .collect(),
            owned: owned.partitions,
            since: owned.since,
        };
        let said = said.write(&self.names).unwrap_or_default();
        Supported(vec![(StrBytes::from_static_str(assignor.word()), said)])
    }

    /// Reads what another member owns. One that has subscribed to other topics would be given
    /// partitions that it does not know, so this one does not lead such a group.
    fn owned(&self, subscription: &Supported) -> Owned {
        let said = Subscribed::read(&self.names, subscription.first());
        let own: BTreeSet<&str> = self.topics.iter().map(|topic| &**topic).collect();
        match said {
            Some(said) => {
                let topics: BTreeSet<&str> = said.topics.iter().map(|topic| &**topic).collect();
                if topics != own {
                    self.fail("a member of the group has subscribed to other topics".into());
                }
                Owned {
                    partitions: said.owned,
                    since: said.since,
                }
            }
            None => Owned {
                partitions: Vec::new(),
                since: -1,
            },
        }
    }

    fn assignor(&self, protocol: &StrBytes) -> Option<Assignor> {
        Assignor::from_word(protocol)
    }

    fn assignment(&self, partitions: Vec<PartitionIndex>) -> Bytes {
        write_assignment(&self.names, &partitions).unwrap_or_default()
    }

    fn assigned(&self, assignment: Bytes) -> Option<Vec<PartitionIndex>> {
        read_assignment(&self.names, assignment)
    }

    fn metadata(&self, founding_partitions: u32, leader_epoch: Option<u32>) -> Metadata {
        Metadata {
            text: StrBytes::from_string(commit_metadata::write(founding_partitions)),
            leader_epoch: leader_epoch.map_or(-1, |epoch| epoch as i32),
            negative: None,
        }
    }

    fn founding_partitions(&self, metadata: &Metadata) -> Option<u32> {
        Some(commit_metadata::read(&metadata.text))
    }

    fn leader_epoch(&self, metadata: &Metadata) -> Option<u32> {
        u32::try_from(metadata.leader_epoch).ok()
    }
}
