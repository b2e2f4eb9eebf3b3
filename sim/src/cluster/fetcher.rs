//! A follower copies from its leaders: one fetch in flight to each, for all partitions led there
//! (`ReplicaFetcherThread`).

use super::broker::Broker;
use super::env::ClusterEnv;
use super::replica::{Replica, Role};
use crate::protocol::{
    Channel, Correlation, Dialect, FetchPosition, FetchResponse, FetchedPartition, LogEntry,
    NO_EPOCH, Node, Positions, Request,
};
use crate::topology::{PartitionIndex, PartitionSet};
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;
use std::time::Duration;

/// `replica.fetch.backoff.ms`.
const BACKOFF: Duration = Duration::from_secs(1);

/// `replica.socket.timeout.ms`: a leader that died behind a broken network never answers.
const TIMEOUT: Duration = Duration::from_secs(30);

/// `replica.fetch.min.bytes`.
const MIN_BYTES: u32 = 1;

/// `replica.fetch.max.bytes`, of each partition.
const MAX_BYTES: u32 = 1 << 20;

/// `replica.fetch.response.max.bytes`.
const RESPONSE_MAX_BYTES: u32 = 10 << 20;

/// What a broker fetches from one leader.
#[derive(Debug)]
pub(super) struct Fetcher {
    partitions: PartitionSet,
    /// The positions that the last fetch asked for, with what its answer changed; none while a
    /// fetch is in flight.
    positions: Positions,
    /// The partition with which the next answer is to begin: of it, the last one had no room.
    first: PartitionIndex,
    /// Whether the next fetch asks for other partitions than the last one.
    is_changed: bool,
    in_flight: Option<Correlation>,
    /// Time at which the fetch in flight is given up.
    timeout_at: Instant,
    /// Time of the next fetch, after a failure.
    retry_at: Instant,
}

impl Default for Fetcher {
    fn default() -> Self {
        Self {
            partitions: PartitionSet::default(),
            positions: Positions::default(),
            first: PartitionIndex::FIRST,
            is_changed: false,
            in_flight: None,
            timeout_at: Instant::FAR_FUTURE,
            retry_at: Instant::FAR_FUTURE,
        }
    }
}

impl Fetcher {
    /// Fetches one more partition.
    pub(super) fn follow(&mut self, partition: PartitionIndex) {
        self.partitions.insert(partition);
        self.is_changed = true;
    }

    /// Fetches a partition no more.
    pub(super) fn unfollow(&mut self, partition: PartitionIndex) {
        self.partitions.remove(partition);
        self.is_changed = true;
    }

    /// Forgets everything: the process died.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Returns whether there is something to ask for, and nothing to wait for.
    #[inline]
    fn is_due(&self) -> bool {
        self.in_flight.is_none()
            && self.retry_at == Instant::FAR_FUTURE
            && !self.partitions.is_empty()
    }

    fn done(&mut self) {
        self.in_flight = None;
        self.timeout_at = Instant::FAR_FUTURE;
    }
}

impl<D: Dialect> Replica<D> {
    /// Returns the position at which a follower goes on; while it is delayed after an error, until
    /// when.
    fn next_position(
        &mut self,
        now: Instant,
        partition: PartitionIndex,
    ) -> Result<FetchPosition, Instant> {
        let leader_epoch = self.leader_epoch();
        let Role::Follower(following) = &mut self.role else {
            return Err(Instant::FAR_FUTURE);
        };
        if following.delayed_until > now {
            return Err(following.delayed_until);
        }
        let offset = self.log.end();
        following.requested = Some((offset, leader_epoch));
        Ok(FetchPosition {
            partition,
            offset,
            leader_epoch,
            last_fetched_epoch: self.log.last_epoch().unwrap_or(NO_EPOCH),
            high_watermark: self.high_watermark(),
            log_start: self.log.start(),
            max_bytes: MAX_BYTES,
        })
    }
}

impl<D: Dialect> Broker<D> {
    /// Asks a leader for what comes next, unless an answer is still awaited.
    #[inline]
    pub(super) fn fetch_from(&mut self, env: &mut impl ClusterEnv<D>, leader: Node) {
        if self.fetchers[leader].is_due() {
            self.send_fetch(env, leader);
        }
    }

    /// Sends the next fetch. Most looks for one find none due, and are not to pay for this.
    #[inline(never)]
    fn send_fetch(&mut self, env: &mut impl ClusterEnv<D>, leader: Node) {
        let now = env.now();
        let fetcher = &mut self.fetchers[leader];
        let is_incremental = !fetcher.is_changed && !fetcher.positions.is_empty();
        if !is_incremental && let Err(delayed_until) = self.gather_positions(now, leader) {
            self.fetchers[leader].retry_at = delayed_until;
            return self.wake_by(delayed_until);
        }
        let mut request = env.shared().fetch_request();
        request.follower = true;
        request.max_wait = self.settings.replica_fetch_wait_max;
        request.min_bytes = MIN_BYTES;
        request.max_bytes = RESPONSE_MAX_BYTES;
        request.first = self.fetchers[leader].first;
        request.is_incremental = is_incremental;
        std::mem::swap(&mut request.positions, &mut self.fetchers[leader].positions);
        let correlation = self.request(env, leader, Channel::Fetch, Request::Fetch(request));
        let fetcher = &mut self.fetchers[leader];
        fetcher.in_flight = Some(correlation);
        fetcher.timeout_at = now + TIMEOUT;
        self.wake_by(now + TIMEOUT);
    }

