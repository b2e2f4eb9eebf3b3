//! The producer of the workload.
//!
//! Each message is a request of its own, at most five in flight to a partition. An idempotent
//! producer numbers the messages of a partition when it first sends them; when one fails it lets
//! the others in flight come back and then sends from the failed one on, so that the order stays
//! (librdkafka: `wait_drain`). It is idempotent only with `acks=all`, as Kafka's is.

use super::connection::{Failure, Requests};
use super::metadata::Metadata;
use crate::env::Env;
use crate::protocol::{Channel, Correlation, Node, Request, Response, Value};
use crate::topology::PartitionIndex;
use plimsoll_core::{Instant, Offset};
use plimsoll_oracle::TraceEvent;
use plimsoll_scenarios::scenario::Acks;
use std::collections::VecDeque;
use std::time::Duration;

/// `max.in.flight.requests.per.connection`: what brokers can still tell apart.
const MAX_IN_FLIGHT: usize = 5;

/// `metadata.max.age.ms`.
const METADATA_MAX_AGE: Duration = Duration::from_secs(300);

/// The producer of the workload.
#[derive(Debug)]
pub struct Producer {
    requests: Requests<ProducerContinuation>,
    metadata: Metadata,
    /// Queues, by partition.
    queues: Vec<Queue>,
    /// Times at which messages are given up, in the order in which they came.
    expiries: VecDeque<(Instant, PartitionIndex, usize)>,
    idempotent: bool,
}

/// What a request of the producer is for.
#[derive(Clone, Copy, Debug)]
enum ProducerContinuation {
    Metadata,
    Produce(PartitionIndex, usize),
}

/// The messages of one partition that are not acknowledged.
#[derive(Debug)]
struct Queue {
    messages: VecDeque<Outgoing>,
    next_sequence: u32,
    in_flight: usize,
    /// Whether a request failed: nothing is sent until the others came back.
    draining: bool,
    /// End of the pause before anything is sent; [`Instant::FAR_FUTURE`]: no pause.
    resume_at: Instant,
    /// Whether the pause is for a leader that cannot be reached: it ends when there is another one.
    waits_for_leader: bool,
}

#[derive(Debug)]
struct Outgoing {
    /// The message's index in the plan.
    message: usize,
    sequence: Option<u32>,
    in_flight: bool,
    /// Whether `delivery.timeout.ms` is over: the message's outcome is in the trace already.
    given_up: bool,
}

impl Producer {
    /// Creates a producer that has sent nothing.
    pub fn new(env: &Env<'_>) -> Self {
        let settings = &env.plan.settings.producer;
        let node = env.producer();
        let queues = env.topology.all().map(|_| Queue {
            messages: VecDeque::new(),
            next_sequence: 0,
            in_flight: 0,
            draining: false,
            resume_at: Instant::FAR_FUTURE,
            waits_for_leader: false,
        });
        Self {
            requests: Requests::new(env, node, 0),
            metadata: Metadata::new(env, node, METADATA_MAX_AGE, settings.retry_backoff),
            queues: queues.collect(),
            expiries: VecDeque::new(),
            idempotent: settings.idempotence && settings.acks == Acks::All,
        }
    }

    /// Returns whether every message that it got is acknowledged or given up.
    pub fn is_done(&self) -> bool {
        self.expiries.is_empty()
    }

    /// Returns the earliest deadline.
    pub fn next_timeout(&self) -> Option<Instant> {
        let expiry = self.expiries.front();
        let resumes = self.queues.iter().map(|queue| queue.resume_at);
        let at = self
            .requests
            .next_deadline()
            .min(self.metadata.due())
            .min(expiry.map_or(Instant::FAR_FUTURE, |(at, ..)| *at))
            .min(resumes.min().unwrap_or(Instant::FAR_FUTURE));
        (at < Instant::FAR_FUTURE).then_some(at)
    }

