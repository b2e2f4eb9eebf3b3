//! Fetching: one long poll at a time to each broker that leads assigned partitions.
//!
//! A partition that joins the set while a poll is in flight waits for its answer, as in librdkafka.

use super::action::Continuation;
use super::application::Batch;
use super::connection::Failure;
use super::process::{Process, settings};
use crate::env::Env;
use crate::protocol::{FetchPosition, FetchResponse, LogEnds, Node, Request, StoredRecord, Value};
use crate::recipes::Payload;
use crate::topology::PartitionIndex;
use plimsoll_core::{AssignmentEpoch, Event, Instant, KeyHash, NextOffset, Record, TopicPartition};
use plimsoll_oracle::{ErrorName, TraceEvent};

/// The partitions that a client fetches.
#[derive(Debug)]
pub struct Fetcher {
    /// All partitions, by index.
    partitions: Vec<Partition>,
    /// Assigned partitions, in order.
    assigned: Vec<PartitionIndex>,
    /// Polls, by broker.
    polls: Vec<Poll>,
    /// Time at which a partition that failed is to be tried again.
    retry_at: Instant,
}

#[derive(Clone, Debug, Default)]
struct Partition {
    /// Whether it is fetched, unless something below forbids it.
    assigned: bool,
    /// Whether the application began with it and has not given it up.
    held: bool,
    epoch: AssignmentEpoch,
    /// Number that increases when what is in flight is wanted no more (librdkafka: the version
    /// barrier).
    version: u32,
    /// The next offset to fetch.
    position: u64,
    /// The next offset to give to the application.
    delivered: u64,
    /// Number of records that are fetched, and not given to the application yet.
    queued: u32,
    paused: bool,
    /// Whether the position was out of range: it stands still until the application seeks.
    halted: bool,
    /// The broker that was asked and has not answered.
    asked: Option<Node>,
    retry_at: Instant,
}

#[derive(Debug, Default)]
struct Poll {
    in_flight: bool,
    /// Partitions asked for, in the order of the request, with their versions at that moment.
    sent: Vec<(PartitionIndex, u32)>,
}

impl Partition {
    /// Drops what is in flight or queued; it is fetched again if it is wanted again.
    fn restart(&mut self) {
        self.version += 1;
        self.position = self.delivered;
        self.queued = 0;
    }
}

