//! Ids of producers, and what logs know of them.

use super::produce::timestamp_at;
use super::{Context, Plan, body};
use crate::topology::PartitionIndex;
use kafka_protocol::ResponseError;
use kafka_protocol::messages as kafka;
use kafka_protocol::messages::describe_producers_response::{
    PartitionResponse, ProducerState, TopicResponse,
};

impl Context<'_, '_> {
    /// Gives an id to a producer: without transactions a new one each time, whatever it says of
    /// itself (`KafkaApis.handleInitProducerIdRequest`,
    /// `TransactionCoordinator.handleInitProducerId`).
    pub(super) fn init_producer_id(&mut self, request: kafka::InitProducerIdRequest) -> Plan {
        let is_half = (request.producer_id.0 == -1) != (request.producer_epoch == -1);
        let given = match &request.transactional_id {
            _ if is_half => Err(ResponseError::InvalidRequest),
            Some(id) if id.is_empty() => Err(ResponseError::InvalidRequest),
            // Transactions have no coordinator here.
            Some(_) => Err(ResponseError::CoordinatorNotAvailable),
            None => Ok(self.names.new_producer()),
        };
        let response = kafka::InitProducerIdResponse::default();
        let response = match given {
            Ok(id) => response.with_producer_id(id.into()).with_producer_epoch(0),
            Err(error) => response
                .with_error_code(error.code())
                .with_producer_id((-1).into())
                .with_producer_epoch(-1),
        };
        Plan::answer(body(&response, self.version))
    }

    /// Tells what logs know of their producers (KIP-664; `ReplicaManager.activeProducerState`).
    pub(super) fn describe_producers(&mut self, request: kafka::DescribeProducersRequest) -> Plan {
        let topics = request.topics.into_iter().map(|topic| {
            let indexes = topic.partition_indexes.iter();
            let partitions = indexes.map(|index| {
                let partition = self.names.known.partition(&topic.name, *index);
                let active = match partition {
                    None => Err(ResponseError::UnknownTopicOrPartition),
                    Some(partition) => self
                        .active_producers(partition)
                        .ok_or(ResponseError::NotLeaderOrFollower),
                };
                PartitionResponse::default()
                    .with_partition_index(*index)
                    .with_error_code(active.as_ref().err().map_or(0, ResponseError::code))
                    .with_active_producers(active.unwrap_or_default())
            });
            let partitions = partitions.collect();
            TopicResponse::default()
                .with_name(topic.name)
                .with_partitions(partitions)
        });
        let response = kafka::DescribeProducersResponse::default().with_topics(topics.collect());
        Plan::answer(body(&response, self.version))
    }

    /// Returns the producers that a log knows; `None`: it is not at this broker. Without
    /// transactions none has a coordinator.
    fn active_producers(&self, partition: PartitionIndex) -> Option<Vec<ProducerState>> {
        let producers = self.at.state.producers(partition)?.map(|producer| {
            let last = timestamp_at(self.at, partition, producer.last_batch);
            ProducerState::default()
                .with_producer_id((producer.id as i64).into())
                .with_producer_epoch(producer.epoch.into())
                .with_last_sequence(producer.last_sequence as i32)
                .with_last_timestamp(last.unwrap_or(-1))
                .with_coordinator_epoch(-1)
        });
        Some(producers.collect())
    }
}