    /// Takes the message at this index of `plan.messages`, to be sent.
    pub fn produce(&mut self, env: &mut Env<'_>, message: usize) {
        let Some(index) = env.topology.index(env.plan.messages[message].partition) else {
            debug_assert!(false, "a message for a partition that never exists");
            return;
        };
        let at = env.now() + env.plan.settings.producer.delivery_timeout;
        self.expiries.push_back((at, index, message));
        self.queues[usize::from(index.0)]
            .messages
            .push_back(Outgoing {
                message,
                sequence: None,
                in_flight: false,
                given_up: false,
            });
        self.send(env, index);
    }

    /// Handles a response.
    pub fn handle_response(
        &mut self,
        env: &mut Env<'_>,
        _from: Node,
        _channel: Channel,
        correlation: Correlation,
        response: Response,
    ) {
        if let Some(purpose) = self.requests.take_answered(correlation) {
            self.answered(env, purpose, Ok(response));
        }
    }

    /// Handles the loss of the connections with a broker.
    pub fn handle_disconnected(&mut self, env: &mut Env<'_>, peer: Node) {
        self.requests.connection_broke(peer, env.now());
        let before = self.requests.next_correlation();
        let mut lost_any = false;
        while let Some(purpose) = self.requests.take_lost(peer, before) {
            lost_any = true;
            self.answered(env, purpose, Err(Failure::Lost));
        }
        if !lost_any && env.plan.settings.producer.acks == Acks::None {
            // With acks=0 this is how it learns that the leader is another one.
            self.refresh_metadata(env);
        }
    }

    /// Does what is due, at the moment of `next_timeout` or an earlier one.
    pub fn handle_timeout(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        self.requests.cut_overdue(env);
        self.fetch_metadata(env);
        while let Some(&(at, index, message)) = self.expiries.front()
            && at <= now
        {
            self.expiries.pop_front();
            self.give_up(env, index, message);
        }
        for index in env.topology.all() {
            let queue = &mut self.queues[usize::from(index.0)];
            if queue.resume_at <= now {
                queue.resume_at = Instant::FAR_FUTURE;
                queue.waits_for_leader = false;
                self.send(env, index);
            }
        }
    }

    fn answered(
        &mut self,
        env: &mut Env<'_>,
        purpose: ProducerContinuation,
        result: Result<Response, Failure>,
    ) {
        match (purpose, result) {
            (ProducerContinuation::Metadata, Ok(Response::Metadata(leaders))) => {
                self.metadata.update(env.now(), &leaders);
                for index in env.topology.all() {
                    let queue = &mut self.queues[usize::from(index.0)];
                    if queue.waits_for_leader {
                        queue.waits_for_leader = false;
                        queue.resume_at = Instant::FAR_FUTURE;
                    }
                    self.send(env, index);
                }
            }
            (ProducerContinuation::Metadata, _) => self.metadata.failed(env.now()),
            (ProducerContinuation::Produce(index, message), Ok(Response::Produce(Ok(offset)))) => {
                self.acknowledged(env, index, message, offset);
            }
            (ProducerContinuation::Produce(index, message), _) => self.failed(env, index, message),
        }
    }
}

/// Messages.
impl Producer {
    /// Sends what may be sent.
    fn send(&mut self, env: &mut Env<'_>, index: PartitionIndex) {
        let settings = &env.plan.settings.producer;
        let queue = &mut self.queues[usize::from(index.0)];
        let waits = queue.draining && queue.in_flight > 0;
        if queue.messages.len() == queue.in_flight
            || waits
            || queue.resume_at != Instant::FAR_FUTURE
        {
            return;
        }
        let Some((leader, _)) = self.metadata.leader(index) else {
            return self.refresh_metadata(env);
        };
        if let Some(reconnect) = self.requests.backs_off(leader, env.now()) {
            queue.resume_at = reconnect;
            queue.waits_for_leader = true;
            return self.refresh_metadata(env);
        }
        queue.draining = false;
        for outgoing in &mut queue.messages {
            if outgoing.in_flight {
                continue;
            }
            if queue.in_flight == MAX_IN_FLIGHT {
                break;
            }
            if self.idempotent && outgoing.sequence.is_none() {
                outgoing.sequence = Some(queue.next_sequence);
                queue.next_sequence += 1;
            }
            let message = &env.plan.messages[outgoing.message];
            let request = Request::Produce {
                partition: index,
                value: Value::Message {
                    id: message.id,
                    key: message.key,
                    bytes: message.bytes,
                    sequence: outgoing.sequence,
                },
                acks: settings.acks,
            };
            let channel = Channel::Data;
            if settings.acks == Acks::None {
                self.requests.send_and_forget(env, leader, channel, request);
                continue;
            }
            outgoing.in_flight = true;
            queue.in_flight += 1;
            let purpose = ProducerContinuation::Produce(index, outgoing.message);
            let timeout = settings.request_timeout;
            self.requests
                .send(env, leader, channel, timeout, purpose, request);
        }
        if settings.acks == Acks::None {
            // Sent is delivered, as far as this producer cares; it learns of no offset.
            queue.messages.clear();
            self.expiries.retain(|(_, of, _)| *of != index);
        }
    }

