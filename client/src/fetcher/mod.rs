//! Fetching: one long poll at a time to each broker that leads assigned partitions.
//!
//! A partition that joins the set while a poll is in flight waits for its answer, as in librdkafka.
//! So does one whose queue is full: `rd_kafka_toppar_fetch_decide` backs it off
//! (`RD_KAFKA_RESP_ERR__QUEUE_FULL`) and decides again after `fetch.queue.backoff.ms`.

mod partition;
mod pauses;
mod proofs;
mod responses;

use crate::{Action, Ask, Continuation, RecordsOf, Settings, Speaker, Validation, View};
use partition::{Batch, Partition};
use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset};
use plimsoll_protocol::{
    FetchPosition, FetchRequest, NO_EPOCH, Node, PartitionIndex, Positions, Request,
};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// The pause before what could not be read is fetched again.
const UNREADABLE_BACKOFF: Duration = Duration::from_secs(1);

/// The greatest size of an answer (librdkafka: the default of `fetch.max.bytes`).
const MAX_BYTES: u32 = 50 << 20;

/// The partitions that a client fetches.
#[derive(Debug)]
pub struct Fetcher<S: Speaker> {
    settings: Settings,
    /// All partitions, by index.
    partitions: Vec<Partition>,
    /// Assigned partitions, in order.
    assigned: Vec<PartitionIndex>,
    /// Polls, by broker.
    polls: Vec<Poll>,
    /// Number that increases when polls may have to ask for other partitions, or other offsets than
    /// those that follow from their answers.
    changes: u32,
    /// Time at which a partition that failed is to be tried again.
    retry_at: Instant,
    /// Whether nothing is fetched before the application answers a rebalance.
    holds: bool,
    /// Whether a partition may be held back.
    holds_back: bool,
    /// Whether the application polls: Java sends fetches then alone.
    polls_now: bool,
    /// Records that the application will get when it polls.
    queue: VecDeque<Batch<S::Payload>>,
    /// What came out of the queue of partitions that are withheld, in its order.
    withheld: BTreeMap<PartitionIndex, VecDeque<Batch<S::Payload>>>,
    actions: VecDeque<Action<S>>,
}

/// Records of a partition for the application.
#[derive(Debug)]
pub struct Fetched<S: Speaker> {
    /// The partition.
    pub partition: PartitionIndex,
    /// The assignment under which it was fetched.
    pub epoch: AssignmentEpoch,
    /// The records, in the order of their offsets; none, where the position alone has moved on.
    pub records: RecordsOf<S>,
    /// The position behind them.
    pub position: NextOffset,
}

#[derive(Debug, Default)]
struct Poll {
    in_flight: bool,
    /// What is asked for. While the poll is in flight, the broker has it; it comes back, and goes
    /// on behind what was answered.
    positions: Positions,
    /// `Fetcher::changes` when the positions were gathered; `None`: some partition waits only for
    /// its time to come.
    gathered_at: Option<u32>,
    is_incremental: bool,
}

impl<S: Speaker> Fetcher<S> {
    /// Creates a fetcher without assigned partitions.
    pub fn new(settings: Settings, brokers: usize, partitions: usize) -> Self {
        Self {
            settings,
            partitions: vec![Partition::default(); partitions],
            assigned: Vec::new(),
            polls: (0..brokers).map(|_| Poll::default()).collect(),
            changes: 0,
            retry_at: Instant::FAR_FUTURE,
            holds: false,
            holds_back: false,
            polls_now: true,
            queue: VecDeque::new(),
            withheld: BTreeMap::new(),
            actions: VecDeque::new(),
        }
    }

    /// Returns the assigned partitions, in order.
    pub fn assigned(&self) -> &[PartitionIndex] {
        &self.assigned
    }

    /// Returns whether a partition is assigned.
    pub fn is_assigned(&self, partition: PartitionIndex) -> bool {
        self.partitions[usize::from(partition.0)].assigned
    }

