//! Fetch.

use super::places::READ_COMMITTED;
use super::{BY_ID, Call, Caller, epoch_or_none, millis, result};
use crate::aborted::Aborted;
use crate::dialect::{RecordBatch, Wire};
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use plimsoll_core::Offset;
use plimsoll_protocol::PartitionIndex;
use plimsoll_protocol::{
    Content, FetchRequest, FetchResponse, FetchedPartition, LogEntry, Response,
};

impl Caller<'_> {
    /// Fetches as a consumer, without a session: each fetch names all its partitions. Of
    /// transactions it reads what they committed.
    pub(super) fn fetch(&mut self, fetch: &FetchRequest) -> Option<Call> {
        let version = self.version;
        let positions = fetch.positions.iter();
        let positions = positions.map(|position| (position.partition, position));
        let mut topics = Vec::new();
        for (name, positions) in self.names.by_topic(positions)? {
            let topic = match version {
                BY_ID.. => FetchTopic::default().with_topic_id(self.names.topic_id(&name)?),
                _ => FetchTopic::default().with_topic(name),
            };
            let partitions = positions.into_iter().map(|(index, position)| {
                FetchPartition::default()
                    .with_partition(index)
                    .with_fetch_offset(position.offset as i64)
                    .with_current_leader_epoch(epoch_or_none(position.leader_epoch))
                    .with_last_fetched_epoch(epoch_or_none(position.last_fetched_epoch))
                    .with_partition_max_bytes(at_most(position.max_bytes))
            });
            topics.push(topic.with_partitions(partitions.collect()));
        }
        let request = kafka::FetchRequest::default()
            .with_max_wait_ms(millis(fetch.max_wait)?)
            .with_min_bytes(at_most(fetch.min_bytes))
            .with_max_bytes(at_most(fetch.max_bytes))
            .with_isolation_level(READ_COMMITTED)
            .with_topics(topics);
        let asked = fetch.positions.clone();
        self.asks(&request, |names, response: kafka::FetchResponse| {
            let whole = result(response.error_code);
            let mut fetched = Box::new(FetchResponse {
                asked,
                ..FetchResponse::default()
            });
            for topic in response.responses {
                for told in topic.partitions {
                    let partition =
                        names.told_partition(&topic.topic, topic.topic_id, told.partition_index)?;
                    take(&mut fetched, partition, told)?;
                }
            }
            Some(match whole {
                Ok(()) => Response::Fetch(fetched),
                Err(error) => Response::Failed(error),
            })
        })
    }
}

/// Takes what is told of a partition; `None`: its records are none.
fn take(
    fetched: &mut FetchResponse<Wire>,
    partition: PartitionIndex,
    told: PartitionData,
) -> Option<()> {
    let before = fetched.entries.len();
    let mut aborted = Aborted::new(told.aborted_transactions.unwrap_or_default());
    for (offset, leader_epoch, batch) in RecordBatch::split(told.records.unwrap_or_default())? {
        fetched.entries.push(LogEntry {
            offset: Offset::new(offset),
            leader_epoch,
            content: Content::Batch(batch.fetched(offset, &mut aborted)),
        });
    }
    let diverging = told.diverging_epoch;
    // What lies behind a transaction that has not ended may not be read yet; -1: not said.
    let readable = match told.last_stable_offset {
        end @ 0.. => end,
        _ => told.high_watermark,
    };
    fetched.partitions.push(FetchedPartition {
        partition,
        error: result(told.error_code).err(),
        entries: (fetched.entries.len() - before) as u32,
        high_watermark: readable.max(0) as u64,
        log_start: told.log_start_offset.max(0) as u64,
        diverging: u32::try_from(diverging.epoch)
            .ok()
            .map(|epoch| (epoch, diverging.end_offset.max(0) as u64)),
    });
    Some(())
}

fn at_most(bytes: u32) -> i32 {
    i32::try_from(bytes).unwrap_or(i32::MAX)
}