impl Fetcher {
    /// Creates a fetcher without assigned partitions.
    pub fn new(env: &Env<'_>) -> Self {
        let brokers = env.plan.settings.cluster.brokers as usize;
        Self {
            partitions: vec![Partition::default(); env.topology.len()],
            assigned: Vec::new(),
            polls: (0..brokers).map(|_| Poll::default()).collect(),
            retry_at: Instant::FAR_FUTURE,
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

    /// Returns whether the application began with a partition and has not given it up.
    pub fn is_held(&self, partition: PartitionIndex) -> bool {
        self.partitions[usize::from(partition.0)].held
    }

    /// Returns when something is to be tried again.
    #[inline]
    pub fn retry_at(&self) -> Instant {
        self.retry_at
    }

    /// Fetches a partition from now on. An earlier pause is forgotten.
    pub fn assign(&mut self, index: PartitionIndex, epoch: AssignmentEpoch, position: NextOffset) {
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
    pub fn unassign(&mut self, index: PartitionIndex) {
        let partition = self.partition(index);
        partition.assigned = false;
        partition.restart();
        self.assigned.retain(|assigned| *assigned != index);
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
        std::mem::take(&mut self.partition(index).held)
    }

    /// Stops a partition: what the application has not got yet is dropped.
    pub fn pause(&mut self, index: PartitionIndex) {
        let partition = self.partition(index);
        partition.paused = true;
        partition.restart();
    }

    /// Resumes a partition that was stopped.
    pub fn resume(&mut self, index: PartitionIndex) {
        self.partition(index).paused = false;
    }

    /// Moves a partition, if it is still under the assignment that is meant; returns from where.
    pub fn seek(
        &mut self,
        index: PartitionIndex,
        epoch: AssignmentEpoch,
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
        Some(from)
    }

    /// Takes a batch off the queue for the application; `None` where it is not wanted any more.
    pub fn deliver(&mut self, batch: &Batch) -> Option<AssignmentEpoch> {
        let partition = self.partition(batch.partition);
        if !partition.assigned || partition.version != batch.version {
            return None;
        }
        partition.queued -= batch.records.len() as u32;
        partition.delivered = batch.records.last()?.offset.next().get();
        Some(partition.epoch)
    }

    #[inline]
    fn partition(&mut self, index: PartitionIndex) -> &mut Partition {
        &mut self.partitions[usize::from(index.0)]
    }

    /// Delays a partition that failed: it is not fetched before `at`.
    fn retry(&mut self, index: PartitionIndex, at: Instant) {
        self.partition(index).retry_at = at;
        self.retry_at = self.retry_at.min(at);
    }
}

/// Requests.
impl Process {
    /// Asks every broker for what it leads, unless it is asked already.
    pub(super) fn fetch_all(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        let fetcher = &mut self.fetcher;
        fetcher.retry_at = Instant::FAR_FUTURE;
        let mut leaderless = false;
        for index in &fetcher.assigned {
            let partition = &fetcher.partitions[usize::from(index.0)];
            if partition.retry_at > now {
                fetcher.retry_at = fetcher.retry_at.min(partition.retry_at);
            }
            leaderless |= self.view.metadata.leader(*index).is_none();
        }
        if leaderless {
            self.refresh_metadata(env);
        }
        for broker in env.brokers() {
            self.fetch_from(env, broker);
        }
    }

    /// Asks a broker for what it leads, unless it is asked already.
    #[inline]
    pub(super) fn fetch_from(&mut self, env: &mut Env<'_>, broker: Node) {
        let now = env.now();
        let settings = settings(env);
        let fetcher = &mut self.fetcher;
        let poll = &mut fetcher.polls[usize::from(broker.0)];
        if poll.in_flight {
            return;
        }
        poll.sent.clear();
        let mut request = None;
        for index in &fetcher.assigned {
            let partition = &mut fetcher.partitions[usize::from(index.0)];
            let stands_still = partition.paused
                || partition.halted
                || partition.retry_at > now
                || partition.queued >= settings.prefetch;
            let Some((leader, leader_epoch)) = self.view.metadata.leader(*index) else {
                continue;
            };
            if stands_still || leader != broker {
                continue;
            }
            if partition.asked.is_some_and(|asked| asked != broker) {
                // The partition moved: what the old leader may still answer is not wanted.
                partition.restart();
            }
            partition.asked = Some(broker);
            poll.sent.push((*index, partition.version));
            let request = request.get_or_insert_with(|| env.cluster.fetch_request());
            request.partitions.push(FetchPosition {
                partition: *index,
                offset: partition.position,
                leader_epoch,
                last_fetched_epoch: 0,
            });
        }
        let Some(mut request) = request else {
            return;
        };
        poll.in_flight = true;
        request.follower = false;
        request.max_wait = settings.fetch_wait_max;
        request.max_records = settings.prefetch;
        // librdkafka: `socket.timeout.ms` on top of `fetch.wait.max.ms`.
        let timeout = settings.request_timeout + settings.fetch_wait_max;
        let request = Request::Fetch(request);
        self.send(env, broker, timeout, Continuation::Fetch, request);
    }
}

/// Responses.
impl Process {
    /// Handles a broker's answer: the next poll goes out, and the records wait for the application.
    pub(super) fn fetched(&mut self, env: &mut Env<'_>, from: Node, response: Box<FetchResponse>) {
        let mut sent = self.end_poll(from);
        let mut records = response.records.as_slice();
        let mut failed = false;
        for answer in &response.partitions {
            let (own, rest) = records.split_at(answer.records as usize);
            records = rest;
            // Whatever was not wanted any more when the answer came has another version by now.
            let index = answer.partition;
            let asked = sent.iter().find(|(asked, _)| *asked == index);
            let partition = self.fetcher.partition(index);
            if asked.is_none_or(|(_, version)| *version != partition.version) {
                continue;
            }
            match answer.error {
                None => self.enqueue(index, own),
                Some(ErrorName::OffsetOutOfRange) => self.reset_offsets(env, index),
                Some(_) => {
                    let at = env.now() + settings(env).retry_backoff;
                    self.fetcher.retry(index, at);
                    failed = true;
                }
            }
        }
        env.cluster.recycle_response(response);
        sent.clear();
        self.fetcher.polls[usize::from(from.0)].sent = sent;
        if failed {
            self.refresh_metadata(env);
        }
        self.fetch_from(env, from);
    }

    /// Handles a poll that came to nothing.
    pub(super) fn fetch_failed(&mut self, env: &mut Env<'_>, from: Node) {
        let soon = env.now() + settings(env).retry_backoff;
        let reconnect = self.view.connections.backs_off(from, env.now());
        let at = reconnect.map_or(soon, |reconnect| reconnect.max(soon));
        for (index, version) in self.end_poll(from) {
            if self.fetcher.partition(index).version == version {
                self.fetcher.retry(index, at);
            }
        }
        self.refresh_metadata(env);
    }

    /// Lets partitions that wait for a dead leader wait no longer where there is news of another
    /// one; where there is none, wants more news soon.
    pub(super) fn forget_dead_leaders(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        let soon = now + settings(env).retry_backoff;
        let mut waits = false;
        for index in &self.fetcher.assigned {
            let partition = &mut self.fetcher.partitions[usize::from(index.0)];
            if partition.retry_at <= soon {
                continue;
            }
            let leader = self.view.metadata.leader(*index);
            if leader
                .is_some_and(|(leader, _)| self.view.connections.backs_off(leader, now).is_none())
            {
                partition.retry_at = now;
            } else {
                waits = true;
            }
        }
        if waits {
            self.view.metadata.want(now);
        }
    }

    fn end_poll(&mut self, from: Node) -> Vec<(PartitionIndex, u32)> {
        let fetcher = &mut self.fetcher;
        let poll = &mut fetcher.polls[usize::from(from.0)];
        poll.in_flight = false;
        let sent = std::mem::take(&mut poll.sent);
        for (index, _) in &sent {
            let partition = &mut fetcher.partitions[usize::from(index.0)];
            if partition.asked == Some(from) {
                partition.asked = None;
            }
        }
        sent
    }

    fn enqueue(&mut self, index: PartitionIndex, stored: &[StoredRecord]) {
        let (Some(last), partition) = (stored.last(), self.fetcher.partition(index)) else {
            return;
        };
        partition.position = last.offset.next().get();
        let records: Vec<Record<Payload>> = stored.iter().filter_map(to_record).collect();
        if records.is_empty() {
            return;
        }
        partition.queued += records.len() as u32;
        self.application.fetched(Batch {
            partition: index,
            version: partition.version,
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

/// Positions.
impl Process {
    /// Asks for the range of a partition whose position is out of it.
    fn reset_offsets(&mut self, env: &mut Env<'_>, index: PartitionIndex) {
        let partition = self.fetcher.partition(index);
        partition.halted = true;
        let purpose = Continuation::ResetOffsets(index, partition.version);
        let Some((leader, _)) = self.view.metadata.leader(index) else {
            let at = env.now() + settings(env).retry_backoff;
            self.fetcher.partition(index).halted = false;
            return self.fetcher.retry(index, at);
        };
        let request = Request::ListOffsets { partition: index };
        let timeout = settings(env).request_timeout;
        self.send(env, leader, timeout, purpose, request);
    }

    /// Tells the application the range, for it to decide.
    pub(super) fn reset_offsets_answered(
        &mut self,
        env: &mut Env<'_>,
        index: PartitionIndex,
        version: u32,
        result: Result<LogEnds, Failure>,
    ) {
        let partition = self.fetcher.partition(index);
        if !partition.assigned || partition.version != version {
            return;
        }
        match result {
            Ok(ends) => {
                let event = Event::OutOfRange {
                    partition: env.topology.partition(index),
                    epoch: partition.epoch,
                    position: NextOffset::new(partition.position),
                    log_start: ends.log_start,
                    log_end: ends.log_end,
                };
                self.application.tell(event);
            }
            Err(_) => {
                // Fetching again will say again that it is out of range.
                partition.halted = false;
                let at = env.now() + settings(env).retry_backoff;
                self.fetcher.retry(index, at);
                self.refresh_metadata(env);
            }
        }
    }

    /// Moves a partition to where the application says.
    pub(super) fn seek(
        &mut self,
        env: &mut Env<'_>,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        to: NextOffset,
    ) {
        let Some(index) = env.topology.index(partition) else {
            return;
        };
        if let Some(from) = self.fetcher.seek(index, epoch, to) {
            env.observe(TraceEvent::PositionReset {
                member: self.id,
                partition,
                from,
                to,
            });
            self.fetch_all(env);
        }
    }
}
