//! ListOffsets.

use super::places::{self, Places};
use super::{Context, Plan, body, each_once};
use crate::protocol::OffsetsRequest;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use plimsoll_codec::at_timestamp;

impl Context<'_, '_> {
    pub(super) fn list_offsets(&mut self, request: kafka::ListOffsetsRequest) -> Plan {
        let version = self.version;
        let mut places = Places::default();
        let mut asked = Vec::new();
        for topic in request.topics {
            for (wanted, is_twice) in each_once(topic.partitions, |wanted| wanted.partition_index) {
                let index = wanted.partition_index;
                let partition = self.names.known.partition(&topic.name, index);
                match (is_twice, at_timestamp(wanted.timestamp, version)) {
                    // `ListOffsetsRequest.duplicatePartitions`.
                    (true, _) => places.refuse(ResponseError::InvalidRequest),
                    (_, None) => places.refuse(ResponseError::UnsupportedVersion),
                    (_, Some(at)) => places.ask(partition.map(|partition| {
                        OffsetsRequest::new(partition, wanted.current_leader_epoch, at)
                    })),
                }
                asked.push((topic.name.clone(), index));
            }
        }
        places.plan(move |found| {
            let mut topics = Vec::<ListOffsetsTopicResponse>::new();
            for ((name, index), found) in asked.into_iter().zip(found) {
                let partition = ListOffsetsPartitionResponse::default()
                    .with_partition_index(index)
                    .with_error_code(places::code(&found))
                    .with_timestamp(places::place(&found, |found| found.timestamp))
                    .with_offset(places::place(&found, |found| Some(found.offset as i64)))
                    // `ReplicaManager.fetchOffset`: before, answers have no room for it.
                    .with_leader_epoch(if version >= 4 {
                        places::epoch(&found)
                    } else {
                        -1
                    });
                match topics.last_mut() {
                    Some(topic) if topic.name == name => topic.partitions.push(partition),
                    _ => topics.push(
                        ListOffsetsTopicResponse::default()
                            .with_name(name)
                            .with_partitions(vec![partition]),
                    ),
                }
            }
            let response = kafka::ListOffsetsResponse::default().with_topics(topics);
            body(&response, version)
        })
    }
}
