//! Topics, their partitions, and the leaders of those.

use super::{ATTEMPT_MS, Admin, Failure, METADATA, check, metadata_request, retry, topic_name};
use crate::error::ChaosError;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_partition_reassignments_request::{
    ReassignablePartition, ReassignableTopic,
};
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{
    DeleteRecordsPartition, DeleteRecordsTopic,
};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_response::MetadataResponsePartition;
use kafka_protocol::messages::{
    AlterPartitionReassignmentsRequest, BrokerId, CreatePartitionsRequest, CreateTopicsRequest,
    DeleteRecordsRequest, DeleteTopicsRequest, ElectLeadersRequest, ListOffsetsRequest,
    MetadataResponse,
};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// A topic as a broker describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicState {
    /// The partitions, by number.
    pub partitions: Vec<PartitionState>,
}

/// A partition as a broker describes it; brokers go by their index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartitionState {
    /// The leader, if there is one.
    pub leader: Option<u32>,
    /// The leader epoch, which rises with each new leader.
    pub leader_epoch: i32,
    /// The brokers that keep the partition; the first is the one that should lead.
    pub replicas: Vec<u32>,
    /// The replicas that are in sync.
    pub isr: Vec<u32>,
}

/// The end of a partition that ListOffsets is asked for.
#[derive(Clone, Copy)]
enum End {
    Start,
    HighWatermark,
}

impl Admin {
    /// Creates a topic, and waits until all brokers know leaders for all of its partitions.
    pub(crate) async fn create_topic(
        &self,
        name: &str,
        partitions: u32,
        replication: u32,
        min_insync: u32,
    ) -> Result<(), ChaosError> {
        let config = CreatableTopicConfig::default()
            .with_name(StrBytes::from_static_str("min.insync.replicas"))
            .with_value(Some(StrBytes::from_string(min_insync.to_string())));
        let topic = CreatableTopic::default()
            .with_name(topic_name(name))
            .with_num_partitions(partitions.cast_signed())
            .with_replication_factor(i16::try_from(replication).unwrap_or(i16::MAX))
            .with_configs(vec![config]);
        let request = &CreateTopicsRequest::default()
            .with_topics(vec![topic])
            .with_timeout_ms(ATTEMPT_MS);
        retry(
            &format!("create the topic {name}"),
            move |earlier| async move {
                let answer = self.any(request, 5).await?;
                // An attempt that was not answered may have succeeded.
                let done = (earlier > 0).then_some(ResponseError::TopicAlreadyExists);
                (answer.topics.iter()).try_for_each(|topic| check_unless(topic.error_code, done))
            },
        )
        .await?;
        for broker in self.brokers.iter() {
            self.wait_for_leaders(broker.index, name, partitions)
                .await?;
        }
        Ok(())
    }

    async fn wait_for_leaders(
        &self,
        broker: u32,
        topic: &str,
        partitions: u32,
    ) -> Result<(), ChaosError> {
        let what = format!("elect leaders for the topic {topic}");
        retry(&what, move |_| async move {
            let answer = self.metadata(broker, Some(topic)).await?;
            let state = self.state(&answer)?;
            if state.partitions.len() < partitions as usize {
                return Err(Failure::Passing("partitions are missing yet".into()));
            }
            match state.partitions.iter().all(|found| found.leader.is_some()) {
                true => Ok(()),
                false => Err(Failure::Passing("a partition has no leader yet".into())),
            }
        })
        .await
    }

    /// Raises the number of partitions, and waits until a broker knows leaders for them.
    pub(crate) async fn add_partitions(&self, topic: &str, total: u32) -> Result<(), ChaosError> {
        let wanted = CreatePartitionsTopic::default()
            .with_name(topic_name(topic))
            .with_count(total.cast_signed())
            .with_assignments(None);
        let request = &CreatePartitionsRequest::default()
            .with_topics(vec![wanted])
            .with_timeout_ms(ATTEMPT_MS);
        let what = format!("raise the topic {topic} to {total} partitions");
        retry(&what, move |earlier| async move {
            let answer = self.any(request, 3).await?;
            // A broker answers "invalid" where there are as many partitions already.
            let done = (earlier > 0).then_some(ResponseError::InvalidPartitions);
            (answer.results.iter()).try_for_each(|topic| check_unless(topic.error_code, done))
        })
        .await?;
        retry(&what, move |_| async move {
            let state = self.topic_now(topic).await?;
            let led = (state.partitions.iter()).filter(|partition| partition.leader.is_some());
            match led.count() >= total as usize {
                true => Ok(()),
                false => Err(Failure::Passing("a partition has no leader yet".into())),
            }
        })
        .await
    }

