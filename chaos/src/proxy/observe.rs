//! From requests and responses to what is reported of them.

use super::frame::{Frame, Header, Unreadable, decode};
use super::seen::{CommitAnswer, Produced, Seen};
use super::session::Session;
use super::versions::{HIDDEN, last_readable};
use crate::known::Wishes;
use bytes::{Buf, Bytes};
use kafka_protocol::messages::{
    ApiKey, ConsumerProtocolAssignment, ConsumerProtocolSubscription, FetchRequest, FetchResponse,
    HeartbeatResponse, JoinGroupRequest, JoinGroupResponse, OffsetCommitRequest,
    OffsetCommitResponse, ProduceRequest, ProduceResponse, SyncGroupResponse,
};
use kafka_protocol::protocol::{Decodable, Message};
use plimsoll_oracle::RequestKind;
use std::time::Duration;

const OFFSET_OUT_OF_RANGE: i16 = 1;
const COORDINATOR_LOAD_IN_PROGRESS: i16 = 14;
const COORDINATOR_NOT_AVAILABLE: i16 = 15;
const NOT_COORDINATOR: i16 = 16;
const ILLEGAL_GENERATION: i16 = 22;
const UNKNOWN_MEMBER_ID: i16 = 25;
const REBALANCE_IN_PROGRESS: i16 = 27;
const FENCED_INSTANCE_ID: i16 = 82;

/// A request, and what it takes to understand the answer.
#[derive(Debug)]
pub(super) struct Asked {
    pub header: Header,
    pub detail: Detail,
    /// Whether the member had closed the connection when the request was sent on.
    pub late: bool,
}

/// The part of a request that its answer does not repeat.
#[derive(Debug)]
pub(super) enum Detail {
    /// Nothing that matters.
    None,
    /// A Produce that wants no answer.
    Unanswered,
    Commit {
        generation: i32,
        /// Topic, partition and next offset.
        offsets: Vec<(String, i32, i64)>,
    },
    /// Topic, partition, and the distance of its last record from its first one.
    Produce(Vec<(String, i32, i32)>),
}

/// What an answer says to the proxy.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// What the broker did.
    pub done: Option<Seen>,
    /// What the member learns by the answer.
    pub learned: Vec<Seen>,
    pub produced: Vec<Produced>,
}

/// Reads a request from a member to the broker of this number; returns what it says, and what it
/// takes to understand its answer.
pub(super) fn request(
    frame: &Frame,
    header: Header,
    broker: u32,
    session: &mut Session,
    assignment: u64,
) -> (Vec<Seen>, Result<Detail, Unreadable>) {
    if HIDDEN.contains(&header.key) {
        return (vec![Seen::Hidden], Ok(Detail::None));
    }
    let Ok(key) = ApiKey::try_from(header.key) else {
        return (Vec::new(), Ok(Detail::None));
    };
    match key {
        ApiKey::OffsetCommit => (vec![Seen::CommitSent { broker }], commit(frame, header)),
        ApiKey::TxnOffsetCommit => (vec![Seen::CommitInTransaction], Ok(Detail::None)),
        ApiKey::LeaveGroup => (vec![Seen::Left], Ok(Detail::None)),
        ApiKey::Produce => (Vec::new(), produce(frame, header)),
        ApiKey::JoinGroup => told(join(frame, header).map(|seen| vec![seen])),
        ApiKey::Fetch => {
            let request = body::<FetchRequest>(frame, ApiKey::Fetch, header.version);
            told(request.map(|request| session.fetch(&request, assignment)))
        }
        _ => (Vec::new(), Ok(Detail::None)),
    }
}

fn told(seen: Result<Vec<Seen>, Unreadable>) -> (Vec<Seen>, Result<Detail, Unreadable>) {
    match seen {
        Ok(seen) => (seen, Ok(Detail::None)),
        Err(error) => (Vec::new(), Err(error)),
    }
}

fn commit(frame: &Frame, header: Header) -> Result<Detail, Unreadable> {
    let request: OffsetCommitRequest = body(frame, ApiKey::OffsetCommit, header.version)?;
    let offsets = request.topics.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions.map(|it| {
            (
                topic.name.to_string(),
                it.partition_index,
                it.committed_offset,
            )
        })
    });
    Ok(Detail::Commit {
        generation: request.generation_id_or_member_epoch,
        offsets: offsets.collect(),
    })
}

