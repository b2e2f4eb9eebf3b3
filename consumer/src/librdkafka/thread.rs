//! The thread that polls librdkafka all the time, and the only one that changes its assignment.
//!
//! Records of a partition come from its own queue, which exists from one assignment to its end, so
//! that no record gets the epoch of another assignment.

use super::commits::Request;
use super::context::{Callback, RawConsumer, assign, unassign};
use super::fetching::{BatchLimits, Fetching, Read, Truncated};
use super::leaving;
use super::lookups::{Answer, Question, Wanted};
use super::outbox::{Outbox, Waker};
use super::rebalances::{Rebalances, Unanswered};
use super::topics::{Topics, raw};
use crate::{ClientError, Message};
use plimsoll_core::{Command, Event, RebalanceId, Start, TopicPartition};
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{Consumer, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::Message as _;
use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

/// The longest time without a poll: far below any poll deadline, and short enough to make up for a
/// wake-up that is missed.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A request to the thread.
#[derive(Debug)]
pub(super) enum Order {
    /// Join the group.
    Subscribe,
    /// Carry out a command of the core.
    Command(Command<Message>),
    /// Go on with the answer of a lookup.
    Found(Answer),
    /// Go on although a commit of these partitions was refused: the group has let the member go.
    Refused(Vec<TopicPartition>),
    /// Leave the group, and end.
    Close,
}

/// The thread, with all that it works on.
pub(super) struct PollThread {
    pub(super) consumer: Arc<RawConsumer>,
    pub(super) topics: Arc<Topics>,
    pub(super) waker: Arc<Waker>,
    pub(super) orders: Receiver<Order>,
    pub(super) outbox: Outbox,
    pub(super) lookups: Sender<Question>,
    pub(super) commits: Sender<Request>,
    pub(super) limits: BatchLimits,
    /// Whether the member keeps its partitions while it restarts.
    pub(super) is_static: bool,
    pub(super) fetching: BTreeMap<TopicPartition, Fetching>,
    /// The partition that was read last.
    pub(super) last_read: TopicPartition,
    pub(super) rebalances: Rebalances,
}

impl PollThread {
    /// Polls until the order to close.
    pub(super) fn run(mut self) {
        let mut polled = Instant::now();
        loop {
            if self.take_orders().is_break() {
                return self.close();
            }
            self.serve();
            let mut busy = self.fetch();
            if polled.elapsed() >= POLL_INTERVAL {
                // A wake-up that is missed costs no more than this interval.
                polled = Instant::now();
                self.fetching.values().for_each(Fetching::look_again);
                busy = true;
            }
            if !busy {
                self.waker.wait(POLL_INTERVAL);
            }
        }
    }

    fn take_orders(&mut self) -> ControlFlow<()> {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Subscribe) => self.subscribe(),
                Ok(Order::Command(command)) => self.execute(command),
                Ok(Order::Found(answer)) => self.found(answer),
                Ok(Order::Refused(carried)) => self.dismissed(&carried),
                Ok(Order::Close) | Err(TryRecvError::Disconnected) => {
                    return ControlFlow::Break(());
                }
                Err(TryRecvError::Empty) => return ControlFlow::Continue(()),
            }
        }
    }

    /// Serves librdkafka's callbacks: rebalances, errors, logs. This is the poll for which the
    /// group has a deadline.
    fn serve(&mut self) {
        loop {
            let before = self.consumer.context().served();
            match self.consumer.poll(Duration::ZERO) {
                Some(Err(error)) => {
                    if let KafkaError::MessageConsumptionFatal(_) = error {
                        self.fail(&error);
                    }
                }
                // Every partition is taken out of this queue before it is assigned. If that ever
                // fails, it is better to end than to go on without the record.
                Some(Ok(message)) => self.outbox.fail(ClientError::Fatal {
                    reason: format!(
                        "record {} of {} [{}] came by the common queue, not by its partition's",
                        message.offset(),
                        message.topic(),
                        message.partition()
                    ),
                }),
                None if self.consumer.context().served() == before => break,
                None => {}
            }
        }
        while let Some(callback) = self.consumer.context().next_callback() {
            self.rebalance(callback);
        }
    }

    /// Reads the queues of the partitions, each up to a batch; returns whether there were records.
    fn fetch(&mut self) -> bool {
        // Where the driver has no room for all partitions, the others come first next time.
        let last = self.last_read;
        let after = self.fetch_some((Bound::Excluded(last), Bound::Unbounded));
        let rest = self.fetch_some((Bound::Unbounded, Bound::Included(last)));
        after || rest
    }

    fn fetch_some(&mut self, some: (Bound<TopicPartition>, Bound<TopicPartition>)) -> bool {
        let mut busy = false;
        let mut refused: Vec<(TopicPartition, Truncated)> = Vec::new();
        let context = self.consumer.context();
        for (id, fetching) in self.fetching.range_mut(some) {
            if self.outbox.is_full() {
                break;
            }
            let Read {
                batch,
                refused: truncated,
            } = fetching.read(context, self.limits);
            if let Some(batch) = batch {
                busy = true;
                self.last_read = *id;
                self.outbox.tell(Event::Fetched {
                    partition: *id,
                    epoch: fetching.epoch,
                    records: batch.into_records(),
                });
            }
            refused.extend(truncated.map(|truncated| (*id, truncated)));
        }
        for (id, truncated) in refused {
            self.ask_for_ends(id, truncated);
        }
        busy
    }

    fn subscribe(&mut self) {
        let names: Vec<&str> = self.topics.names().collect();
        if let Err(error) = self.consumer.subscribe(&names) {
            self.fail(&error);
        }
    }

    fn execute(&mut self, command: Command<Message>) {
        match command {
            Command::Commit { commit, offsets } => {
                if self.commits.send((commit, offsets)).is_err() {
                    self.outbox.fail(ClientError::Ended);
                }
            }
            Command::Pause { partition } => self.pause(partition, true),
            Command::Resume { partition } => self.pause(partition, false),
            Command::Seek {
                partition,
                epoch,
                position,
            } => {
                self.rebalances.seeks.push((partition, epoch, position));
                self.seek_if_quiet();
            }
            Command::CompleteAssign { rebalance, starts } => {
                self.complete_assign(rebalance, &starts);
            }
            Command::CompleteRevoke { rebalance } => self.complete_revoke(rebalance),
            // Carried out elsewhere.
            Command::Dispatch { .. }
            | Command::Cancel { .. }
            | Command::DeadLetter { .. }
            | Command::Close => {}
        }
    }

    fn pause(&mut self, partition: TopicPartition, paused: bool) {
        if let Some(fetching) = self.fetching.get_mut(&partition) {
            fetching.paused = paused;
            fetching.look_again();
        }
    }

    fn fail(&self, error: &KafkaError) {
        let fatal = self.consumer.client().fatal_error();
        let reason = match fatal {
            Some((code, text)) => format!("{code}: {text}"),
            None => error.to_string(),
        };
        self.outbox.fail(ClientError::Fatal { reason });
    }
}

