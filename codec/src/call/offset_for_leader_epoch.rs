//! OffsetForLeaderEpoch.

use super::places::{self, CONSUMER};
use super::{Call, Caller, epoch_or_none};
use crate::dialect::Wire;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::offset_for_leader_epoch_request::{
    OffsetForLeaderPartition, OffsetForLeaderTopic,
};
use plimsoll_protocol::{Request, Wanted};

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