    fn acknowledged(
        &mut self,
        env: &mut Env<'_>,
        index: PartitionIndex,
        message: usize,
        offset: Offset,
    ) {
        if !self.remove(index, message).is_some_and(|o| o.given_up) {
            self.expiries.retain(|(_, _, waiting)| *waiting != message);
            let sent = &env.plan.messages[message];
            env.observe(TraceEvent::Acknowledged {
                message: sent.id,
                partition: sent.partition,
                offset,
            });
        }
        self.send(env, index);
    }

    /// Sends a message again after a pause: its request failed, or its outcome is not known.
    fn failed(&mut self, env: &mut Env<'_>, index: PartitionIndex, message: usize) {
        let queue = &mut self.queues[usize::from(index.0)];
        queue.in_flight -= 1;
        queue.draining = self.idempotent;
        queue.resume_at = env.now() + env.plan.settings.producer.retry_backoff;
        let mut messages = queue.messages.iter_mut();
        if let Some(outgoing) = messages.find(|outgoing| outgoing.message == message) {
            outgoing.in_flight = false;
            if outgoing.given_up && outgoing.sequence.is_none() {
                queue
                    .messages
                    .retain(|outgoing| outgoing.message != message);
            }
        }
        self.refresh_metadata(env);
    }

    /// Gives a message up: `delivery.timeout.ms` is over.
    ///
    /// A message that has a number may be stored already, and those behind it count on it. Kafka's
    /// producer starts a new epoch there, under which it numbers them anew; here it goes on sending
    /// the message, and ignores the outcome. Either way it may or may not be stored, and the order
    /// stays.
    fn give_up(&mut self, env: &mut Env<'_>, index: PartitionIndex, message: usize) {
        let queue = &mut self.queues[usize::from(index.0)];
        let mut messages = queue.messages.iter_mut();
        if let Some(outgoing) = messages.find(|outgoing| outgoing.message == message) {
            outgoing.given_up = true;
            if !outgoing.in_flight && outgoing.sequence.is_none() {
                queue
                    .messages
                    .retain(|outgoing| outgoing.message != message);
            }
        }
        let id = env.plan.messages[message].id;
        env.observe(TraceEvent::ProduceFailed { message: id });
    }

    fn remove(&mut self, index: PartitionIndex, message: usize) -> Option<Outgoing> {
        let queue = &mut self.queues[usize::from(index.0)];
        queue.in_flight -= 1;
        let mut messages = queue.messages.iter();
        let place = messages.position(|outgoing| outgoing.message == message)?;
        queue.messages.remove(place)
    }
}

/// Metadata.
impl Producer {
    fn fetch_metadata(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        if self.metadata.due() > now {
            return;
        }
        let requests = &self.requests;
        self.metadata
            .avoid(|broker| requests.backs_off(broker, now).is_some());
        self.metadata.sent(now);
        let timeout = env.plan.settings.producer.request_timeout;
        let (broker, channel) = (self.metadata.broker(), Channel::Data);
        let (purpose, request) = (ProducerContinuation::Metadata, Request::Metadata);
        self.requests
            .send(env, broker, channel, timeout, purpose, request);
    }

    fn refresh_metadata(&mut self, env: &mut Env<'_>) {
        self.metadata.want_refresh(env.now());
        self.fetch_metadata(env);
    }
}