fn produce(frame: &Frame, header: Header) -> Result<Detail, Unreadable> {
    let request: ProduceRequest = body(frame, ApiKey::Produce, header.version)?;
    if request.acks == 0 {
        return Ok(Detail::Unanswered);
    }
    let batches = request.topic_data.iter().flat_map(|topic| {
        topic.partition_data.iter().filter_map(|it| {
            let last = last_offset_delta(it.records.as_deref()?)?;
            Some((topic.name.to_string(), it.index, last))
        })
    });
    Ok(Detail::Produce(batches.collect()))
}

/// Reads the offset of the last record, counted from the first one, out of a record batch. All
/// versions of Produce that brokers still take have one batch a partition.
fn last_offset_delta(batch: &[u8]) -> Option<i32> {
    batch
        .get(23..)?
        .first_chunk()
        .map(|bytes| i32::from_be_bytes(*bytes))
}

fn join(frame: &Frame, header: Header) -> Result<Seen, Unreadable> {
    let request: JoinGroupRequest = body(frame, ApiKey::JoinGroup, header.version)?;
    let owned = match request.protocols.first() {
        Some(protocol) if &*request.protocol_type == "consumer" => {
            embedded::<ConsumerProtocolSubscription>(&protocol.metadata)?
                .map(|subscription| subscription.owned_partitions)
                .unwrap_or_default()
        }
        _ => Vec::new(),
    };
    let owned = owned
        .iter()
        .flat_map(|it| partitions(&it.topic, &it.partitions));
    let session = u64::try_from(request.session_timeout_ms).ok();
    Ok(Seen::Joining {
        owned: owned.collect(),
        wishes: Wishes {
            session_timeout: Duration::from_millis(session.unwrap_or(0)),
            is_static: request.group_instance_id.is_some(),
        },
    })
}

impl Asked {
    /// Returns the kind that a scenario calls such requests by.
    pub(super) fn kind(&self) -> Option<RequestKind> {
        RequestKind::of_api_key(self.header.key)
    }

    pub(super) fn has_answer(&self) -> bool {
        !matches!(self.detail, Detail::Unanswered)
    }

    pub(super) fn is_commit(&self) -> bool {
        self.header.key == ApiKey::OffsetCommit as i16
    }

    /// Reads what its answer says.
    pub(super) fn answer(&self, key: ApiKey, body: Bytes) -> Result<Answer, Unreadable> {
        let version = self.header.version;
        match key {
            ApiKey::OffsetCommit => self.commit_answer(whole(key, body, version)?),
            ApiKey::Produce => self.produce_answer(whole(key, body, version)?),
            ApiKey::Fetch => Ok(fetch_answer(&whole(key, body, version)?)),
            ApiKey::JoinGroup => Ok(join_answer(&whole(key, body, version)?)),
            ApiKey::SyncGroup => sync_answer(&whole(key, body, version)?),
            ApiKey::Heartbeat => {
                let response: HeartbeatResponse = whole(key, body, version)?;
                Ok(heartbeat_answer(&response))
            }
            _ => Ok(Answer::default()),
        }
    }

    fn commit_answer(&self, response: OffsetCommitResponse) -> Result<Answer, Unreadable> {
        let Detail::Commit {
            generation,
            offsets,
        } = &self.detail
        else {
            return Err(Unreadable::new("its request could not be read"));
        };
        let error_of = |topic: &str, partition| {
            let topics = response.topics.iter().filter(|it| &*it.name == topic);
            topics
                .flat_map(|topic| &topic.partitions)
                .find(|it| it.partition_index == partition)
                .map(|it| it.error_code)
        };
        let mut answer = Answer::default();
        let mut answers = Vec::new();
        for (topic, partition, next) in offsets {
            let Some(error) = error_of(topic, *partition) else {
                continue;
            };
            if is_fenced(error) && answer.learned.is_empty() {
                answer.learned.push(Seen::Fenced {
                    request: RequestKind::OffsetCommit,
                    error,
                });
            }
            if let (Ok(partition), Ok(next)) = (u32::try_from(*partition), u64::try_from(*next)) {
                answers.push(CommitAnswer {
                    topic: topic.clone(),
                    partition,
                    next,
                    error,
                });
            }
        }
        answer.done = Some(Seen::CommitAnswered {
            generation: *generation,
            offsets: answers,
            late: self.late,
        });
        Ok(answer)
    }

