//! Fetch.

use super::{Context, Plan, body};
use crate::protocol::{
    Content, FetchPosition, FetchRequest, FetchResponse, FetchedPartition, LogEntry, NO_EPOCH,
    Request, Response,
};
use crate::topology::PartitionIndex;
use crate::wire::At;
use crate::wire::sessions::{Asked, Opening, Wanted, key};
use bytes::{Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::fetch_response::{
    EpochEndOffset, FetchableTopicResponse, PartitionData,
};
use plimsoll_codec::topic_name;
use plimsoll_codec::{BY_ID, Wire};
use plimsoll_oracle::ErrorName;
use std::collections::BTreeMap;
use std::time::Duration;

/// `fetch.max.bytes` of brokers.
const MAX_BYTES: u32 = 55 << 20;

/// Where a partition is that is asked for, or why it is not read.
type Place = Result<PartitionIndex, ResponseError>;

impl Context<'_, '_> {
    /// Reads the partitions of a fetch, and those of its session (`KafkaApis.handleFetchRequest`).
    pub(super) fn fetch(&mut self, request: kafka::FetchRequest) -> Plan {
        let version = self.version;
        let session = request.session_id;
        let mut fetch = self.at.shared.fetch_request();
        fetch.follower = false;
        fetch.max_wait = Duration::from_millis(request.max_wait_ms.max(0) as u64);
        // What is not read is not waited for.
        fetch.max_bytes = at_least_0(request.max_bytes).min(MAX_BYTES);
        fetch.min_bytes = at_least_0(request.min_bytes).min(fetch.max_bytes);
        fetch.is_incremental = false;
        let opening = self.opening(request);
        let names = &*self.names;
        let name = |id| names.known.topic_with(id).map(topic_name);
        let (context, asked) = match self.at.sessions.begin(self.at.now, opening, name) {
            Ok(begun) => begun,
            Err(error) => {
                self.at.shared.recycle_request(fetch);
                let response = kafka::FetchResponse::default().with_error_code(error.code());
                return Plan::answer(body(&response, version));
            }
        };
        let places = self.fill(&mut fetch, &asked);
        Plan::of_broker([Request::Fetch(fetch)], move |_, at, mut answers| {
            let mut response = kafka::FetchResponse::default();
            match answers.pop() {
                Some(Response::Fetch(fetched)) => {
                    let told = told(&fetched);
                    let answers = asked.into_iter().zip(places).map(|(asked, place)| {
                        let data = answer(at, &told, place).with_partition_index(asked.index);
                        (asked, data)
                    });
                    let mut answers = answers.collect();
                    at.shared.recycle_response(fetched);
                    let ended = at.sessions.end(at.now, context, &mut answers);
                    match ended {
                        Ok(_) => response.responses = by_topic(answers),
                        Err(error) => response.error_code = error.code(),
                    }
                    response.session_id = ended.unwrap_or(session);
                }
                Some(Response::Failed(error)) => response.error_code = error.code(),
                _ => return None,
            }
            body(&response, version)
        })
    }

    /// Returns what a fetch says of its session, and of what it asks for.
    fn opening(&self, request: kafka::FetchRequest) -> Opening {
        let mut asked = Vec::new();
        for topic in request.topics {
            let name = match topic.topic_id.is_nil() {
                true => Some(&*topic.topic.0),
                false => self.names.known.topic_with(topic.topic_id),
            };
            let name = name.map(topic_name).unwrap_or_default();
            asked.extend(topic.partitions.iter().map(|partition| Asked {
                topic: name.clone(),
                topic_id: topic.topic_id,
                index: partition.partition,
                wanted: Wanted {
                    offset: partition.fetch_offset,
                    leader_epoch: partition.current_leader_epoch,
                    last_fetched_epoch: partition.last_fetched_epoch,
                    max_bytes: partition.partition_max_bytes,
                },
            }));
        }
        let mut forgotten = Vec::new();
        for topic in request.forgotten_topics_data {
            let indexes = topic.partitions.into_iter();
            forgotten.extend(indexes.map(|index| key(topic.topic_id, &topic.topic, index)));
        }
        Opening {
            session: request.session_id,
            epoch: request.session_epoch,
            uses_topic_ids: self.version >= BY_ID,
            asked,
            forgotten,
        }
    }

    /// Puts what is asked for into a request. Returns where each of it is.
    fn fill(&self, fetch: &mut FetchRequest, asked: &[Asked]) -> Vec<Place> {
        let places: Vec<Place> = asked.iter().map(|asked| self.place(asked)).collect();
        let mut first = None;
        for (asked, place) in asked.iter().zip(&places) {
            match place {
                Ok(partition) => {
                    fetch.positions.insert(position(*partition, &asked.wanted));
                    first.get_or_insert(*partition);
                }
                Err(ResponseError::InconsistentTopicId) => fetch.max_wait = Duration::ZERO,
                Err(_) => {}
            }
        }
        fetch.first = first.unwrap_or_default();
        places
    }

    fn place(&self, asked: &Asked) -> Place {
        if self.version >= BY_ID && asked.topic.is_empty() {
            return Err(ResponseError::UnknownTopicId);
        }
        let partition = self.names.known.partition(&asked.topic, asked.index);
        let partition = partition.ok_or(ResponseError::UnknownTopicOrPartition)?;
        let known = self.names.known.topic(&asked.topic.0);
        match known.is_some_and(|topic| topic.id == asked.topic_id || asked.topic_id.is_nil()) {
            true => Ok(partition),
            // A session has the name from a topic that was deleted (`ReplicaManager.readFromLog`).
            false => Err(ResponseError::InconsistentTopicId),
        }
    }
}

fn at_least_0(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn position(partition: PartitionIndex, wanted: &Wanted) -> FetchPosition {
    FetchPosition {
        partition,
        // No log reaches that far: it is answered as what lies outside.
        offset: u64::try_from(wanted.offset).unwrap_or(u64::MAX),
        leader_epoch: u32::try_from(wanted.leader_epoch).unwrap_or(NO_EPOCH),
        last_fetched_epoch: u32::try_from(wanted.last_fetched_epoch).unwrap_or(NO_EPOCH),
        high_watermark: u64::MAX,
        log_start: 0,
        max_bytes: at_least_0(wanted.max_bytes),
    }
}

/// Puts partitions of the same topic that follow each other together (`FetchResponse.toMessage`).
fn by_topic(answers: Vec<(Asked, PartitionData)>) -> Vec<FetchableTopicResponse> {
    let mut topics = Vec::<FetchableTopicResponse>::new();
    for (asked, data) in answers {
        let is_of = |topic: &&mut FetchableTopicResponse| {
            (&topic.topic, topic.topic_id) == (&asked.topic, asked.topic_id)
        };
        match topics.last_mut().filter(is_of) {
            Some(topic) => topic.partitions.push(data),
            None => topics.push(
                FetchableTopicResponse::default()
                    .with_topic(asked.topic)
                    .with_topic_id(asked.topic_id)
                    .with_partitions(vec![data]),
            ),
        }
    }
    topics
}

/// What a broker told of a partition, and the entries that it read there.
type Told<'a> = (&'a FetchedPartition, &'a [LogEntry<Wire>]);

/// Returns what was told, by partition.
fn told(fetched: &FetchResponse<Wire>) -> BTreeMap<PartitionIndex, Told<'_>> {
    let mut rest = &fetched.entries[..];
    let partitions = fetched.partitions.iter().map(|told| {
        let (entries, behind) = rest.split_at((told.entries as usize).min(rest.len()));
        rest = behind;
        (told.partition, (told, entries))
    });
    partitions.collect()
}

/// Makes the answer of one partition. Of one with nothing new, nothing was told.
fn answer(
    at: &At<'_>,
    told: &BTreeMap<PartitionIndex, Told<'_>>,
    partition: Result<PartitionIndex, ResponseError>,
) -> PartitionData {
    let data = PartitionData::default()
        .with_high_watermark(-1)
        .with_last_stable_offset(-1)
        .with_log_start_offset(-1)
        .with_preferred_read_replica((-1).into())
        .with_records(Some(Bytes::new()));
    let partition = match partition {
        Ok(partition) => partition,
        Err(error) => return data.with_error_code(error.code()),
    };
    let (start, end, entries, diverging) = match told.get(&partition) {
        Some((told, entries)) => match told.error {
            Some(error) => return data.with_error_code(ErrorName::code(error)),
            None => (
                told.log_start,
                told.high_watermark,
                *entries,
                told.diverging,
            ),
        },
        None => {
            let (start, end) = at.state.log_ends(partition);
            (start.get(), end.get(), [].as_slice(), None)
        }
    };
    let data = match diverging {
        Some((epoch, end)) => data.with_diverging_epoch(
            EpochEndOffset::default()
                .with_epoch(epoch as i32)
                .with_end_offset(end as i64),
        ),
        None => data,
    };
    data.with_high_watermark(end as i64)
        .with_last_stable_offset(end as i64)
        .with_log_start_offset(start as i64)
        .with_records(Some(records(entries)))
}

fn records(entries: &[LogEntry<Wire>]) -> Bytes {
    let size = entries.iter().map(|entry| entry.size() as usize).sum();
    let mut records = BytesMut::with_capacity(size);
    for entry in entries {
        if let Content::Batch(batch) = &entry.content {
            batch.write(entry.offset.get(), entry.leader_epoch, &mut records);
        }
    }
    records.freeze()
}
