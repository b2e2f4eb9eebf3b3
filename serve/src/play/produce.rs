//! The producer: every message of the plan, at its time, to its partition.

use super::topics::{any, of_topic};
use crate::control::Control;
use crate::own::OwnClient;
use crate::produce::{self, Identity, NewRecord};
use crate::trace::Event;
use kafka_protocol::messages::InitProducerIdRequest;
use plimsoll_core::TopicPartition;
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Message;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

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
    /// The identity of the producer, where it is idempotent and has one.
    identity: Option<Identity>,
}

impl Lane {
    fn new(plan: Arc<Plan>, control: Control, partition: TopicPartition) -> Self {
        Self {
            plan,
            client: OwnClient::new(control.clone()),
            control,
            partition,
            leader: None,
            identity: None,
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
                self.identity = None;
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
                if let Some(identity) = &mut self.identity {
                    identity.advance(1);
                }
                return offset;
            }
            sleep(self.plan.settings.producer.retry_backoff).await;
        }
    }

    /// Sends a message once; `None`: it is not known to be stored.
    async fn attempt(&mut self, message: &Message) -> Option<i64> {
        if self.plan.settings.producer.idempotence && self.identity.is_none() {
            self.identity = Some(self.new_identity().await?);
        }
        if self.leader.is_none() {
            self.leader = self.find_leader().await;
        }
        let leader = self.leader?;
        let place = (self.topic(), self.partition.partition);
        let record = NewRecord::of(message);
        let settings = &self.plan.settings.producer;
        let request = produce::request(settings, place, self.identity, [&record]).ok()?;
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
        let place = of_topic(&report, self.topic())?.get(self.partition.partition as usize)?;
        place.leader
    }

    async fn new_identity(&mut self) -> Option<Identity> {
        let report = self.control.call(|world, _| world.cluster.report()).await?;
        let request = InitProducerIdRequest::default().with_transactional_id(None);
        let answer = self.client.ask(any(&report)?, &request, 2).await?;
        (answer.error_code == 0).then_some(Identity {
            id: answer.producer_id.0,
            epoch: answer.producer_epoch,
            next: 0,
        })
    }

    fn topic(&self) -> &str {
        &self.plan.settings.topics[self.partition.topic as usize].name
    }
}