    /// Returns whether what was fetched last of a partition could not be read. It is fetched again.
    pub fn is_failing(&self, partition: PartitionIndex) -> bool {
        self.partitions[usize::from(partition.0)].failing
    }

    /// Returns whether records of a partition were fetched with which no handler has begun.
    pub fn has_buffered(&self, partition: PartitionIndex) -> bool {
        let partition = &self.partitions[usize::from(partition.0)];
        partition.position > partition.dispatched
    }

    /// Notes that a handler begins with a record.
    #[inline]
    pub fn handle_dispatched(&mut self, partition: PartitionIndex, offset: Offset) {
        let partition = &mut self.partitions[usize::from(partition.0)];
        partition.dispatched = partition.dispatched.max(offset.next().get());
    }

    /// Returns whether the application began with a partition and has not given it up.
    pub fn is_held(&self, partition: PartitionIndex) -> bool {
        self.partitions[usize::from(partition.0)].held
    }
}

/// What is fetched.
impl<S: Speaker> Fetcher<S> {
    /// Fetches a partition from now on. An earlier pause is forgotten.
    pub fn assign(&mut self, index: PartitionIndex, epoch: AssignmentEpoch, position: NextOffset) {
        let partition = self.change(index);
        *partition = Partition {
            assigned: true,
            held: true,
            epoch,
            version: partition.version + 1,
            position: position.get(),
            delivered: position.get(),
            dispatched: position.get(),
            epochs: std::mem::take(&mut partition.epochs),
            ..Partition::default()
        };
        if let Err(place) = self.assigned.binary_search(&index) {
            self.assigned.insert(place, index);
        }
    }

    /// Fetches a partition no more.
    pub fn unassign(&mut self, index: PartitionIndex) {
        self.withheld.remove(&index);
        let partition = self.change(index);
        partition.assigned = false;
        partition.restart();
        if let Ok(place) = self.assigned.binary_search(&index) {
            self.assigned.remove(place);
        }
    }

    /// Fetches nothing any more.
    pub fn unassign_all(&mut self) {
        for index in std::mem::take(&mut self.assigned) {
            self.unassign(index);
        }
        self.retry_at = Instant::FAR_FUTURE;
    }

    /// Releases a partition that the application gave up; returns whether it had begun with it.
    pub fn release(&mut self, index: PartitionIndex) -> bool {
        std::mem::take(&mut self.partitions[usize::from(index.0)].held)
    }

    /// Moves a partition to where the application says, if it is still under the assignment that is
    /// meant; returns from where.
    pub fn seek(
        &mut self,
        now: Instant,
        view: &View<S>,
        (index, epoch): (PartitionIndex, AssignmentEpoch),
        position: NextOffset,
    ) -> Option<NextOffset> {
        let fetches_ahead = self.settings.behaviour.fetches_ahead;
        let proves_starts = self.settings.behaviour.validation == Validation::Starts;
        let partition = self.change(index);
        if !partition.assigned || partition.epoch != epoch {
            return None;
        }
        if !fetches_ahead && !partition.is_drained() {
            // It waited for what is dropped here.
            partition.retry_at = Instant::ZERO;
        }
        let from = NextOffset::new(partition.delivered);
        partition.delivered = position.get();
        partition.halted = false;
        partition.is_cut = false;
        if proves_starts {
            partition.proved = None;
        }
        partition.restart();
        self.withheld.remove(&index);
        self.fetch_all(now, view);
        Some(from)
    }

