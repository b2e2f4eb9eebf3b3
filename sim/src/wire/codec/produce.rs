//! Produce.

use super::{Context, Plan, body};
use crate::protocol::{Batch as _, Content, LogEntry, Request, Response};
use crate::topology::PartitionIndex;
use crate::wire::At;
use crate::wire::rules::{BadBatch, Rules};
use crate::wire::settings::TopicSettings;
use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::produce_response::{
    BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse,
};
use plimsoll_codec::topic_name;
use plimsoll_codec::{BY_ID, RecordBatch, Wire};
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::Acks;
use uuid::Uuid;

/// An append that is asked for.
struct Append {
    partition: PartitionIndex,
    /// The end of the log before: a batch that lies below it came again.
    end: u64,
    /// The time of the append, where the topic's records get that.
    time: Option<i64>,
}

/// Why nothing is appended.
struct Refused {
    code: i16,
    /// The numbers of the records that are to blame.
    records: Vec<i32>,
    /// The partition of which the answer tells where its log starts.
    tells: Option<PartitionIndex>,
}

impl Refused {
    fn with(error: ResponseError) -> Self {
        Self {
            code: error.code(),
            records: Vec::new(),
            tells: None,
        }
    }

    fn bad(batch: &BadBatch, partition: PartitionIndex) -> Self {
        Self {
            code: batch.error().code(),
            records: batch.records().to_vec(),
            tells: batch.tells_start().then_some(partition),
        }
    }

    fn by_broker(code: i16, partition: PartitionIndex) -> Self {
        Self {
            code,
            records: Vec::new(),
            tells: tells_start(code).then_some(partition),
        }
    }
}

impl Context<'_, '_> {
    /// Appends to all partitions at once, and answers when the last one is done (`DelayedProduce`).
    pub(super) fn produce(&mut self, request: kafka::ProduceRequest) -> Plan {
        let version = self.version;
        let acks = match request.acks {
            0 => Some(Acks::None),
            1 => Some(Acks::Leader),
            -1 => Some(Acks::All),
            _ => None,
        };
        let mut batches = Vec::new();
        // By topic, its partitions: what is appended to each, or why it is refused.
        let mut asked = Vec::new();
        for mut topic in request.topic_data {
            let unknown = self.name_by_id(&mut topic.name, topic.topic_id);
            let mut partitions = Vec::new();
            for data in topic.partition_data {
                let partition = self.names.known.partition(&topic.name, data.index);
                let admitted = match (acks, partition) {
                    (None, _) => Err(Refused::with(ResponseError::InvalidRequiredAcks)),
                    (_, None) => Err(Refused::with(unknown)),
                    (_, Some(partition)) => {
                        self.admit(&topic.name, partition, data.records.unwrap_or_default())
                    }
                };
                let append = admitted.map(|(append, batch)| {
                    batches.push((append.partition, batch));
                    append
                });
                partitions.push((data.index, append));
            }
            asked.push((topic.name, topic.topic_id, partitions));
        }
        let mut appends = asked.iter().flat_map(|(.., partitions)| partitions);
        let are_taken = appends.all(|(_, append)| append.is_ok());
        let acks = acks.unwrap_or(Acks::All);
        let is_silent = acks == Acks::None;
        let parts = batches
            .into_iter()
            .map(|(partition, batch)| Request::Produce {
                partition,
                batch,
                // Where an error cannot be told, the connection is closed behind the appends
                // (`KafkaApis.handleProduceRequest`).
                acks: match is_silent && !are_taken {
                    true => Acks::Leader,
                    false => acks,
                },
                timeout_ms: u32::try_from(request.timeout_ms).unwrap_or(0),
            });
        let mut plan = Plan::together(parts, move |_, at, answers| {
            if is_silent {
                return None;
            }
            let mut answers = answers.into_iter();
            let topics = asked.into_iter().map(|(name, id, partitions)| {
                let partitions = partitions.into_iter().map(|(index, append)| {
                    let result = append.and_then(|append| produced(append, answers.next()));
                    partition_response(at, result).with_index(index)
                });
                TopicProduceResponse::default()
                    .with_name(name)
                    .with_topic_id(id)
                    .with_partition_responses(partitions.collect())
            });
            let response = kafka::ProduceResponse::default().with_responses(topics.collect());
            body(&response, version)
        });
        plan.is_silent = is_silent && are_taken;
        plan
    }

