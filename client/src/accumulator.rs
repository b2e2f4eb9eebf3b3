//! The producer's messages that are not acknowledged, by partition.
//!
//! Each message is a request of its own, at most five in flight to a partition. An idempotent
//! producer numbers the messages of a partition when it first sends them; when one fails it lets
//! the others in flight come back and then sends from the failed one on, so that the order stays
//! (librdkafka: `wait_drain`). It is idempotent only with `acks=all`, as Kafka's is.

use crate::{Ask, Connections, Failure, Metadata};
use plimsoll_core::{Instant, Offset};
use plimsoll_protocol::{
    Acks, Batch as _, Channel, Dialect, Node, PRODUCE_TIMEOUT_MS, PartitionIndex, Request,
};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::time::Duration;

/// `max.in.flight.requests.per.connection`: what brokers can still tell apart.
const MAX_IN_FLIGHT: usize = 5;

/// A batch as a producer appends it, in a dialect.
pub type BatchOf<D> = <D as Dialect>::Batch;

/// The numbers that an idempotent producer gives to what it appends.
pub trait Numbering: Debug {
    /// What is carried.
    type Dialect: Dialect;

    /// Gives a batch the number of its first record.
    fn number(&self, batch: BatchOf<Self::Dialect>, sequence: u32) -> BatchOf<Self::Dialect>;
}

/// A message, by a number that its producer has given to no other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(pub u32);

/// The settings of a producer.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// `acks`.
    pub acks: Acks,
    /// `enable.idempotence`.
    pub idempotence: bool,
    /// `delivery.timeout.ms`.
    pub delivery_timeout: Duration,
    /// `request.timeout.ms`.
    pub request_timeout: Duration,
    /// `retry.backoff.ms`.
    pub retry_backoff: Duration,
}

/// The producer's messages that are not acknowledged.
#[derive(Debug)]
pub struct Accumulator<N: Numbering> {
    numbering: N,
    settings: Settings,
    /// Queues, by partition.
    queues: Vec<Queue<N>>,
    /// End of the first pause of a queue; [`Instant::FAR_FUTURE`]: none pauses.
    resume_at: Instant,
    /// Times at which messages are given up, in the order in which they came.
    expiries: VecDeque<(Instant, PartitionIndex, Ticket)>,
    actions: VecDeque<Action<N>>,
}

/// An order of the accumulator.
#[derive(Debug)]
pub enum Action<N: Numbering> {
    /// A request to a broker.
    Ask(Ask<N::Dialect, Continuation>),
    /// A request to which no answer is awaited.
    Say(Node, Request<N::Dialect>),
    /// New metadata, asked for as soon as the backoff allows.
    RefreshMetadata,
    /// A message that was acknowledged before it was given up.
    Acknowledge(Ticket, PartitionIndex, Offset),
    /// A message that is given up: `delivery.timeout.ms` is over.
    GiveUp(Ticket),
}

/// The point at which the producer goes on when a request is answered, or lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Continuation {
    /// The leaders of partitions.
    Metadata,
    /// A message of a partition.
    Produce(PartitionIndex, Ticket),
}

/// The messages of one partition that are not acknowledged.
#[derive(Debug)]
struct Queue<N: Numbering> {
    messages: VecDeque<Outgoing<N>>,
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
struct Outgoing<N: Numbering> {
    message: Ticket,
    batch: BatchOf<N::Dialect>,
    sequence: Option<u32>,
    in_flight: bool,
    /// Whether `delivery.timeout.ms` is over: the message's outcome is in the trace already.
    given_up: bool,
}

impl<N: Numbering> Accumulator<N> {
    /// Creates an accumulator without messages.
    pub fn new(numbering: N, settings: Settings, partitions: usize) -> Self {
        let queues = (0..partitions).map(|_| Queue {
            messages: VecDeque::new(),
            next_sequence: 0,
            in_flight: 0,
            draining: false,
            resume_at: Instant::FAR_FUTURE,
            waits_for_leader: false,
        });
        Self {
            numbering,
            settings,
            queues: queues.collect(),
            resume_at: Instant::FAR_FUTURE,
            expiries: VecDeque::new(),
            actions: VecDeque::new(),
        }
    }

