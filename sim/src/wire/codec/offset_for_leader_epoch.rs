//! OffsetForLeaderEpoch.

use super::places::{self, Places};
use super::{Context, Plan, body};
use crate::protocol::{NO_EPOCH, OffsetsRequest, Wanted};
use kafka_protocol::messages as kafka;
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
                let partition = self.names.known.partition(&topic.topic, wanted.partition);
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
