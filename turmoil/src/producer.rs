//! The producer: every message of the plan, at its time, to its partition.

use crate::clock::Clock;
use crate::own::{OwnClient, PRODUCER};
use crate::world::{Shared, in_plan};
use kafka_protocol::messages::InitProducerIdRequest;
use plimsoll_core::{Offset, TopicPartition};
use plimsoll_oracle::{BrokerId, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::Message;
use plimsoll_serve::produce::{self, Identity, NewRecord};
use plimsoll_sim::served::BrokerState;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

/// `DUPLICATE_SEQUENCE_NUMBER`: an earlier attempt was stored.
const DUPLICATE: i16 = 46;

/// The version of Produce: the last one that names topics and that all brokers know.
const PRODUCE: i16 = 8;

/// Produces the whole workload, and then more messages for as long as it is polled.
pub(crate) async fn produce(plan: Arc<Plan>, world: Shared, clock: Clock) {
    let probes = plan.probes();
    let (always, later) = probes.messages.split_at(probes.always);
    let mut lanes = BTreeMap::new();
    deliver(&plan, &world, clock, &mut lanes, &plan.messages).await;
    deliver(&plan, &world, clock, &mut lanes, always).await;
    world.with(|world| world.note_produced(true));
    for message in later {
        clock.sleep_until(Some(message.at)).await;
        world.with(|world| world.note_produced(false));
        deliver(&plan, &world, clock, &mut lanes, &[*message]).await;
        world.with(|world| world.note_produced(true));
    }
}

/// Produces messages, those of each partition one after the other, each at its time.
async fn deliver(
    plan: &Arc<Plan>,
    world: &Shared,
    clock: Clock,
    lanes: &mut BTreeMap<TopicPartition, Lane>,
    messages: &[Message],
) {
    let mut by_partition: BTreeMap<TopicPartition, Vec<Message>> = BTreeMap::new();
    for message in messages {
        let messages = by_partition.entry(message.partition).or_default();
        messages.push(*message);
    }
    let mut under_way = JoinSet::new();
    for (partition, messages) in by_partition {
        let lane = lanes.remove(&partition);
        let mut lane = lane.unwrap_or_else(|| Lane::new(plan.clone(), world.clone(), partition));
        under_way.spawn(async move {
            lane.produce(clock, messages).await;
            lane
        });
    }
    while let Some(lane) = under_way.join_next().await {
        if let Ok(lane) = lane {
            lanes.insert(lane.partition, lane);
        }
    }
}

/// What it takes to produce the messages of one partition.
struct Lane {
    plan: Arc<Plan>,
    world: Shared,
    client: OwnClient,
    partition: TopicPartition,
    /// The partition's leader, as far as is known.
    leader: Option<BrokerId>,
    /// The identity of the producer, where it is idempotent and has one.
    identity: Option<Identity>,
}

impl Lane {
    fn new(plan: Arc<Plan>, world: Shared, partition: TopicPartition) -> Self {
        let within = plan.settings.producer.request_timeout;
        Self {
            client: OwnClient::new(world.clone(), PRODUCER, within),
            plan,
            world,
            partition,
            leader: None,
            identity: None,
        }
    }

    async fn produce(&mut self, clock: Clock, messages: Vec<Message>) {
        for message in messages {
            clock.sleep_until(Some(message.at)).await;
            let give_up = Instant::now() + self.plan.settings.producer.delivery_timeout;
            let delivered = timeout_at(give_up, self.deliver(&message)).await;
            let event = match delivered {
                Ok(told) => TraceEvent::Acknowledged {
                    message: message.id,
                    partition: message.partition,
                    offset: self.offset(&message, told),
                },
                Err(_) => {
                    // What may still arrive of it must not come after the next one.
                    self.identity = None;
                    TraceEvent::ProduceFailed {
                        message: message.id,
                    }
                }
            };
            self.world.with(|world| world.observe(event));
        }
    }

    /// Returns where a message stands that is stored: where no answer tells, as far as it can be
    /// read.
    fn offset(&self, message: &Message, told: i64) -> Offset {
        match u64::try_from(told) {
            Ok(told) => Offset::new(told),
            Err(_) => self.world.with(|world| world.place_of(message)),
        }
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
        if self.plan.settings.producer.idempotence && self.identity.is_none() {
            self.identity = Some(self.new_identity().await?);
        }
        if self.leader.is_none() {
            self.leader = self.world.with(|world| world.leader_of(self.partition));
        }
        let leader = self.leader?;
        let topic = &self.plan.settings.topics[self.partition.topic as usize].name;
        let place = (topic.as_str(), self.partition.partition);
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

    async fn new_identity(&mut self) -> Option<Identity> {
        let report = self.world.with(|world| world.report());
        let mut brokers = report.brokers.iter();
        let serving = brokers.find(|broker| broker.state == BrokerState::Serving)?;
        let request = InitProducerIdRequest::default().with_transactional_id(None);
        let answer = self.client.ask(in_plan(serving.id), &request, 2).await?;
        (answer.error_code == 0).then_some(Identity {
            id: answer.producer_id.0,
            epoch: answer.producer_epoch,
            next: 0,
        })
    }
}
