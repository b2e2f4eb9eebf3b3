//! Fetching: one long poll at a time to each broker that leads assigned partitions.
//!
//! A partition that joins the set while a poll is in flight waits for its answer, as in librdkafka.
//! So does one whose queue is full: `rd_kafka_toppar_fetch_decide` backs it off
//! (`RD_KAFKA_RESP_ERR__QUEUE_FULL`) and decides again after `fetch.queue.backoff.ms`.

mod partition;

use super::action::{Action, Continuation};
use super::connection::{Ask, Failure};
use super::view::View;
use crate::protocol::{
    FetchPosition, FetchRequest, FetchResponse, LogEnds, Node, Request, StoredRecord, Value,
};
use crate::recipes::Payload;
use crate::topology::PartitionIndex;
use partition::Partition;
use plimsoll_core::{AssignmentEpoch, Event, Instant, KeyHash, NextOffset, Record};
use plimsoll_oracle::ErrorName;
use plimsoll_scenarios::scenario::Consumers;
use std::collections::VecDeque;
use std::time::Duration;

/// The pause of a partition whose queue holds `queued.min.messages` or more
/// (librdkafka: the default of `fetch.queue.backoff.ms`).
const QUEUE_BACKOFF: Duration = Duration::from_secs(1);

/// The partitions that a client fetches.
#[derive(Debug)]
pub(super) struct Fetcher {
    settings: Settings,
    /// All partitions, by index.
    partitions: Vec<Partition>,
    /// Assigned partitions, in order.
    assigned: Vec<PartitionIndex>,
    /// Polls, by broker.
    polls: Vec<Poll>,
    /// Time at which a partition that failed is to be tried again.
    retry_at: Instant,
    /// Records that the application will get when it polls.
    queue: VecDeque<Batch>,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
struct Settings {
    prefetch: u32,
    max_wait: Duration,
    request_timeout: Duration,
    retry_backoff: Duration,
}

/// Fetched records of one partition, with the partition's version of that moment.
#[derive(Debug)]
struct Batch {
    partition: PartitionIndex,
    version: u32,
    records: Vec<Record<Payload>>,
}

#[derive(Debug, Default)]
struct Poll {
    in_flight: bool,
    /// Partitions asked for, in the order of the request, with their versions at that moment.
    sent: Vec<(PartitionIndex, u32)>,
}

impl Fetcher {
    /// Creates a fetcher without assigned partitions.
    pub(super) fn new(consumers: &Consumers, brokers: usize, partitions: usize) -> Self {
        Self {
            settings: Settings {
                prefetch: consumers.prefetch,
                max_wait: consumers.fetch_wait_max,
                request_timeout: consumers.request_timeout,
                retry_backoff: consumers.retry_backoff,
            },
            partitions: vec![Partition::default(); partitions],
            assigned: Vec::new(),
            polls: (0..brokers).map(|_| Poll::default()).collect(),
            retry_at: Instant::FAR_FUTURE,
            queue: VecDeque::new(),
            actions: VecDeque::new(),
        }
    }

    /// Returns the assigned partitions, in order.
    pub(super) fn assigned(&self) -> &[PartitionIndex] {
        &self.assigned
    }

    /// Returns whether a partition is assigned.
    pub(super) fn is_assigned(&self, partition: PartitionIndex) -> bool {
        self.partitions[usize::from(partition.0)].assigned
    }

    /// Returns whether the application began with a partition and has not given it up.
    pub(super) fn is_held(&self, partition: PartitionIndex) -> bool {
        self.partitions[usize::from(partition.0)].held
    }
}

/// What is fetched.
impl Fetcher {
    /// Fetches a partition from now on. An earlier pause is forgotten.
    pub(super) fn assign(
        &mut self,
        index: PartitionIndex,
        epoch: AssignmentEpoch,
        position: NextOffset,
    ) {
        let partition = self.partition(index);
        *partition = Partition {
            assigned: true,
            held: true,
            epoch,
            version: partition.version + 1,
            position: position.get(),
            delivered: position.get(),
            asked: partition.asked,
            ..Partition::default()
        };
        if let Err(place) = self.assigned.binary_search(&index) {
            self.assigned.insert(place, index);
        }
    }

