//! The producer: every message of the plan, at its time, to its partition.

use super::topics::{any, of_topic, topic_name};
use crate::control::Control;
use crate::own::OwnClient;
use crate::trace::Event;
use bytes::{Bytes, BytesMut};
use kafka_protocol::indexmap::IndexMap;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{InitProducerIdRequest, ProduceRequest};
use kafka_protocol::protocol::StrBytes;
use kafka_protocol::records::{
    Compression, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record, RecordBatchEncoder,
    RecordEncodeOptions, TimestampType,
};
use plimsoll_core::TopicPartition;
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{Acks, Message};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// The header with a message's number in the scenario.
const MESSAGE: &str = "plimsoll-message";

/// `DUPLICATE_SEQUENCE_NUMBER`: an earlier attempt was stored.
const DUPLICATE: i16 = 46;

/// Produces all messages, those of each partition one after the other, and tells when it is done.
pub(crate) async fn all(plan: Arc<Plan>, control: Control) {
    let began = Instant::now();
    let mut by_partition: BTreeMap<TopicPartition, Vec<Message>> = BTreeMap::new();
    for message in &plan.messages {
        let messages = by_partition.entry(message.partition).or_default();
        messages.push(*message);
    }
    let mut lanes = JoinSet::new();
    for (partition, messages) in by_partition {
        let lane = Lane::new(plan.clone(), control.clone(), partition);
        lanes.spawn(lane.produce(began, messages));
    }
    let mut failed = 0;
    while let Some(lane) = lanes.join_next().await {
        failed += lane.unwrap_or(0);
    }
    let messages = plan.messages.len();
    let produced = Event::Produced { messages, failed };
    control.call(|world, now| world.note(now, produced)).await;
}

/// What it takes to produce the messages of one partition.
struct Lane {
    plan: Arc<Plan>,
    control: Control,
    client: OwnClient,
    partition: TopicPartition,
    /// The partition's leader, as far as is known.
    leader: Option<BrokerId>,
    /// The producer's id and epoch, where it is idempotent and has them.
    producer: Option<(i64, i16)>,
    sequence: i32,
}

impl Lane {
    fn new(plan: Arc<Plan>, control: Control, partition: TopicPartition) -> Self {
        Self {
            plan,
            client: OwnClient::new(control.clone()),
            control,
            partition,
            leader: None,
            producer: None,
            sequence: 0,
        }
    }

    /// Produces messages, each at its time. Returns the number of those that failed.
    async fn produce(mut self, began: Instant, messages: Vec<Message>) -> usize {
        let mut failed = 0;
        for message in messages {
            sleep_until(began + message.at.since_start()).await;
            let give_up = Instant::now() + self.plan.settings.producer.delivery_timeout;
            let Ok(offset) = timeout_at(give_up, self.deliver(&message)).await else {
                failed += 1;
                // What may still arrive of it must not come after the next one.
                self.producer = None;
                continue;
            };
            let partition = self.partition;
            let stored = self
                .control
                .call(move |world, now| world.acknowledged(now, message.id, partition, offset));
            stored.await;
        }
        failed
    }

    /// Sends a message until it is stored. Returns where.
    async fn deliver(&mut self, message: &Message) -> i64 {
        loop {
            if let Some(offset) = self.attempt(message).await {
                self.sequence = self.sequence.wrapping_add(1) & i32::MAX;
                return offset;
            }
            sleep(self.plan.settings.producer.retry_backoff).await;
        }
    }

    /// Sends a message once; `None`: it is not known to be stored.
    async fn attempt(&mut self, message: &Message) -> Option<i64> {
        if self.plan.settings.producer.idempotence && self.producer.is_none() {
            self.producer = Some(self.new_producer().await?);
            self.sequence = 0;
        }
        if self.leader.is_none() {
            self.leader = self.find_leader().await;
        }
        let leader = self.leader?;
        let request = self.request(message)?;
        if request.acks == 0 {
            let told = self.client.tell(leader, &request, 8).await;
            return told.then_some(0);
        }
        let answer = self.client.ask(leader, &request, 8).await;
        let mut results = answer.into_iter().flat_map(|answer| answer.responses);
        let result = results
            .next()
            .and_then(|mut topic| topic.partition_responses.pop());
        match result {
            Some(result) if [0, DUPLICATE].contains(&result.error_code) => {
                Some(result.base_offset.max(0))
            }
            _ => {
                self.leader = None;
                None
            }
        }
    }

    async fn find_leader(&self) -> Option<BrokerId> {
        let report = self.control.call(|world, _| world.cluster.report()).await?;
        let topic = &self.topic().name;
        let place = of_topic(&report, topic)?.get(self.partition.partition as usize)?;
        place.leader
    }

    async fn new_producer(&mut self) -> Option<(i64, i16)> {
        let report = self.control.call(|world, _| world.cluster.report()).await?;
        let request = InitProducerIdRequest::default().with_transactional_id(None);
        let answer = self.client.ask(any(&report)?, &request, 2).await?;
        (answer.error_code == 0).then_some((answer.producer_id.0, answer.producer_epoch))
    }

    fn topic(&self) -> &plimsoll_scenarios::scenario::Topic {
        &self.plan.settings.topics[self.partition.topic as usize]
    }

    fn request(&self, message: &Message) -> Option<ProduceRequest> {
        let producer = &self.plan.settings.producer;
        let data = PartitionProduceData::default()
            .with_index(self.partition.partition.cast_signed())
            .with_records(Some(self.batch(message)?));
        let topic = TopicProduceData::default()
            .with_name(topic_name(&self.topic().name))
            .with_partition_data(vec![data]);
        let timeout = i32::try_from(producer.request_timeout.as_millis());
        let request = ProduceRequest::default()
            .with_acks(match producer.acks {
                Acks::None => 0,
                Acks::Leader => 1,
                Acks::All => -1,
            })
            .with_timeout_ms(timeout.unwrap_or(i32::MAX))
            .with_topic_data(vec![topic]);
        Some(request)
    }

    /// Makes the batch of a message, whose value is its number, padded to its size.
    fn batch(&self, message: &Message) -> Option<Bytes> {
        let id = message.id.0.to_string();
        let value = format!("{id:<width$}", width = message.bytes as usize);
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let (producer_id, producer_epoch) =
            self.producer.unwrap_or((NO_PRODUCER_ID, NO_PRODUCER_EPOCH));
        let record = Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: -1,
            producer_id,
            producer_epoch,
            timestamp_type: TimestampType::Creation,
            offset: 0,
            sequence: self.producer.map_or(NO_SEQUENCE, |_| self.sequence),
            timestamp: since.map_or(0, |since| since.as_millis() as i64),
            key: message.key.map(|key| format!("key-{key}").into()),
            value: Some(value.into()),
            headers: IndexMap::from([(StrBytes::from_static_str(MESSAGE), Some(id.into()))]),
        };
        let options = RecordEncodeOptions {
            version: 2,
            compression: Compression::None,
        };
        let mut batch = BytesMut::new();
        RecordBatchEncoder::encode(&mut batch, [&record], &options).ok()?;
        Some(batch.freeze())
    }
}