    /// Returns whether there may be records for the application.
    #[inline]
    pub fn has_records(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Takes the next records for the application, of one partition and no more than `at_most`, or
    /// none, where its position has moved on without them; what is not wanted any more is dropped.
    pub fn poll_records(&mut self, at_most: usize) -> Option<Fetched<S>> {
        while let Some(mut batch) = self.queue.pop_front() {
            let partition = &mut self.partitions[usize::from(batch.partition.0)];
            if partition.withheld {
                let kept = self.withheld.entry(batch.partition).or_default();
                kept.push_back(batch);
                continue;
            }
            let rest = batch.split_off(at_most);
            if !partition.deliver(&batch) {
                continue;
            }
            let fetched = Fetched {
                partition: batch.partition,
                epoch: partition.epoch,
                position: NextOffset::new(partition.delivered),
                records: batch.records,
            };
            if !self.settings.behaviour.fetches_ahead {
                // It is fetched at once, if nothing else keeps it.
                if partition.is_drained() && !partition.failing {
                    partition.retry_at = Instant::ZERO;
                }
                self.changes += 1;
                self.retry_at = Instant::ZERO;
            }
            if let Some(rest) = rest {
                self.queue.push_front(rest);
            }
            return Some(fetched);
        }
        None
    }
}

/// Requests.
impl<S: Speaker> Fetcher<S> {
    /// Notes whether the application polls. Where fetches wait for that, they go out as soon as
    /// it begins, unless there is something for it.
    pub fn handle_polling(&mut self, now: Instant, view: &View<S>, polls: bool) {
        self.polls_now = polls;
        if polls {
            self.fetch_all(now, view);
        }
    }

    /// Asks every broker for what it leads, unless it is asked already, or the application is to
    /// poll first.
    pub fn fetch_all(&mut self, now: Instant, view: &View<S>) {
        match self.waits_for_poll() {
            true => self.retry_at = Instant::FAR_FUTURE,
            false => self.fetch_next(now, view),
        }
    }

    /// Returns whether nothing is fetched before the application has polled, and taken what there
    /// is for it (`ClassicKafkaConsumer.pollForFetches`: "if data is available already, return it
    /// immediately", "send any new fetches").
    #[inline]
    fn waits_for_poll(&self) -> bool {
        !self.settings.behaviour.fetches_ahead && (!self.polls_now || !self.queue.is_empty())
    }

    /// Asks every broker for what it leads, unless it is asked already: the application polls, and
    /// has taken what it may.
    pub fn fetch_next(&mut self, now: Instant, view: &View<S>) {
        self.prove_all(now, view);
        self.retry_at = Instant::FAR_FUTURE;
        let mut leaderless = false;
        for index in &self.assigned {
            let partition = &self.partitions[usize::from(index.0)];
            if partition.retry_at > now {
                self.retry_at = self.retry_at.min(partition.retry_at);
            }
            leaderless |= view.metadata.leader(*index).is_none();
        }
        if leaderless {
            self.actions.push_back(Action::RefreshMetadata);
        }
        for broker in 0..self.polls.len() as u16 {
            self.send_poll(now, view, Node(broker));
        }
    }

    /// Asks a broker for what it leads, unless the application is to poll first.
    #[inline]
    fn fetch_from(&mut self, now: Instant, view: &View<S>, broker: Node) {
        if !self.waits_for_poll() {
            self.send_poll(now, view, broker);
        }
    }

    /// Asks a broker for what it leads, unless it is asked already.
    #[inline]
    fn send_poll(&mut self, now: Instant, view: &View<S>, broker: Node) {
        let poll = &mut self.polls[usize::from(broker.0)];
        if poll.in_flight {
            return;
        }
        poll.is_incremental = poll.gathered_at == Some(self.changes) && !poll.positions.is_empty();
        if !poll.is_incremental {
            self.gather_positions(now, view, broker);
        }
        debug_assert!(self.is_complete(now, view, broker), "missing in a poll");
        let poll = &mut self.polls[usize::from(broker.0)];
        if !poll.positions.is_empty() {
            poll.in_flight = true;
            self.actions.push_back(Action::Poll(broker));
        }
    }

