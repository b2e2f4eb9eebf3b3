//! The thread that polls librdkafka all the time, and the only one that changes its assignment.
//!
//! Records of a partition come from its own queue, which exists from one assignment to its end, so
//! that no record gets the epoch of another assignment.

use super::commits::Request;
use super::context::RawConsumer;
use super::fetching::{BatchLimits, Fetching, Read, Truncated};
use super::leader_epochs::LeaderEpochs;
use super::leaving;
use super::lookups::{Answer, Question};
use super::outbox::{Outbox, Waker};
use super::rebalances::Rebalances;
use super::topics::{Topics, next_offset, positions_of};
use crate::{ClientError, Message};
use plimsoll_core::{Command, Event, NextOffset, TopicPartition};
use plimsoll_librdkafka::read_positions;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::types::RDKafkaErrorCode;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

/// The longest time without a poll: far below any poll deadline, and short enough to make up for a
/// wake-up that is missed.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The longest time of a seek, which librdkafka's main thread does at once.
const SEEK_TIMEOUT: Duration = Duration::from_millis(100);

/// The pause before a seek that came too early is tried again: the partition is about to be fetched.
const SEEK_PAUSE: Duration = Duration::from_millis(5);

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
    pub(super) leader_epochs: Arc<LeaderEpochs>,
    pub(super) waker: Arc<Waker>,
    pub(super) orders: Receiver<Order>,
    pub(super) outbox: Outbox,
    pub(super) lookups: Sender<Vec<Question>>,
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
    pub(super) fn run(&mut self) {
        let mut polled = Instant::now();
        while self.take_orders().is_continue() {
            self.serve();
            self.tell_assigned();
            let proved = self.prove_positions();
            let mut busy = self.fetch();
            if polled.elapsed() >= POLL_INTERVAL {
                // A wake-up that is missed costs no more than this interval.
                polled = Instant::now();
                self.fetching.values().for_each(Fetching::look_again);
                self.begin_anew(polled);
                self.pass_markers();
                self.notice_dismissal();
                busy = true;
            }
            if !busy {
                self.waker
                    .wait(if proved { POLL_INTERVAL } else { SEEK_PAUSE });
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
    pub(super) fn serve(&mut self) {
        loop {
            let before = self.consumer.context().served();
            match self.consumer.poll(Duration::ZERO) {
                Some(Err(error)) => {
                    use KafkaError::{MessageConsumption, MessageConsumptionFatal};
                    match error {
                        MessageConsumptionFatal(_) => self.fail(&error),
                        MessageConsumption(RDKafkaErrorCode::GroupAuthorizationFailed) => {
                            if self.topics.set_group_unavailable(true) {
                                tracing::error!(%error, "the group refuses the member");
                            }
                        }
                        // What concerns a topic or a partition is told elsewhere.
                        error => tracing::debug!(%error, "the client reports an error"),
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

    /// Has librdkafka compare positions with the leader epochs of their logs, which it does upon a
    /// seek and not where an assignment begins (`rd_kafka_toppar_seek`, `rd_kafka_toppar_fetch_start`
    /// of 2.12.1). Returns whether that was done for all.
    fn prove_positions(&mut self) -> bool {
        let unproved = self
            .fetching
            .iter()
            .filter(|(_, f)| f.unproved && !f.refused);
        let unproved: Vec<_> = unproved.map(|(id, f)| (*id, f.next)).collect();
        if unproved.is_empty() {
            return true;
        }
        let mut left = unproved.len();
        match self
            .consumer
            .seek_partitions(self.positions(unproved), SEEK_TIMEOUT)
        {
            Ok(sought) => {
                let done = sought.elements().into_iter().filter(|s| s.error().is_ok());
                for element in done {
                    let id = self.topics.partition(element.topic(), element.partition());
                    if let Some(fetching) = id.and_then(|id| self.fetching.get_mut(&id)) {
                        fetching.unproved = false;
                        fetching.look_again();
                        left -= 1;
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "positions could not be compared yet"),
        }
        left == 0
    }

    /// Builds a list of positions for librdkafka, with the leader epochs of the records before them.
    pub(super) fn positions(
        &self,
        positions: impl IntoIterator<Item = (TopicPartition, NextOffset)>,
    ) -> TopicPartitionList {
        positions_of(&self.topics, &self.leader_epochs, positions)
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
        for (id, fetching) in self.fetching.range_mut(some) {
            if self.outbox.is_full() {
                break;
            }
            let Read {
                batch,
                refused: truncated,
            } = fetching.read(self.limits);
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
            if truncated {
                self.leader_epochs.forget(id);
            }
            self.ask_for_ends(id, truncated);
        }
        busy
    }

    /// Tells the core of positions that have moved on without a record: behind the markers of
    /// transactions. The same thread reads the queues, so that no record lies between.
    fn pass_markers(&mut self) {
        let read = self.fetching.iter().filter(|(_, f)| f.has_position());
        let list = self.topics.list(read.map(|(id, _)| (*id, None)));
        read_positions(&self.consumer, &list);
        for element in list.elements() {
            let id = self.topics.partition(element.topic(), element.partition());
            let fetching = id.and_then(|id| Some((id, self.fetching.get_mut(&id)?)));
            if let Some((partition, fetching)) = fetching
                && let Some(position) = next_offset(element.offset())
                && fetching.pass(position)
            {
                self.outbox.tell(Event::Passed {
                    partition,
                    epoch: fetching.epoch,
                    position,
                });
            }
        }
    }

    /// Begins anew to read the partitions that had an error, after their pauses; notes which have
    /// one.
    fn begin_anew(&mut self, now: Instant) {
        let mut due = Vec::new();
        let mut failing = BTreeSet::new();
        for (id, fetching) in &mut self.fetching {
            if fetching.take_due(now) {
                due.push((*id, fetching.epoch, fetching.next));
            }
            if fetching.is_failing(now) {
                failing.insert(*id);
            }
        }
        self.topics.set_failing(failing);
        for (id, epoch, next) in due {
            self.seek(id, epoch, next);
        }
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
            } => self.seek(partition, epoch, position),
            Command::CompleteAssign { rebalance, starts } => {
                self.complete_assign(rebalance, starts);
            }
            Command::CompleteRevoke { rebalance } => self.complete_revoke(rebalance),
            // Carried out elsewhere.
            Command::Dispatch { .. }
            | Command::Cancel { .. }
            | Command::DeadLetter { .. }
            | Command::Close => {}
        }
    }

    pub(super) fn pause(&mut self, partition: TopicPartition, paused: bool) {
        if let Some(fetching) = self.fetching.get_mut(&partition) {
            fetching.paused = paused;
            fetching.look_again();
        }
    }

    pub(super) fn fail(&self, error: &KafkaError) {
        let fatal = self.consumer.client().fatal_error();
        let reason = match fatal {
            Some((code, text)) => format!("{code}: {text}"),
            None => error.to_string(),
        };
        self.outbox.fail(ClientError::Fatal { reason });
    }
}

/// The end.
impl PollThread {
    /// Leaves the group. Commits nothing: the core has done that before, if there was time.
    pub(super) fn close(self) {
        let Self {
            consumer,
            outbox,
            lookups,
            commits,
            fetching,
            is_static,
            rebalances,
            topics,
            ..
        } = self;
        consumer.context().close();
        // The queues of partitions and the other threads share the consumer.
        drop((fetching, lookups, commits));
        rebalances.close(&consumer, &topics);
        leaving::leave(consumer, is_static);
        outbox.closed();
    }
}
