//! OffsetDelete.

use super::heartbeat::refused_id;
use super::{Context, Plan, body};
use crate::protocol::{AdminRequest, AdminResponse, Request, Response};
use crate::topology::PartitionIndex;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::offset_delete_response::{
    OffsetDeleteResponsePartition, OffsetDeleteResponseTopic,
};
use plimsoll_oracle::ErrorName;

impl Context<'_, '_> {
    /// Forgets what a group committed. Partitions that there are not are refused before a
    /// coordinator is asked, and where there are no others, none is
    /// (`KafkaApis.handleOffsetDeleteRequest`).
    pub(super) fn offset_delete(&mut self, request: kafka::OffsetDeleteRequest) -> Plan {
        let version = self.version;
        if let Some(error) = refused_id(&request.group_id) {
            let response = kafka::OffsetDeleteResponse::default().with_error_code(error.code());
            return Plan::answer(body(&response, version));
        }
        let group = self.names.group(self.at.shared, &request.group_id);
        let mut topics = Vec::new();
        let mut asked = Vec::new();
        for topic in request.topics {
            let indexes = topic
                .partitions
                .iter()
                .map(|partition| partition.partition_index);
            let names = &*self.names;
            let partitions: Vec<_> = indexes
                .map(|index| (index, names.known.partition(&topic.name, index)))
                .collect();
            let known: Vec<_> = partitions.iter().filter_map(|(_, known)| *known).collect();
            if !known.is_empty() {
                topics.push((topic.name.0.clone(), known));
            }
            asked.push((topic.name, partitions));
        }
        let delete = Request::from(AdminRequest::OffsetDelete {
            group,
            topics: topics.clone(),
        });
        let parts = (!topics.is_empty()).then_some(delete);
        Plan::of_broker(parts, move |_, _, mut answers| {
            let deleted = match answers.pop() {
                None => Ok(Vec::new()),
                Some(Response::Admin(answer)) => match *answer {
                    AdminResponse::OffsetDelete(result) => result,
                    _ => return None,
                },
                Some(Response::Failed(error)) => Err(error),
                Some(_) => return None,
            };
            let response = kafka::OffsetDeleteResponse::default();
            let deleted = match deleted {
                Ok(deleted) => deleted,
                Err(error) => return body(&response.with_error_code(error.code()), version),
            };
            let code = |partition: Option<PartitionIndex>| {
                let answer = deleted.iter().find(|(of, _)| Some(*of) == partition);
                let unknown = Some(ErrorName::UnknownTopicOrPartition);
                let error = answer.map_or(unknown, |(_, error)| *error);
                error.map_or(0, ErrorName::code)
            };
            let topics = asked.into_iter().map(|(name, partitions)| {
                let partitions = partitions.into_iter().map(|(index, partition)| {
                    OffsetDeleteResponsePartition::default()
                        .with_partition_index(index)
                        .with_error_code(code(partition))
                });
                OffsetDeleteResponseTopic::default()
                    .with_name(name)
                    .with_partitions(partitions.collect())
            });
            body(&response.with_topics(topics.collect()), version)
        })
    }
}