/// Rebalances.
impl PollThread {
    /// Takes a rebalance that librdkafka reports. librdkafka goes on when it has the answer, and
    /// reports no other one in the meantime, unless it had to give this one up.
    fn rebalance(&mut self, callback: Callback) {
        self.rebalances.last = self.rebalances.last.wrapping_add(1);
        let id = RebalanceId(self.rebalances.last);
        let wanted = Wanted::default();
        let (assigns, partitions) = match callback {
            Callback::Assign(partitions) => {
                let question = Question::Start {
                    rebalance: id,
                    partitions: partitions.clone(),
                    wanted: Arc::downgrade(&wanted),
                };
                self.ask(question);
                (true, partitions)
            }
            Callback::Revoke(partitions) => {
                self.outbox.tell(Event::Revoked {
                    rebalance: id,
                    partitions: partitions.clone(),
                });
                (false, partitions)
            }
            Callback::Lost(partitions) => {
                self.outbox.tell(Event::Lost {
                    rebalance: id,
                    partitions: partitions.clone(),
                });
                (false, partitions)
            }
            Callback::Interrupted(reason) => {
                return self.outbox.fail(ClientError::Fatal {
                    reason: reason.to_string(),
                });
            }
        };
        if !assigns {
            // Partitions that are about to go need no more records.
            for partition in &partitions {
                self.pause(*partition, true);
            }
        }
        self.rebalances.unanswered = Some(Unanswered {
            id,
            assigns,
            partitions,
            _wanted: wanted,
        });
    }

    fn complete_assign(&mut self, rebalance: RebalanceId, starts: &[Start]) {
        if self.rebalances.take_answered(rebalance, true).is_none() {
            return;
        }
        for start in starts {
            let id = start.partition;
            // When an old queue of the same partition is dropped, it takes the callback for
            // wake-ups along: so it goes before the new one comes.
            self.fetching.remove(&id);
            let Some(topic) = self.topics.name(id.topic) else {
                continue;
            };
            let (consumer, waker) = (&self.consumer, &self.waker);
            match Fetching::new(consumer, waker, topic, id, start.epoch, start.position) {
                Some(fetching) => _ = self.fetching.insert(id, fetching),
                None => self.outbox.fail(ClientError::Fatal {
                    reason: format!("librdkafka has no queue for {topic} [{}]", id.partition),
                }),
            }
        }
        let positions = starts.iter().map(|s| (s.partition, Some(raw(s.position))));
        let list = self.topics.list(positions);
        self.check(assign(&self.consumer, &list));
        self.seek_if_quiet();
    }

    fn complete_revoke(&mut self, rebalance: RebalanceId) {
        let Some(answered) = self.rebalances.take_answered(rebalance, false) else {
            return;
        };
        let mut revoked = answered.partitions;
        // What was given up before it was fetched is not in librdkafka's assignment, and a list
        // that has more than that is refused as a whole.
        revoked.retain(|partition| self.fetching.contains_key(partition));
        let list = self.list_of(&revoked);
        self.check(unassign(&self.consumer, &list));
        for partition in revoked {
            if let Some(fetching) = self.fetching.remove(&partition) {
                fetching.discard();
            }
        }
        self.seek_if_quiet();
    }

