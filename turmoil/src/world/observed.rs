//! What the brokers' logs and answers show, as entries of the trace.

use super::World;
use super::brokers::{DEAD_LETTERS, kind};
use bytes::Bytes;
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, RequestHeader, ResponseHeader,
};
use kafka_protocol::protocol::{Decodable, HeaderVersion};
use plimsoll_codec::contents::{self, Record};
use plimsoll_codec::{OFFSETS_TOPIC, RecordBatch};
use plimsoll_core::{NextOffset, Offset, TopicPartition};
use plimsoll_oracle::{BrokerId, ErrorName, MemberId, MessageId, RequestKind, TraceEvent};
use plimsoll_scenarios::scenario::Message;
use plimsoll_serve::inside::TOOL;
use plimsoll_serve::produce::MESSAGE;
use plimsoll_sim::served::{CommitSeen, Seen};

impl World {
    /// Returns the partition of the plan that a topic's name and a number mean.
    pub(super) fn partition(&self, (topic, number): &(String, i32)) -> Option<TopicPartition> {
        let mut topics = self.plan.settings.topics.iter();
        let topic = topics.position(|of| of.name == *topic)?;
        Some(TopicPartition::new(topic as u32, number.cast_unsigned()))
    }

    /// Returns where a message stands, as far as it can be read; where it cannot, at the beginning.
    pub(crate) fn place_of(&self, message: &Message) -> Offset {
        let mut stored = self.stored.iter();
        let found = stored
            .find(|((partition, _), id)| *partition == message.partition && **id == message.id);
        found.map_or(Offset::new(0), |((_, offset), _)| *offset)
    }

    /// Takes in that a partition has another leader.
    pub(super) fn led(&mut self, topic: &str, number: i32, leader: BrokerId, epoch: u32) {
        // There is one partition of it, and so one coordinator.
        if topic == OFFSETS_TOPIC {
            return self.observe(TraceEvent::CoordinatorChanged { broker: leader });
        }
        if let Some(partition) = self.partition(&(topic.to_owned(), number)) {
            self.observe(TraceEvent::LeaderChanged {
                partition,
                leader,
                epoch,
            });
        }
    }

    /// Takes in what became of a log.
    pub(super) fn seen(&mut self, seen: Seen) {
        let event = match seen {
            Seen::Stored {
                partition,
                offset,
                batch,
            } => return self.stored(&partition, offset, &batch),
            Seen::Committed(commit) => return self.committed(&commit),
            Seen::Truncated { partition, log_end } => self
                .partition(&partition)
                .map(|partition| TraceEvent::Truncated { partition, log_end }),
            Seen::Removed {
                partition,
                log_start,
            } => self
                .partition(&partition)
                .map(|partition| TraceEvent::Removed {
                    partition,
                    log_start,
                }),
        };
        if let Some(event) = event {
            self.observe(event);
        }
    }

    fn stored(&mut self, at: &(String, i32), first: Offset, batch: &RecordBatch) {
        let Ok(bytes) = contents::decompressed(batch) else {
            return;
        };
        let records: Result<Vec<_>, _> = contents::read(batch, &bytes).collect();
        let records = records.unwrap_or_default();
        let is_letter = at.0 == DEAD_LETTERS;
        let partition = self.partition(at);
        for record in &records {
            let event = match partition {
                Some(partition) => stored(partition, first, record),
                None if is_letter => self.dead_letter(record),
                None => None,
            };
            if let Some(TraceEvent::Stored {
                message,
                partition,
                offset,
                ..
            }) = event
            {
                self.stored.insert((partition, offset), message);
            }
            if let Some(event) = event {
                self.observe(event);
            }
        }
    }

    fn dead_letter(&self, record: &Record<'_>) -> Option<TraceEvent> {
        let number = |name| header(record, name)?.parse::<u64>().ok();
        let topic = header(record, "plimsoll-topic")?.to_owned();
        let number_of = i32::try_from(number("plimsoll-partition")?).ok()?;
        let message = message_of(record)?;
        Some(TraceEvent::DeadLettered {
            member: self.handlers.tried_by(message)?,
            partition: self.partition(&(topic, number_of))?,
            offset: Offset::new(number("plimsoll-offset")?),
            message,
            epoch: None,
        })
    }

