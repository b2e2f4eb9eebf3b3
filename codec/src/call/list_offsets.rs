//! ListOffsets.

use super::places::{self, CONSUMER, READ_COMMITTED};
use super::{Call, Caller, epoch_or_none};
use crate::dialect::Wire;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use plimsoll_protocol::{NO_EPOCH, Request, Wanted};

impl Caller<'_> {
    pub(super) fn list_offsets(&mut self, parts: &[Request<Wire>]) -> Option<Call> {
        let version = self.version;
        let asked = places::asked(parts)?;
        let mut wanted = Vec::new();
        for request in &asked {
            // Before version 4 there is no room for what the sender knows.
            if version < 4 && request.leader_epoch != NO_EPOCH {
                return None;
            }
            wanted.push((
                request.partition,
                (request, timestamp(request.wanted, version)?),
            ));
        }
        let topics = self
            .names
            .by_topic(wanted)?
            .into_iter()
            .map(|(name, wanted)| {
                let partitions = wanted.into_iter().map(|(index, (request, timestamp))| {
                    ListOffsetsPartition::default()
                        .with_partition_index(index)
                        .with_current_leader_epoch(epoch_or_none(request.leader_epoch))
                        .with_timestamp(timestamp)
                });
                ListOffsetsTopic::default()
                    .with_name(name)
                    .with_partitions(partitions.collect())
            });
        // Before version 2 there are no transactions.
        let isolation = if version < 2 { 0 } else { READ_COMMITTED };
        let request = kafka::ListOffsetsRequest::default()
            .with_replica_id(CONSUMER.into())
            .with_isolation_level(isolation)
            .with_topics(topics.collect());
        self.asks(
            &request,
            move |names, response: kafka::ListOffsetsResponse| {
                let told = response.topics.into_iter().flat_map(|topic| {
                    topic.partitions.into_iter().map(move |place| {
                        let found =
                            places::found(place.offset, place.leader_epoch, place.timestamp);
                        let of = (topic.name.clone(), place.partition_index);
                        (of, place.error_code, found)
                    })
                });
                places::answers(names, &asked, told)
            },
        )
    }
}

/// Returns what a timestamp of `ListOffsets` asks for, where this version has it
/// (`ReplicaManager.timestampMinSupportedVersion`).
pub fn at_timestamp(timestamp: i64, version: i16) -> Option<Wanted> {
    match timestamp {
        0.. => Some(Wanted::Timestamp(timestamp)),
        -1 => Some(Wanted::Latest),
        -2 => Some(Wanted::Earliest),
        -3 if version >= 7 => Some(Wanted::MaxTimestamp),
        // All that there is lies on the broker's own disk (KIP-405) ...
        -4 if version >= 8 => Some(Wanted::Earliest),
        // ... and nothing elsewhere (KIP-1005).
        -5 if version >= 9 => Some(Wanted::Timestamp(i64::MAX)),
        _ => None,
    }
}

/// Returns the timestamp that asks for a place, where this version has it: the reverse of
/// [`at_timestamp`].
fn timestamp(wanted: Wanted, version: i16) -> Option<i64> {
    let timestamp = match wanted {
        Wanted::Timestamp(timestamp) => timestamp,
        Wanted::Latest => -1,
        Wanted::Earliest => -2,
        Wanted::MaxTimestamp => -3,
        Wanted::EndOfEpoch(_) | Wanted::Removal { .. } => return None,
    };
    (at_timestamp(timestamp, version) == Some(wanted)).then_some(timestamp)
}