    /// Returns the names of all topics.
    #[cfg(feature = "containers")]
    pub(crate) async fn topics(&self) -> Result<Vec<String>, ChaosError> {
        retry("list its topics", move |_| async move {
            let answer = self.any(&metadata_request(None), METADATA).await?;
            let names = answer.topics.iter().filter_map(|topic| topic.name.as_ref());
            Ok(names.map(|name| name.0.to_string()).collect())
        })
        .await
    }

    /// Deletes topics; one that does not exist is deleted already.
    pub(crate) async fn delete_topics(&self, topics: &[&str]) -> Result<(), ChaosError> {
        let request = &DeleteTopicsRequest::default()
            .with_topic_names(topics.iter().map(|topic| topic_name(topic)).collect())
            .with_timeout_ms(ATTEMPT_MS);
        retry(
            &format!("delete the topics {}", topics.join(", ")),
            move |_| async move {
                let answer = self.any(request, 5).await?;
                let done = Some(ResponseError::UnknownTopicOrPartition);
                (answer.responses.iter()).try_for_each(|topic| check_unless(topic.error_code, done))
            },
        )
        .await
    }

    /// Deletes the records before an offset; returns the offset at which the log begins now.
    pub(crate) async fn delete_records(
        &self,
        topic: &str,
        partition: u32,
        before: u64,
    ) -> Result<u64, ChaosError> {
        let wanted = DeleteRecordsPartition::default()
            .with_partition_index(partition.cast_signed())
            .with_offset(before.cast_signed());
        let request = &DeleteRecordsRequest::default()
            .with_topics(vec![
                DeleteRecordsTopic::default()
                    .with_name(topic_name(topic))
                    .with_partitions(vec![wanted]),
            ])
            .with_timeout_ms(ATTEMPT_MS);
        let what = format!("delete records of {topic}/{partition} before {before}");
        retry(&what, move |_| async move {
            let leader = self.leader_now(topic, partition).await?;
            let answer = self.broker(leader, request, 2).await?;
            let result = (answer.topics.first())
                .and_then(|topic| topic.partitions.first())
                .ok_or_else(|| Failure::Passing("an empty answer".into()))?;
            check(result.error_code)?;
            unsigned(result.low_watermark)
        })
        .await
    }

    /// Makes another replica that is in sync the leader.
    ///
    /// The first of a partition's replicas is the preferred leader: another order and an election
    /// move leadership without moving data.
    pub(crate) async fn move_leader(&self, topic: &str, partition: u32) -> Result<(), ChaosError> {
        let what = format!("move the leader of {topic}/{partition}");
        let before = retry(&what, move |_| self.leader_now(topic, partition)).await?;
        retry(&what, move |_| async move {
            let state = self.partition_now(topic, partition).await?;
            match state.leader {
                Some(leader) if leader != before => return Ok(()),
                Some(_) => {}
                None => return Err(Failure::Passing("there is no leader".into())),
            }
            let next = (state.replicas.iter())
                .find(|replica| **replica != before && state.isr.contains(replica))
                .ok_or_else(|| Failure::Passing("no other replica is in sync".into()))?;
            self.prefer(topic, partition, *next, &state.replicas)
                .await?;
            self.elect(topic, partition).await?;
            Err(Failure::Passing("the election is not known yet".into()))
        })
        .await
    }

    /// Puts one replica first.
    async fn prefer(
        &self,
        topic: &str,
        partition: u32,
        first: u32,
        replicas: &[u32],
    ) -> Result<(), Failure> {
        let others = (replicas.iter().copied()).filter(|replica| *replica != first);
        let order = std::iter::once(first)
            .chain(others)
            .filter_map(|replica| self.node(replica))
            .map(BrokerId);
        let wanted = ReassignablePartition::default()
            .with_partition_index(partition.cast_signed())
            .with_replicas(Some(order.collect()));
        let request = &AlterPartitionReassignmentsRequest::default()
            .with_timeout_ms(ATTEMPT_MS)
            .with_topics(vec![
                ReassignableTopic::default()
                    .with_name(topic_name(topic))
                    .with_partitions(vec![wanted]),
            ]);
        let answer = self.any(request, 0).await?;
        check(answer.error_code)?;
        (answer.responses.iter().flat_map(|topic| &topic.partitions))
            .try_for_each(|partition| check(partition.error_code))
    }

    /// Makes the preferred replica the leader.
    async fn elect(&self, topic: &str, partition: u32) -> Result<(), Failure> {
        let request = &ElectLeadersRequest::default()
            .with_election_type(0)
            .with_timeout_ms(ATTEMPT_MS)
            .with_topic_partitions(Some(vec![
                TopicPartitions::default()
                    .with_topic(topic_name(topic))
                    .with_partitions(vec![partition.cast_signed()]),
            ]));
        let answer = self.any(request, 2).await?;
        check(answer.error_code)?;
        (answer.replica_election_results.iter())
            .flat_map(|topic| &topic.partition_result)
            .try_for_each(|partition| check(partition.error_code))
    }