    /// Returns whether every message that it got is acknowledged or given up.
    pub fn is_done(&self) -> bool {
        self.expiries.is_empty()
    }

    /// Takes a message for a partition, to be sent.
    pub fn add(
        &mut self,
        now: Instant,
        metadata: &Metadata,
        connections: &Connections,
        index: PartitionIndex,
        message: Ticket,
        batch: BatchOf<N::Dialect>,
    ) {
        let expires = now + self.settings.delivery_timeout;
        self.expiries.push_back((expires, index, message));
        self.queue(index).messages.push_back(Outgoing {
            message,
            batch,
            sequence: None,
            in_flight: false,
            given_up: false,
        });
        self.send(now, metadata, connections, index);
    }

    /// Handles what became of a message's request.
    pub fn handle_answer(
        &mut self,
        now: Instant,
        metadata: &Metadata,
        connections: &Connections,
        index: PartitionIndex,
        message: Ticket,
        answer: Result<Offset, Failure>,
    ) {
        let Ok(offset) = answer else {
            return self.fail(now, index, message);
        };
        if !self.remove(index, message).is_some_and(|o| o.given_up) {
            let mut expiries = self.expiries.iter();
            let place = expiries.position(|(_, _, waiting)| *waiting == message);
            place.and_then(|place| self.expiries.remove(place));
            let acknowledge = Action::Acknowledge(message, index, offset);
            self.actions.push_back(acknowledge);
        }
        self.send(now, metadata, connections, index);
    }

    /// Handles news of the cluster: pauses for leaders that could not be reached are over.
    pub fn handle_metadata(
        &mut self,
        now: Instant,
        metadata: &Metadata,
        connections: &Connections,
    ) {
        for index in self.partitions() {
            let queue = self.queue(index);
            if queue.waits_for_leader {
                queue.waits_for_leader = false;
                queue.resume_at = Instant::FAR_FUTURE;
            }
            self.send(now, metadata, connections, index);
        }
        self.resume_at = self.first_resume();
    }

    /// Handles the loss of connections with a broker on which no answer was awaited.
    pub fn handle_disconnected(&mut self) {
        if self.settings.acks == Acks::None {
            // With acks=0 this is how it learns that the leader is another one.
            self.actions.push_back(Action::RefreshMetadata);
        }
    }

    /// Gives up what is late, and sends what waited for its time.
    pub fn handle_timeout(&mut self, now: Instant, metadata: &Metadata, connections: &Connections) {
        while let Some(&(at, index, message)) = self.expiries.front()
            && at <= now
        {
            self.expiries.pop_front();
            self.give_up(index, message);
        }
        if self.resume_at > now {
            return;
        }
        for index in self.partitions() {
            let queue = self.queue(index);
            if queue.resume_at <= now {
                queue.resume_at = Instant::FAR_FUTURE;
                queue.waits_for_leader = false;
                self.send(now, metadata, connections, index);
            }
        }
        self.resume_at = self.first_resume();
    }

    /// Takes what is to be done next.
    #[inline]
    pub fn poll_action(&mut self) -> Option<Action<N>> {
        self.actions.pop_front()
    }

    /// Returns the earliest deadline.
    pub fn poll_timeout(&self) -> Instant {
        let expiry = self.expiries.front();
        self.resume_at
            .min(expiry.map_or(Instant::FAR_FUTURE, |(at, ..)| *at))
    }

    /// Sends what may be sent.
    fn send(
        &mut self,
        now: Instant,
        metadata: &Metadata,
        connections: &Connections,
        index: PartitionIndex,
    ) {
        let queue = &mut self.queues[usize::from(index.0)];
        let waits = queue.draining && queue.in_flight > 0;
        if queue.messages.len() == queue.in_flight
            || waits
            || queue.resume_at != Instant::FAR_FUTURE
        {
            return;
        }
        let Some((leader, _)) = metadata.leader(index) else {
            return self.actions.push_back(Action::RefreshMetadata);
        };
        if let Some(reconnect) = connections.backs_off(leader, Channel::Data, now) {
            queue.resume_at = reconnect;
            self.resume_at = self.resume_at.min(reconnect);
            queue.waits_for_leader = true;
            return self.actions.push_back(Action::RefreshMetadata);
        }
        self.send_to(leader, index);
    }