    /// Takes the records for a partition as a batch that may be appended there.
    fn admit(
        &self,
        topic: &str,
        partition: PartitionIndex,
        records: Bytes,
    ) -> Result<(Append, RecordBatch), Refused> {
        let settings = self.names.settings.get(topic);
        let rules = Rules::of(settings.unwrap_or(&TopicSettings::new()));
        let time = self.at.time;
        let batch = RecordBatch::read(records).map_err(BadBatch::from);
        let batch = batch.and_then(|batch| rules.admit(batch, time));
        match batch {
            Ok(batch) => {
                let last = self.at.state.hosted(partition).and_then(<[_]>::last);
                let append = Append {
                    partition,
                    end: last.map_or(0, LogEntry::end),
                    time: rules.append_time(time),
                };
                Ok((append, batch))
            }
            // A broker looks at no log that it does not lead.
            Err(bad) if bad.is_of_log() && !self.at.state.leads(partition) => {
                Err(Refused::with(ResponseError::NotLeaderOrFollower))
            }
            Err(bad) => Err(Refused::bad(&bad, partition)),
        }
    }

    /// Finds the name of a topic that a request names by its id. Returns the error of its
    /// partitions that there are not.
    pub(super) fn name_by_id(&self, name: &mut kafka::TopicName, id: Uuid) -> ResponseError {
        match self.names.known.topic_with(id).filter(|_| !id.is_nil()) {
            Some(known) => *name = topic_name(known),
            None if self.version >= BY_ID => return ResponseError::UnknownTopicId,
            None => {}
        }
        ResponseError::UnknownTopicOrPartition
    }
}

/// Makes the answer for one partition: the offset of what was appended, or why nothing was.
fn partition_response(
    at: &At<'_>,
    result: Result<(Append, u64), Refused>,
) -> PartitionProduceResponse {
    let start = |partition| at.state.log_ends(partition).0.get() as i64;
    let response = PartitionProduceResponse::default();
    match result {
        Ok((append, offset)) => {
            let time = match offset < append.end {
                // `UnifiedLog.append`: of a batch that came again, the time of the first one.
                true => timestamp_at(at, append.partition, offset),
                false => append.time,
            };
            response
                .with_base_offset(offset as i64)
                .with_log_append_time_ms(time.unwrap_or(-1))
                .with_log_start_offset(start(append.partition))
        }
        Err(refused) => {
            let error = |number| BatchIndexAndErrorMessage::default().with_batch_index(number);
            response
                .with_error_code(refused.code)
                .with_base_offset(-1)
                .with_log_append_time_ms(-1)
                .with_log_start_offset(refused.tells.map_or(-1, start))
                .with_record_errors(refused.records.into_iter().map(error).collect())
        }
    }
}

/// Returns the greatest timestamp of the batch at an offset.
pub(super) fn timestamp_at(at: &At<'_>, partition: PartitionIndex, offset: u64) -> Option<i64> {
    let entries = at.state.hosted(partition)?;
    let place = entries.binary_search_by_key(&offset, |entry| entry.offset.get());
    match &entries[place.ok()?].content {
        Content::Batch(batch) => batch.max_timestamp(),
        _ => None,
    }
}

fn produced(append: Append, answer: Option<Response<Wire>>) -> Result<(Append, u64), Refused> {
    let code = match answer {
        Some(Response::Produce(Ok(offset))) => return Ok((append, offset.get())),
        Some(Response::Produce(Err(error)) | Response::Failed(error)) => error.code(),
        _ => ResponseError::UnknownServerError.code(),
    };
    Err(Refused::by_broker(code, append.partition))
}

/// Returns whether an answer with an error tells where the log starts, since that was looked at
/// (`ReplicaManager.appendRecordsToLocalLog`).
fn tells_start(code: i16) -> bool {
    [
        ErrorName::OutOfOrderSequenceNumber,
        ErrorName::InvalidProducerEpoch,
        ErrorName::NotEnoughReplicas,
        ErrorName::RequestTimedOut,
    ]
    .iter()
    .any(|error| error.code() == code)
}
