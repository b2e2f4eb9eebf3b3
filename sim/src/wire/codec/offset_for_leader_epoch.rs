//! OffsetForLeaderEpoch.

use super::call::{Call, Caller, epoch_or_none};
use super::places::{self, CONSUMER, Places};
use super::{Context, Plan, body};
use crate::protocol::{NO_EPOCH, OffsetsRequest, Request, Wanted};
use crate::wire::dialect::Wire;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};

impl Context<'_, '_> {
    pub(super) fn offset_for_leader_epoch(
        &mut self,
        request: kafka::OffsetForLeaderEpochRequest,
    ) -> Plan {
        let version = self.version;
        let mut places = Places::default();
        let mut asked = Vec::new();
        for topic in request.topics {
            let mut partitions = Vec::new();
            for wanted in topic.partitions {
                let partition = self.names.partition(&topic.topic, wanted.partition);
                let epoch = u32::try_from(wanted.leader_epoch).unwrap_or(NO_EPOCH);
                places.ask(partition.map(|partition| {
                    let at = Wanted::EndOfEpoch(epoch);
                    OffsetsRequest::new(partition, wanted.current_leader_epoch, at)
                }));
                partitions.push(wanted.partition);
            }
            asked.push((topic.topic, partitions));
        }
        places.plan(move |found| {
            let topics = asked.into_iter().map(|(name, partitions)| {
                let partitions = partitions.into_iter().zip(&mut *found);
                let partitions = partitions.map(|(index, found)| {
                    EpochEndOffset::default()
                        .with_partition(index)
                        .with_error_code(places::code(&found))
                        .with_leader_epoch(places::epoch(&found))
                        .with_end_offset(places::place(&found, |found| Some(found.offset as i64)))
                });
                OffsetForLeaderTopicResult::default()
                    .with_topic(name)
                    .with_partitions(partitions.collect())
            });
            let response =
                kafka::OffsetForLeaderEpochResponse::default().with_topics(topics.collect());
            body(&response, version)
        })
    }
}

impl Caller<'_> {
    pub(super) fn offset_for_leader_epoch(&mut self, parts: &[Request<Wire>]) -> Option<Call> {
        let asked = places::asked(parts)?;
        let mut epochs = Vec::new();
        for request in &asked {
            let Wanted::EndOfEpoch(epoch) = request.wanted else {
                return None;
            };
            epochs.push((request.partition, (request.leader_epoch, epoch)));
        }
        let topics = self
            .names
            .by_topic(epochs)?
            .into_iter()
            .map(|(name, epochs)| {
                let partitions = epochs.into_iter().map(|(index, (known, epoch))| {
                    OffsetForLeaderPartition::default()
                        .with_partition(index)
                        .with_current_leader_epoch(epoch_or_none(known))
                        .with_leader_epoch(epoch_or_none(epoch))
                });
                OffsetForLeaderTopic::default()
                    .with_topic(name)
                    .with_partitions(partitions.collect())
            });
        let request = kafka::OffsetForLeaderEpochRequest::default()
            .with_replica_id(CONSUMER.into())
            .with_topics(topics.collect());
        self.asks(
            &request,
            move |names, response: kafka::OffsetForLeaderEpochResponse| {
                let told = response.topics.into_iter().flat_map(|topic| {
                    topic.partitions.into_iter().map(move |place| {
                        let found = places::found(place.end_offset, place.leader_epoch, -1);
                        let of = (topic.topic.clone(), place.partition);
                        (of, place.error_code, found)
                    })
                });
                places::answers(names, &asked, told)
            },
        )
    }
}