    /// Gathers the positions in all partitions that a broker leads.
    fn gather_positions(&mut self, now: Instant, view: &View<S>, broker: Node) {
        self.prove_all(now, view);
        let validation = self.settings.behaviour.validation;
        let poll = &mut self.polls[usize::from(broker.0)];
        poll.positions.clear();
        poll.gathered_at = Some(self.changes);
        for index in &self.assigned {
            let partition = &mut self.partitions[usize::from(index.0)];
            partition.end_poll(broker);
            let Some((leader, leader_epoch)) = view.metadata.leader(*index) else {
                continue;
            };
            let stands_still = self.holds || partition.stands_still();
            if leader != broker || stands_still {
                continue;
            }
            if partition.retry_at <= now && partition.has_enough(&self.settings) {
                partition.retry_at = now + self.settings.behaviour.queue_backoff;
                self.retry_at = self.retry_at.min(partition.retry_at);
            }
            if partition.retry_at > now || !partition.is_proved(validation, leader_epoch) {
                poll.gathered_at = None;
                continue;
            }
            if partition.is_asked() {
                // The partition moved: what the old leader may still answer is not wanted.
                partition.restart();
                self.withheld.remove(index);
            }
            partition.asked = Some((broker, partition.version));
            poll.positions.insert(FetchPosition {
                partition: *index,
                offset: partition.position,
                leader_epoch,
                last_fetched_epoch: NO_EPOCH,
                high_watermark: 0,
                log_start: 0,
                max_bytes: self.settings.partition_fetch_bytes,
            });
        }
    }

    /// Returns whether the positions are those of all partitions that a broker is to be asked for.
    fn is_complete(&self, now: Instant, view: &View<S>, broker: Node) -> bool {
        let validation = self.settings.behaviour.validation;
        let wanted = self.assigned.iter().filter_map(|index| {
            let partition = &self.partitions[usize::from(index.0)];
            let (leader, leader_epoch) = view.metadata.leader(*index)?;
            let is_proved = partition.is_proved(validation, leader_epoch);
            let stands_still = self.holds || partition.stands_still() || !is_proved;
            let stands_still = stands_still || partition.retry_at > now;
            let is_wanted = leader == broker && !stands_still;
            is_wanted.then_some((*index, partition.position, leader_epoch))
        });
        let positions = self.polls[usize::from(broker.0)].positions.iter();
        wanted.eq(positions.map(|p| (p.partition, p.offset, p.leader_epoch)))
    }

    /// Returns the poll of a broker as a request, in the memory of an earlier one.
    #[inline]
    pub fn poll_request(
        &mut self,
        broker: Node,
        mut request: Box<FetchRequest>,
    ) -> Ask<S::Dialect, Continuation> {
        let poll = &mut self.polls[usize::from(broker.0)];
        std::mem::swap(&mut request.positions, &mut poll.positions);
        request.is_incremental = poll.is_incremental;
        request.follower = false;
        request.max_wait = self.settings.fetch_wait_max;
        request.min_bytes = 1;
        request.max_bytes = MAX_BYTES;
        request.first = PartitionIndex::FIRST;
        Ask {
            to: broker,
            // librdkafka: `socket.timeout.ms` on top of `fetch.wait.max.ms`.
            timeout: self.settings.request_timeout + self.settings.fetch_wait_max,
            request: Request::Fetch(request),
            then: Continuation::Fetch,
        }
    }

    /// Takes what is to be done next.
    #[inline]
    pub fn poll_action(&mut self) -> Option<Action<S>> {
        self.actions.pop_front()
    }

    /// Returns when something is to be tried again.
    #[inline]
    pub fn poll_timeout(&self) -> Instant {
        self.retry_at
    }

    /// Returns the pause before a partition that failed is fetched again.
    fn backoff(&self) -> Duration {
        let own = self.settings.behaviour.partition_backoff;
        own.unwrap_or(self.settings.retry_backoff)
    }

    /// Delays a partition that failed: it is not fetched before `at`.
    fn retry(&mut self, index: PartitionIndex, at: Instant) {
        self.change(index).retry_at = at;
        self.retry_at = self.retry_at.min(at);
    }

    /// Returns a partition of which something else is to be fetched from now on.
    #[inline]
    fn change(&mut self, index: PartitionIndex) -> &mut Partition {
        self.changes += 1;
        &mut self.partitions[usize::from(index.0)]
    }
}