    /// Returns the topic as a broker knows it now.
    pub(crate) async fn topic(&self, topic: &str) -> Result<TopicState, ChaosError> {
        let what = format!("describe the topic {topic}");
        retry(&what, move |_| self.topic_now(topic)).await
    }

    /// Returns for each partition its first offset, and the offset after its last record that
    /// consumers may see.
    pub(crate) async fn log_ends(&self, topic: &str) -> Result<Vec<(u64, u64)>, ChaosError> {
        retry(
            &format!("tell the offsets of the topic {topic}"),
            move |_| async move {
                let state = self.topic_now(topic).await?;
                let starts = self.offsets(topic, &state, End::Start).await?;
                let ends = self.offsets(topic, &state, End::HighWatermark).await?;
                Ok(starts.into_iter().zip(ends).collect())
            },
        )
        .await
    }

    async fn offsets(
        &self,
        topic: &str,
        state: &TopicState,
        end: End,
    ) -> Result<Vec<u64>, Failure> {
        let mut led = BTreeMap::<u32, Vec<i32>>::new();
        for (number, partition) in (0..).zip(&state.partitions) {
            let leader = partition
                .leader
                .ok_or_else(|| Failure::Passing(format!("{topic}/{number} has no leader")))?;
            led.entry(leader).or_default().push(number);
        }
        let mut offsets = vec![0; state.partitions.len()];
        for (leader, partitions) in led {
            let request = list_offsets(topic, &partitions, end);
            let answer = self.broker(leader, &request, 5).await?;
            for found in answer.topics.iter().flat_map(|topic| &topic.partitions) {
                check(found.error_code)?;
                let number = usize::try_from(found.partition_index).unwrap_or(usize::MAX);
                if let Some(offset) = offsets.get_mut(number) {
                    *offset = unsigned(found.offset)?;
                }
            }
        }
        Ok(offsets)
    }

    pub(super) async fn topic_now(&self, topic: &str) -> Result<TopicState, Failure> {
        let answer = self.any(&metadata_request(Some(topic)), METADATA).await?;
        self.state(&answer)
    }

    async fn partition_now(&self, topic: &str, partition: u32) -> Result<PartitionState, Failure> {
        (self.topic_now(topic).await?.partitions)
            .into_iter()
            .nth(partition as usize)
            .ok_or_else(|| Failure::Passing(format!("there is no partition {partition}")))
    }

    pub(crate) async fn leader_now(&self, topic: &str, partition: u32) -> Result<u32, Failure> {
        let state = self.partition_now(topic, partition).await?;
        (state.leader).ok_or_else(|| Failure::Passing("there is no leader".into()))
    }

    /// Reads the one topic of an answer.
    fn state(&self, answer: &MetadataResponse) -> Result<TopicState, Failure> {
        let topic = (answer.topics.first())
            .ok_or_else(|| Failure::Passing("the topic is not known yet".into()))?;
        check(topic.error_code)?;
        let mut partitions = topic.partitions.iter().collect::<Vec<_>>();
        partitions.sort_unstable_by_key(|partition| partition.partition_index);
        Ok(TopicState {
            partitions: (partitions.into_iter())
                .map(|partition| self.partition(partition))
                .collect(),
        })
    }

    fn partition(&self, partition: &MetadataResponsePartition) -> PartitionState {
        let indices =
            |nodes: &[BrokerId]| nodes.iter().filter_map(|node| self.index(node.0)).collect();
        PartitionState {
            leader: self.index(partition.leader_id.0),
            leader_epoch: partition.leader_epoch,
            replicas: indices(&partition.replica_nodes),
            isr: indices(&partition.isr_nodes),
        }
    }
}

fn list_offsets(topic: &str, partitions: &[i32], end: End) -> ListOffsetsRequest {
    // Kafka's numbers for the two ends, in place of a timestamp.
    let timestamp = match end {
        End::Start => -2,
        End::HighWatermark => -1,
    };
    let partitions = partitions.iter().map(|partition| {
        ListOffsetsPartition::default()
            .with_partition_index(*partition)
            .with_timestamp(timestamp)
    });
    ListOffsetsRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_topics(vec![
            ListOffsetsTopic::default()
                .with_name(topic_name(topic))
                .with_partitions(partitions.collect()),
        ])
}

/// Checks an error code as [`check`] does, but takes the error `done` for success: it says that an
/// earlier attempt succeeded, or that nothing was left to do.
fn check_unless(code: i16, done: Option<ResponseError>) -> Result<(), Failure> {
    match done {
        Some(error) if error.code() == code => Ok(()),
        _ => check(code),
    }
}

fn unsigned(offset: i64) -> Result<u64, Failure> {
    u64::try_from(offset).map_err(|_| Failure::Passing(format!("the broker gave offset {offset}")))
}