    /// Fetches a partition no more.
    pub(super) fn unassign(&mut self, index: PartitionIndex) {
        let partition = self.partition(index);
        partition.assigned = false;
        partition.restart();
        self.assigned.retain(|assigned| *assigned != index);
    }

    /// Fetches nothing any more.
    pub(super) fn unassign_all(&mut self) {
        for index in std::mem::take(&mut self.assigned) {
            self.unassign(index);
        }
        self.retry_at = Instant::FAR_FUTURE;
    }

    /// Releases a partition that the application gave up; returns whether it had begun with it.
    pub(super) fn release(&mut self, index: PartitionIndex) -> bool {
        std::mem::take(&mut self.partition(index).held)
    }

    /// Stops a partition: what the application has not got yet is dropped.
    pub(super) fn pause(&mut self, index: PartitionIndex) {
        let partition = self.partition(index);
        partition.paused = true;
        partition.restart();
    }

    /// Resumes a partition that was stopped.
    pub(super) fn resume(&mut self, now: Instant, view: &View, index: PartitionIndex) {
        self.partition(index).paused = false;
        self.fetch_all(now, view);
    }

    /// Moves a partition to where the application says, if it is still under the assignment that is
    /// meant; returns from where.
    pub(super) fn seek(
        &mut self,
        now: Instant,
        view: &View,
        (index, epoch): (PartitionIndex, AssignmentEpoch),
        position: NextOffset,
    ) -> Option<NextOffset> {
        let partition = self.partition(index);
        if !partition.assigned || partition.epoch != epoch {
            return None;
        }
        let from = NextOffset::new(partition.delivered);
        partition.delivered = position.get();
        partition.halted = false;
        partition.restart();
        self.fetch_all(now, view);
        Some(from)
    }

    /// Takes the next records for the application; what is not wanted any more is dropped.
    pub(super) fn poll_records(
        &mut self,
    ) -> Option<(PartitionIndex, AssignmentEpoch, Vec<Record<Payload>>)> {
        while let Some(batch) = self.queue.pop_front() {
            let partition = self.partition(batch.partition);
            if !partition.assigned || partition.version != batch.version {
                continue;
            }
            let Some(last) = batch.records.last() else {
                continue;
            };
            partition.queued -= batch.records.len() as u32;
            partition.delivered = last.offset.next().get();
            return Some((batch.partition, partition.epoch, batch.records));
        }
        None
    }
}

/// Requests.
impl Fetcher {
    /// Asks every broker for what it leads, unless it is asked already.
    pub(super) fn fetch_all(&mut self, now: Instant, view: &View) {
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
        for broker in 0..self.polls.len() as u8 {
            self.fetch_from(now, view, Node(broker));
        }
    }

    /// Asks a broker for what it leads, unless it is asked already.
    #[inline]
    fn fetch_from(&mut self, now: Instant, view: &View, broker: Node) {
        let poll = &mut self.polls[usize::from(broker.0)];
        if poll.in_flight {
            return;
        }
        poll.sent.clear();
        for index in &self.assigned {
            let partition = &mut self.partitions[usize::from(index.0)];
            let stands_still = partition.paused || partition.halted || partition.retry_at > now;
            let leader = view.metadata.leader(*index);
            if stands_still || leader.is_none_or(|(leader, _)| leader != broker) {
                continue;
            }
            if partition.queued >= self.settings.prefetch {
                partition.retry_at = now + QUEUE_BACKOFF;
                self.retry_at = self.retry_at.min(partition.retry_at);
                continue;
            }
            if partition.asked.is_some_and(|asked| asked != broker) {
                // The partition moved: what the old leader may still answer is not wanted.
                partition.restart();
            }
            partition.asked = Some(broker);
            poll.sent.push((*index, partition.version));
        }
        if !poll.sent.is_empty() {
            poll.in_flight = true;
            self.actions.push_back(Action::Poll(broker));
        }
    }

