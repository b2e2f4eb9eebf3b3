//! DeleteRecords.

use super::places;
use super::{Call, Caller, millis};
use crate::dialect::Wire;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use plimsoll_protocol::{Request, Wanted};
use std::time::Duration;

impl Caller<'_> {
    pub(super) fn delete_records(
        &mut self,
        parts: &[Request<Wire>],
        longest: Duration,
    ) -> Option<Call> {
        let asked = places::asked(parts)?;
        let mut removals = Vec::new();
        for request in &asked {
            match request.wanted {
                Wanted::Removal { below, timeout } if timeout == longest => {
                    let below = below.map_or(-1, |below| below as i64);
                    removals.push((request.partition, below));
                }
                _ => return None,
            }
        }
        let topics = self
            .names
            .by_topic(removals)?
            .into_iter()
            .map(|(name, removals)| {
                let partitions = removals.into_iter().map(|(index, below)| {
                    DeleteRecordsPartition::default()
                        .with_partition_index(index)
                        .with_offset(below)
                });
                DeleteRecordsTopic::default()
                    .with_name(name)
                    .with_partitions(partitions.collect())
            });
        let request = kafka::DeleteRecordsRequest::default()
            .with_timeout_ms(millis(longest)?)
            .with_topics(topics.collect());
        self.asks(
            &request,
            move |names, response: kafka::DeleteRecordsResponse| {
                let told = response.topics.into_iter().flat_map(|topic| {
                    topic.partitions.into_iter().map(move |place| {
                        let found = places::found(place.low_watermark, -1, -1);
                        let of = (topic.name.clone(), place.partition_index);
                        (of, place.error_code, found)
                    })
                });
                places::answers(names, &asked, told)
            },
        )
    }
}