    fn produce_answer(&self, response: ProduceResponse) -> Result<Answer, Unreadable> {
        let Detail::Produce(batches) = &self.detail else {
            return Err(Unreadable::new("its request could not be read"));
        };
        let mut answer = Answer::default();
        for topic in &response.responses {
            for it in topic
                .partition_responses
                .iter()
                .filter(|it| it.error_code == 0)
            {
                let sent = batches
                    .iter()
                    .find(|(name, partition, _)| **name == **topic.name && *partition == it.index);
                let last = sent.map(|(_, _, delta)| it.base_offset + i64::from(*delta));
                let last = last.and_then(|last| u64::try_from(last).ok());
                if let (Some(offset), Ok(partition)) = (last, u32::try_from(it.index)) {
                    answer.produced.push(Produced {
                        topic: topic.name.to_string(),
                        partition,
                        offset,
                    });
                }
            }
        }
        Ok(answer)
    }
}

fn fetch_answer(response: &FetchResponse) -> Answer {
    let learned = response.responses.iter().flat_map(|topic| {
        let partitions = topic.partitions.iter();
        partitions
            .filter(|it| it.error_code == OFFSET_OUT_OF_RANGE)
            .filter_map(|it| {
                Some(Seen::OutOfRange {
                    topic: topic.topic.to_string(),
                    partition: u32::try_from(it.partition_index).ok()?,
                })
            })
    });
    Answer {
        learned: learned.collect(),
        ..Answer::default()
    }
}

fn join_answer(response: &JoinGroupResponse) -> Answer {
    match response.error_code {
        COORDINATOR_LOAD_IN_PROGRESS | COORDINATOR_NOT_AVAILABLE | NOT_COORDINATOR => Answer {
            learned: vec![Seen::JoinRefused],
            ..Answer::default()
        },
        error => learned(RequestKind::JoinGroup, error, || Seen::Joined {
            generation: response.generation_id,
        }),
    }
}

fn sync_answer(response: &SyncGroupResponse) -> Result<Answer, Unreadable> {
    let assigned = match response.error_code {
        0 => embedded::<ConsumerProtocolAssignment>(&response.assignment)?,
        _ => None,
    };
    let assigned = assigned
        .map(|it| it.assigned_partitions)
        .unwrap_or_default();
    Ok(learned(RequestKind::SyncGroup, response.error_code, || {
        let assigned = assigned
            .iter()
            .flat_map(|it| partitions(&it.topic, &it.partitions));
        Seen::Synced {
            partitions: assigned.collect(),
        }
    }))
}

fn heartbeat_answer(response: &HeartbeatResponse) -> Answer {
    match response.error_code {
        0 => Answer::default(),
        REBALANCE_IN_PROGRESS => Answer {
            learned: vec![Seen::RebalanceAsked],
            ..Answer::default()
        },
        error => learned(RequestKind::Heartbeat, error, || Seen::RebalanceAsked),
    }
}

/// Returns what the member learns of `request`: `success` without an error, perhaps that it is
/// fenced.
fn learned(request: RequestKind, error: i16, success: impl FnOnce() -> Seen) -> Answer {
    let seen = match error {
        0 => Some(success()),
        error if is_fenced(error) => Some(Seen::Fenced { request, error }),
        _ => None,
    };
    Answer {
        learned: seen.into_iter().collect(),
        ..Answer::default()
    }
}

fn is_fenced(error: i16) -> bool {
    matches!(
        error,
        ILLEGAL_GENERATION | UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID
    )
}

fn partitions(topic: &str, partitions: &[i32]) -> impl Iterator<Item = (String, u32)> {
    partitions
        .iter()
        .filter_map(move |partition| Some((topic.to_owned(), u32::try_from(*partition).ok()?)))
}

fn body<T: Decodable>(frame: &Frame, key: ApiKey, version: i16) -> Result<T, Unreadable> {
    whole(key, frame.request_body(key, version)?, version)
}

fn whole<T: Decodable>(key: ApiKey, mut body: Bytes, version: i16) -> Result<T, Unreadable> {
    if last_readable(key).is_some_and(|last| version > last) {
        return Err(Unreadable::new(format!(
            "version {version} was not offered"
        )));
    }
    decode(&mut body, version)
}

/// Reads what a member wrote into a field that brokers do not read: a version, and then what that
/// version has. Later versions only add to it.
fn embedded<T: Decodable + Message>(bytes: &Bytes) -> Result<Option<T>, Unreadable> {
    let mut bytes = bytes.clone();
    if bytes.len() < size_of::<i16>() {
        return Ok(None);
    }
    let version = bytes.get_i16();
    decode(&mut bytes, version.min(T::VERSIONS.max)).map(Some)
}
