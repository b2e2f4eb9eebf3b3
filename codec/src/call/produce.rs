//! Produce.

use super::{BY_ID, Call, Caller, result, together};
use crate::dialect::Wire;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use plimsoll_core::Offset;
use plimsoll_protocol::Acks;
use plimsoll_protocol::{Request, Response};
use std::collections::BTreeMap;

impl Caller<'_> {
    /// Appends to partitions, on the same terms. Where it wants no answer, none comes.
    pub(super) fn produce(&mut self, parts: &[Request<Wire>]) -> Option<Call> {
        let version = self.version;
        let mut asked = Vec::new();
        let mut batches = Vec::new();
        let mut terms = None;
        for part in parts {
            let Request::Produce {
                partition,
                batch,
                acks,
                timeout_ms,
            } = part
            else {
                return None;
            };
            if *terms.get_or_insert((*acks, *timeout_ms)) != (*acks, *timeout_ms) {
                return None;
            }
            asked.push(*partition);
            batches.push((*partition, batch.bytes()));
        }
        let (acks, timeout_ms) = terms?;
        let mut topics = Vec::new();
        for (name, batches) in self.names.by_topic(batches)? {
            let topic = match version {
                BY_ID.. => TopicProduceData::default().with_topic_id(self.names.topic_id(&name)?),
                _ => TopicProduceData::default().with_name(name),
            };
            let partitions = batches.into_iter().map(|(index, batch)| {
                PartitionProduceData::default()
                    .with_index(index)
                    .with_records(Some(batch))
            });
            topics.push(topic.with_partition_data(partitions.collect()));
        }
        let request = kafka::ProduceRequest::default()
            .with_acks(match acks {
                Acks::None => 0,
                Acks::Leader => 1,
                Acks::All => -1,
            })
            .with_timeout_ms(i32::try_from(timeout_ms).ok()?)
            .with_topic_data(topics);
        self.asks(&request, move |names, response: kafka::ProduceResponse| {
            let mut appended = BTreeMap::new();
            for topic in response.responses {
                for told in topic.partition_responses {
                    let partition =
                        names.told_partition(&topic.name, topic.topic_id, told.index)?;
                    let offset = Offset::new(told.base_offset.max(0) as u64);
                    appended.insert(partition, result(told.error_code).map(|()| offset));
                }
            }
            let answers = asked.into_iter().map(|partition| {
                let appended = appended.get(&partition)?;
                Some(Response::Produce(*appended))
            });
            together(answers.collect::<Option<_>>()?)
        })
    }
}