    /// Sends what may be in flight at once to the partition's leader, which can be reached.
    fn send_to(&mut self, leader: Node, index: PartitionIndex) {
        let is_idempotent = self.is_idempotent();
        let queue = &mut self.queues[usize::from(index.0)];
        queue.draining = false;
        for outgoing in &mut queue.messages {
            if outgoing.in_flight {
                continue;
            }
            if queue.in_flight == MAX_IN_FLIGHT {
                break;
            }
            if is_idempotent && outgoing.sequence.is_none() {
                outgoing.sequence = Some(queue.next_sequence);
                let batch = outgoing.batch.clone();
                outgoing.batch = self.numbering.number(batch, queue.next_sequence);
                queue.next_sequence += outgoing.batch.offsets();
            }
            let request = Request::Produce {
                partition: index,
                batch: outgoing.batch.clone(),
                acks: self.settings.acks,
                timeout_ms: PRODUCE_TIMEOUT_MS,
            };
            if self.settings.acks == Acks::None {
                self.actions.push_back(Action::Say(leader, request));
                continue;
            }
            outgoing.in_flight = true;
            queue.in_flight += 1;
            self.actions.push_back(Action::Ask(Ask {
                to: leader,
                timeout: self.settings.request_timeout,
                request,
                then: Continuation::Produce(index, outgoing.message),
            }));
        }
        if self.settings.acks == Acks::None {
            // Sent is delivered, as far as this producer cares; it learns of no offset.
            queue.messages.clear();
            self.expiries.retain(|(_, of, _)| *of != index);
        }
    }

    /// Sends a message again after a pause: its request failed, or its outcome is not known.
    fn fail(&mut self, now: Instant, index: PartitionIndex, message: Ticket) {
        let is_idempotent = self.is_idempotent();
        let queue = &mut self.queues[usize::from(index.0)];
        queue.in_flight -= 1;
        queue.draining = is_idempotent;
        queue.resume_at = now + self.settings.retry_backoff;
        let mut messages = queue.messages.iter_mut();
        if let Some(outgoing) = messages.find(|outgoing| outgoing.message == message) {
            outgoing.in_flight = false;
            if outgoing.given_up && outgoing.sequence.is_none() {
                queue
                    .messages
                    .retain(|outgoing| outgoing.message != message);
            }
        }
        // A pause that began earlier may be longer now.
        self.resume_at = self.first_resume();
        self.actions.push_back(Action::RefreshMetadata);
    }

    /// Gives a message up: `delivery.timeout.ms` is over.
    ///
    /// A message that has a number may be stored already, and those behind it count on it. Kafka's
    /// producer starts a new epoch there, under which it numbers them anew; here it goes on sending
    /// the message, and ignores the outcome. Either way it may or may not be stored, and the order
    /// stays.
    fn give_up(&mut self, index: PartitionIndex, message: Ticket) {
        let queue = self.queue(index);
        let mut messages = queue.messages.iter_mut();
        if let Some(outgoing) = messages.find(|outgoing| outgoing.message == message) {
            outgoing.given_up = true;
            if !outgoing.in_flight && outgoing.sequence.is_none() {
                queue
                    .messages
                    .retain(|outgoing| outgoing.message != message);
            }
        }
        self.actions.push_back(Action::GiveUp(message));
    }

    fn remove(&mut self, index: PartitionIndex, message: Ticket) -> Option<Outgoing<N>> {
        let queue = self.queue(index);
        queue.in_flight -= 1;
        let mut messages = queue.messages.iter();
        let place = messages.position(|outgoing| outgoing.message == message)?;
        queue.messages.remove(place)
    }

    fn is_idempotent(&self) -> bool {
        self.settings.idempotence && self.settings.acks == Acks::All
    }

    fn first_resume(&self) -> Instant {
        let resumes = self.queues.iter().map(|queue| queue.resume_at);
        resumes.min().unwrap_or(Instant::FAR_FUTURE)
    }

    fn queue(&mut self, index: PartitionIndex) -> &mut Queue<N> {
        &mut self.queues[usize::from(index.0)]
    }

    fn partitions(&self) -> impl Iterator<Item = PartitionIndex> + use<N> {
        (0..self.queues.len() as u16).map(PartitionIndex)
    }
}
