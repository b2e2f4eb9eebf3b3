//! The producer: messages of the plan, each at its time, to its partition.

use super::{Host, OwnClient};
use crate::produce::{self, Identity, NewRecord};
use kafka_protocol::messages::InitProducerIdRequest;
use plimsoll_core::TopicPartition;
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Message;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

/// The name by which it calls itself.
const PRODUCER: &str = "plimsoll-producer";

/// `DUPLICATE_SEQUENCE_NUMBER`: an earlier attempt was stored.
const DUPLICATE: i16 = 46;

/// The version of Produce: the last one that names topics and that all brokers know.
const PRODUCE: i16 = 8;

/// The producer of a plan's messages.
pub struct Producer<H: Host> {
    plan: Arc<Plan>,
    host: H,
    lanes: BTreeMap<TopicPartition, Lane<H>>,
}

impl<H: Host> Producer<H> {
    /// Makes a producer that has said nothing.
    pub fn new(plan: Arc<Plan>, host: H) -> Self {
        Self {
            plan,
            host,
            lanes: BTreeMap::new(),
        }
    }

    /// Produces messages, those of each partition one after the other, each at its time, and tells
    /// the host what became of each. Returns the number of those that were given up.
    pub async fn produce(&mut self, messages: &[Message]) -> usize {
        let mut by_partition: BTreeMap<TopicPartition, Vec<Message>> = BTreeMap::new();
        for message in messages {
            let messages = by_partition.entry(message.partition).or_default();
            messages.push(*message);
        }
        let mut under_way = JoinSet::new();
        for (partition, messages) in by_partition {
            let lane = self.lanes.remove(&partition);
            let mut lane =
                lane.unwrap_or_else(|| Lane::new(self.plan.clone(), self.host.clone(), partition));
            under_way.spawn(async move {
                let failed = lane.produce(&messages).await;
                (lane, failed)
            });
        }
        let mut all_failed = 0;
        while let Some(done) = under_way.join_next().await {
            if let Ok((lane, failed)) = done {
                all_failed += failed;
                self.lanes.insert(lane.partition, lane);
            }
        }
        all_failed
    }
}

/// The producer of one partition's messages.
struct Lane<H: Host> {
    plan: Arc<Plan>,
    host: H,
    client: OwnClient<H>,
    partition: TopicPartition,
    /// The partition's leader, as far as is known.
    leader: Option<BrokerId>,
    /// The identity of the producer, where it is idempotent and has one.
    identity: Option<Identity>,
}

impl<H: Host> Lane<H> {
    fn new(plan: Arc<Plan>, host: H, partition: TopicPartition) -> Self {
        let within = plan.settings.producer.request_timeout;
        Self {
            client: OwnClient::new(host.clone(), PRODUCER, within),
            plan,
            host,
            partition,
            leader: None,
            identity: None,
        }
    }

    /// Produces messages, each at its time. Returns the number of those that were given up.
    async fn produce(&mut self, messages: &[Message]) -> usize {
        let mut failed = 0;
        for message in messages {
            self.host.sleep_until(message.at).await;
            let give_up = Instant::now() + self.plan.settings.producer.delivery_timeout;
            let stored = timeout_at(give_up, self.deliver(message)).await.ok();
            if stored.is_none() {
                failed += 1;
                // What may still arrive of it must not come after the next one.
                self.identity = None;
            }
            self.host.produced(message, stored).await;
        }
        failed
    }

    /// Sends a message until it is stored. Returns where, or a negative number.
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
        let settings = &self.plan.settings.producer;
        if settings.idempotence && self.identity.is_none() {
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
            let told = self.client.tell(leader, &request, PRODUCE).await;
            return told.then_some(-1);
        }
        let answer = self.client.ask(leader, &request, PRODUCE).await;
        let mut results = answer.into_iter().flat_map(|answer| answer.responses);
        let result = results
            .next()
            .and_then(|mut topic| topic.partition_responses.pop());
        match result {
            Some(result) if [0, DUPLICATE].contains(&result.error_code) => Some(result.base_offset),
            _ => {
                self.leader = None;
                None
            }
        }
    }

    async fn find_leader(&self) -> Option<BrokerId> {
        let report = self.host.report().await?;
        let place = report.partition(self.topic(), self.partition.partition)?;
        place.leader
    }

    async fn new_identity(&mut self) -> Option<Identity> {
        let serving = self.host.report().await?.serving().next()?;
        let request = InitProducerIdRequest::default().with_transactional_id(None);
        let answer = self.client.ask(serving, &request, 2).await?;
        (answer.error_code == 0).then_some(Identity {
            id: answer.producer_id.0,
            epoch: answer.producer_epoch,
            next: 0,
        })
    }

    fn topic(&self) -> &str {
        self.plan.settings.topic_name(self.partition.topic)
    }
}