    /// Takes in a request that reached its broker after the member had closed the connection.
    pub(super) fn came_late(&mut self, member: MemberId, request: &Bytes) {
        for (place, next) in offsets(request.clone()).into_iter().flatten() {
            let partition = self.partition(&place);
            self.late.extend(partition.map(|of| (member, of, next)));
        }
    }

    fn committed(&mut self, commit: &CommitSeen) {
        let Some(partition) = self.partition(&commit.partition) else {
            return;
        };
        let client = commit.client_id.as_deref();
        if client == Some(TOOL) {
            let next = commit.next;
            return self.observe(TraceEvent::OffsetsReset { partition, next });
        }
        let Some(member) = client.and_then(member_called) else {
            return;
        };
        let late = self.late.remove(&(member, partition, commit.next));
        if late || commit.late {
            self.observe(TraceEvent::LateCommit { member, partition });
        }
        self.observe(TraceEvent::Committed {
            member,
            partition,
            next: commit.next,
            generation: commit.generation,
            rebalancing: commit.rebalancing,
        });
    }
}

fn stored(partition: TopicPartition, first: Offset, record: &Record<'_>) -> Option<TraceEvent> {
    Some(TraceEvent::Stored {
        message: message_of(record)?,
        partition,
        offset: Offset::new(first.get() + u64::from(record.number)),
        key: record.key.and_then(key_of),
    })
}

/// Returns the message that a record carries.
fn message_of(record: &Record<'_>) -> Option<MessageId> {
    header(record, MESSAGE)?.parse().ok().map(MessageId)
}

fn header<'a>(record: &Record<'a>, name: &str) -> Option<&'a str> {
    let mut headers = record.headers.iter();
    let (_, value) = headers.find(|(found, _)| found == name)?;
    str::from_utf8((*value)?).ok()
}

/// Returns the key that the producer wrote so ([`plimsoll_serve::produce::NewRecord::of`]).
pub(crate) fn key_of(key: &[u8]) -> Option<u32> {
    str::from_utf8(key).ok()?.strip_prefix("key-")?.parse().ok()
}

/// Returns the member that calls itself so.
fn member_called(name: &str) -> Option<MemberId> {
    let number: u32 = name.strip_prefix("consumer-")?.parse().ok()?;
    number.checked_sub(1).map(MemberId)
}

/// Returns the offsets in a commit, by topic and partition; `None`: it is another request.
fn offsets(mut request: Bytes) -> Option<Vec<((String, i32), NextOffset)>> {
    let version = commit_version(&request)?;
    let header = OffsetCommitRequest::header_version(version);
    RequestHeader::decode(&mut request, header).ok()?;
    let commit = OffsetCommitRequest::decode(&mut request, version).ok()?;
    let offsets = commit.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|of| {
            let place = (topic.name.to_string(), of.partition_index);
            (place, NextOffset::new(of.committed_offset.cast_unsigned()))
        })
    });
    Some(offsets.collect())
}

/// Returns the error with which a broker refused a commit, if the answer is one to a commit, and
/// says so. The broker has read the request.
pub(super) fn refusal(request: &[u8], mut answer: Bytes) -> Option<ErrorName> {
    let version = commit_version(request)?;
    let header = OffsetCommitResponse::header_version(version);
    ResponseHeader::decode(&mut answer, header).ok()?;
    let answer = OffsetCommitResponse::decode(&mut answer, version).ok()?;
    let topics = answer.topics.iter();
    let mut codes = topics.flat_map(|topic| topic.partitions.iter().map(|of| of.error_code));
    codes.find(|code| *code != 0).and_then(ErrorName::from_code)
}

/// Returns the version of a commit; `None`: it is another request.
fn commit_version(request: &[u8]) -> Option<i16> {
    let is_commit = kind(request) == Some(RequestKind::OffsetCommit);
    let version = request.get(2..)?.first_chunk()?;
    is_commit.then(|| i16::from_be_bytes(*version))
}