    /// Gathers the positions in all partitions that a leader leads. Where all of them are delayed
    /// after errors, returns until when.
    fn gather_positions(&mut self, now: Instant, leader: Node) -> Result<(), Instant> {
        let Fetcher {
            partitions,
            positions,
            is_changed,
            ..
        } = &mut self.fetchers[leader];
        positions.clear();
        *is_changed = false;
        let mut earliest = Instant::FAR_FUTURE;
        for partition in partitions.iter() {
            match self.replicas[partition].next_position(now, partition) {
                Ok(position) => positions.insert(position),
                Err(delayed_until) => {
                    *is_changed = true;
                    earliest = earliest.min(delayed_until);
                }
            }
        }
        if positions.is_empty() {
            return Err(earliest);
        }
        Ok(())
    }

    /// Handles a leader's answer.
    pub(super) fn handle_fetch_response(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        from: Node,
        correlation: Correlation,
        mut response: Box<FetchResponse<D>>,
    ) {
        let fetcher = &mut self.fetchers[from];
        if fetcher.in_flight == Some(correlation) {
            fetcher.done();
            std::mem::swap(&mut fetcher.positions, &mut response.asked);
            fetcher.first = response.left_off.unwrap_or(PartitionIndex::FIRST);
            let FetchResponse {
                partitions,
                entries,
                ..
            } = &mut *response;
            let mut entries = entries.drain(..);
            for fetched in partitions.iter() {
                let mut own = entries.by_ref().take(fetched.entries as usize);
                self.apply_fetched(env, from, fetched, &mut own);
                // What is not wanted.
                own.for_each(drop);
                self.move_position(env.now(), from, fetched.partition);
            }
            self.fetch_from(env, from);
        }
        env.shared().recycle_response(response);
    }

    fn apply_fetched(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        from: Node,
        fetched: &FetchedPartition,
        entries: &mut impl Iterator<Item = LogEntry<D>>,
    ) {
        let now = env.now();
        let replica = &mut self.replicas[fetched.partition];
        let leader_epoch = replica.leader_epoch();
        let leader = replica.state.and_then(|state| state.leader);
        let Role::Follower(following) = &mut replica.role else {
            return;
        };
        // Whatever was asked for under another leader, or before a truncation, is not wanted.
        let expected = Some((replica.log.end(), leader_epoch));
        if leader != Some(from) || following.requested.take() != expected {
            return;
        }
        match (fetched.error, fetched.diverging) {
            (Some(ErrorName::OffsetOutOfRange), _) => replica.restart_at(fetched.log_start),
            (Some(_), _) => following.delayed_until = now + BACKOFF,
            (None, Some((epoch, end))) => replica.truncate_to(epoch, end),
            (None, None) => {
                replica.log.append_fetched(entries);
                replica.raise_high_watermark(now, fetched.high_watermark);
                replica.log.remove_below(fetched.log_start);
                if self.offsets.contains(fetched.partition) {
                    replica.log.compact(replica.high_watermark());
                }
            }
        }
    }

    /// Makes the next fetch go on behind what was answered of a partition.
    fn move_position(&mut self, now: Instant, leader: Node, partition: PartitionIndex) {
        let fetcher = &mut self.fetchers[leader];
        if fetcher.is_changed {
            return;
        }
        match self.replicas[partition].next_position(now, partition) {
            Ok(next) => {
                if let Some(position) = fetcher.positions.get_mut(partition) {
                    *position = next;
                }
            }
            Err(_) => fetcher.is_changed = true,
        }
    }

    /// Pauses fetching from a leader: the connection with it broke.
    pub(super) fn fetch_failed(&mut self, env: &mut impl ClusterEnv<D>, leader: Node) {
        let fetcher = &mut self.fetchers[leader];
        if fetcher.in_flight.is_some() {
            fetcher.done();
            fetcher.retry_at = env.now() + BACKOFF;
            self.wake_by(env.now() + BACKOFF);
        }
    }

    /// Fetches again where a pause is over, and gives up fetches that were never answered.
    pub(super) fn retry_fetches(&mut self, env: &mut impl ClusterEnv<D>) {
        let now = env.now();
        for leader in self.fetchers.ids() {
            let fetcher = &mut self.fetchers[leader];
            if fetcher.timeout_at <= now {
                fetcher.done();
            }
            let retry = fetcher.retry_at <= now;
            if retry {
                fetcher.retry_at = Instant::FAR_FUTURE;
            }
            let next = fetcher.timeout_at.min(fetcher.retry_at);
            self.wake_by(next);
            self.fetch_from(env, leader);
        }
    }
}