    /// Goes on after the group has let the member go, and refused a commit of these partitions.
    ///
    /// librdkafka tells no loss before it has the answer to a rebalance
    /// (`rd_kafka_cgrp_revoke_all_rejoin_maybe`). The core answers an assignment once its start is
    /// committed, and a revocation once its last commit is accepted; so the two would wait for each
    /// other, for ever or until the deadline of the revocation. An assignment is answered with none
    /// of its partitions; what is being given up is lost.
    fn dismissed(&mut self, carried: &[TopicPartition]) {
        let asked = |u: &mut Unanswered| u.partitions.iter().any(|given| carried.contains(given));
        let Some(unanswered) = self.rebalances.unanswered.take_if(asked) else {
            return;
        };
        if unanswered.assigns {
            self.check(assign(&self.consumer, &TopicPartitionList::new()));
            self.seek_if_quiet();
        } else {
            self.outbox.tell(Event::Lost {
                rebalance: unanswered.id,
                partitions: unanswered.partitions.clone(),
            });
            self.rebalances.unanswered = Some(unanswered);
        }
    }

    /// Ends the client if librdkafka refused a change of the assignment: its state is then unknown.
    fn check(&self, result: KafkaResult<()>) {
        if let Err(error) = result {
            self.fail(&error);
        }
    }

    fn list_of(&self, partitions: &[TopicPartition]) -> TopicPartitionList {
        self.topics.list(partitions.iter().map(|p| (*p, None)))
    }
}

/// Positions.
impl PollThread {
    /// Tells the driver the answer of a lookup, if it is still awaited.
    fn found(&mut self, answer: Answer) {
        match answer {
            Answer::Start {
                rebalance,
                assignments,
            } => {
                let unanswered = &self.rebalances.unanswered;
                if unanswered.as_ref().is_some_and(|u| u.id == rebalance) {
                    self.outbox.tell(Event::Assigned {
                        rebalance,
                        partitions: assignments,
                    });
                }
            }
            Answer::Ends {
                partition,
                epoch,
                position,
                log_start,
                high_watermark,
            } => {
                let fetching = self.fetching.get(&partition);
                if fetching.is_some_and(|f| f.epoch == epoch && f.refused) {
                    self.outbox.tell(Event::OutOfRange {
                        partition,
                        epoch,
                        position,
                        log_start,
                        high_watermark,
                    });
                }
            }
        }
    }

    fn ask_for_ends(&self, partition: TopicPartition, truncated: Truncated) {
        if let Some(fetching) = self.fetching.get(&partition) {
            self.ask(Question::Ends {
                partition,
                epoch: fetching.epoch,
                position: fetching.next,
                truncated,
                wanted: Arc::downgrade(&fetching.wanted),
            });
        }
    }

    fn ask(&self, question: Question) {
        if self.lookups.send(question).is_err() {
            self.outbox.fail(ClientError::Ended);
        }
    }

    /// Fetches from other positions, unless librdkafka waits for the answer to a rebalance.
    ///
    /// A seek is a new assignment: after a refused position librdkafka refuses a seek as well.
    fn seek_if_quiet(&mut self) {
        if self.rebalances.unanswered.is_some() {
            return;
        }
        for (partition, epoch, position) in std::mem::take(&mut self.rebalances.seeks) {
            let Some(fetching) = self.fetching.get_mut(&partition) else {
                continue;
            };
            if fetching.epoch != epoch {
                continue;
            }
            fetching.next = position;
            fetching.refused = false;
            self.check(match self.consumer.rebalance_protocol() {
                RebalanceProtocol::Cooperative => {
                    let one = self.topics.list([(partition, Some(raw(position)))]);
                    let gone = self.consumer.incremental_unassign(&one);
                    gone.and_then(|()| self.consumer.incremental_assign(&one))
                }
                RebalanceProtocol::Eager | RebalanceProtocol::None => {
                    let all = self.fetching.iter().map(|(id, f)| (*id, Some(raw(f.next))));
                    self.consumer.assign(&self.topics.list(all))
                }
            });
        }
    }
}

/// The end.
impl PollThread {
    /// Leaves the group. Commits nothing: the core has done that before, if there was time.
    fn close(self) {
        let Self {
            consumer,
            outbox,
            lookups,
            commits,
            fetching,
            is_static,
            mut rebalances,
            topics,
            ..
        } = self;
        consumer.context().close();
        // The queues of partitions and the other threads share the consumer.
        drop((fetching, lookups, commits));
        if let Some(unanswered) = rebalances.unanswered.take() {
            let partitions = unanswered.partitions.iter();
            let list = topics.list(partitions.map(|p| (*p, None)));
            consumer
                .context()
                .answer(&consumer, unanswered.assigns, &list);
        }
        leaving::leave(consumer, is_static);
        outbox.closed();
    }
}