    /// Returns the poll of a broker as a request, in the memory of an earlier one.
    #[inline]
    pub(super) fn poll_request(
        &self,
        view: &View,
        broker: Node,
        mut request: Box<FetchRequest>,
    ) -> Ask<Continuation> {
        for (index, _) in &self.polls[usize::from(broker.0)].sent {
            if let Some((_, leader_epoch)) = view.metadata.leader(*index) {
                request.partitions.push(FetchPosition {
                    partition: *index,
                    offset: self.partitions[usize::from(index.0)].position,
                    leader_epoch,
                    last_fetched_epoch: 0,
                    high_watermark: 0,
                    log_start: 0,
                });
            }
        }
        request.follower = false;
        request.max_wait = self.settings.max_wait;
        request.max_records = self.settings.prefetch;
        Ask {
            to: broker,
            // librdkafka: `socket.timeout.ms` on top of `fetch.wait.max.ms`.
            timeout: self.settings.request_timeout + self.settings.max_wait,
            request: Request::Fetch(request),
            then: Continuation::Fetch,
        }
    }

    /// Takes what is to be done next.
    #[inline]
    pub(super) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Returns when something is to be tried again.
    #[inline]
    pub(super) fn poll_timeout(&self) -> Instant {
        self.retry_at
    }

    /// Delays a partition that failed: it is not fetched before `at`.
    fn retry(&mut self, index: PartitionIndex, at: Instant) {
        self.partition(index).retry_at = at;
        self.retry_at = self.retry_at.min(at);
    }

    #[inline]
    fn partition(&mut self, index: PartitionIndex) -> &mut Partition {
        &mut self.partitions[usize::from(index.0)]
    }
}

/// Responses.
impl Fetcher {
    /// Handles a broker's answer: the next poll goes out, and the records wait for the application.
    pub(super) fn handle_fetched(
        &mut self,
        now: Instant,
        view: &View,
        from: Node,
        response: &FetchResponse,
    ) {
        let mut sent = self.end_poll(from);
        let mut records = response.records.as_slice();
        let mut failed = false;
        for answer in &response.partitions {
            let (own, rest) = records.split_at(answer.records as usize);
            records = rest;
            // Whatever was not wanted any more when the answer came has another version by now.
            let index = answer.partition;
            let asked = sent.iter().find(|(asked, _)| *asked == index);
            let partition = self.partition(index);
            if asked.is_none_or(|(_, version)| *version != partition.version) {
                continue;
            }
            match answer.error {
                None => self.enqueue(index, own),
                Some(ErrorName::OffsetOutOfRange) => self.ask_range(now, view, index),
                Some(_) => {
                    self.retry(index, now + self.settings.retry_backoff);
                    failed = true;
                }
            }
        }
        sent.clear();
        self.polls[usize::from(from.0)].sent = sent;
        if failed {
            self.actions.push_back(Action::RefreshMetadata);
        }
        self.fetch_from(now, view, from);
    }

    /// Handles a broker's refusal. One for all partitions is the same news as one for each of them.
    pub(super) fn handle_refused(
        &mut self,
        now: Instant,
        view: &View,
        from: Node,
        error: ErrorName,
    ) {
        if error != ErrorName::OffsetOutOfRange {
            return self.handle_failed(now, view, from);
        }
        for (index, version) in self.end_poll(from) {
            if self.partition(index).version == version {
                self.ask_range(now, view, index);
            }
        }
        self.fetch_from(now, view, from);
    }

    /// Handles a poll that came to nothing.
    pub(super) fn handle_failed(&mut self, now: Instant, view: &View, from: Node) {
        let soon = now + self.settings.retry_backoff;
        let reconnect = view.connections.backs_off(from, now);
        let at = reconnect.map_or(soon, |reconnect| reconnect.max(soon));
        for (index, version) in self.end_poll(from) {
            if self.partition(index).version == version {
                self.retry(index, at);
            }
        }
        self.actions.push_back(Action::RefreshMetadata);
    }

    /// Handles news of the cluster. Partitions that wait for a dead leader wait no longer where
    /// there is news of another one; where there is none, more news is wanted soon.
    pub(super) fn handle_metadata(&mut self, now: Instant, view: &View) {
        let soon = now + self.settings.retry_backoff;
        let mut waits = false;
        for index in &self.assigned {
            let partition = &mut self.partitions[usize::from(index.0)];
            if partition.retry_at <= soon {
                continue;
            }
            let leader = view.metadata.leader(*index);
            if leader.is_some_and(|(leader, _)| view.connections.backs_off(leader, now).is_none()) {
                partition.retry_at = now;
            } else {
                waits = true;
            }
        }
        if waits {
            self.actions.push_back(Action::WantMetadata);
        }
        self.fetch_all(now, view);
    }

    /// Tells the application the range of a partition whose position is out of it: it decides.
    pub(super) fn handle_range(
        &mut self,
        now: Instant,
        view: &View,
        (index, version): (PartitionIndex, u32),
        answer: Result<LogEnds, Failure>,
    ) {
        let partition = &mut self.partitions[usize::from(index.0)];
        if !partition.assigned || partition.version != version {
            return;
        }
        match answer {
            Ok(ends) => self.actions.push_back(Action::Tell(Event::OutOfRange {
                partition: view.topology.partition(index),
                epoch: partition.epoch,
                position: NextOffset::new(partition.position),
                log_start: ends.log_start,
                high_watermark: ends.log_end,
            })),
            Err(_) => {
                // Fetching again will say again that it is out of range.
                partition.halted = false;
                self.retry(index, now + self.settings.retry_backoff);
                self.actions.push_back(Action::RefreshMetadata);
            }
        }
    }

    /// Asks for the range of a partition whose position is out of it.
    fn ask_range(&mut self, now: Instant, view: &View, index: PartitionIndex) {
        let Some((leader, _)) = view.metadata.leader(index) else {
            return self.retry(index, now + self.settings.retry_backoff);
        };
        let partition = self.partition(index);
        partition.halted = true;
        let then = Continuation::ResetOffsets(index, partition.version);
        let position = NextOffset::new(partition.position);
        self.actions.push_back(Action::OutOfRange(index, position));
        self.actions.push_back(Action::Ask(Ask {
            to: leader,
            timeout: self.settings.request_timeout,
            request: Request::ListOffsets { partition: index },
            then,
        }));
    }

    fn end_poll(&mut self, from: Node) -> Vec<(PartitionIndex, u32)> {
        let poll = &mut self.polls[usize::from(from.0)];
        poll.in_flight = false;
        let sent = std::mem::take(&mut poll.sent);
        for (index, _) in &sent {
            let partition = &mut self.partitions[usize::from(index.0)];
            if partition.asked == Some(from) {
                partition.asked = None;
            }
        }
        sent
    }

    fn enqueue(&mut self, index: PartitionIndex, stored: &[StoredRecord]) {
        let (Some(last), partition) = (stored.last(), self.partition(index)) else {
            return;
        };
        partition.position = last.offset.next().get();
        let records: Vec<Record<Payload>> = stored.iter().filter_map(to_record).collect();
        if records.is_empty() {
            return;
        }
        partition.queued += records.len() as u32;
        let version = partition.version;
        self.queue.push_back(Batch {
            partition: index,
            version,
            records,
        });
    }
}

fn to_record(stored: &StoredRecord) -> Option<Record<Payload>> {
    let Value::Message { id, key, bytes, .. } = stored.value else {
        return None;
    };
    Some(Record {
        offset: stored.offset,
        key: key.map(|key| KeyHash(u64::from(key))),
        bytes,
        payload: Payload { message: id, key },
    })
}
