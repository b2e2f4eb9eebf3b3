//! A follower copies from its leaders: one fetch in flight to each, for all partitions led there
//! (`ReplicaFetcherThread`).

use super::broker::Broker;
use super::replica::{NO_EPOCH, Role};
use crate::env::Env;
use crate::protocol::{
    Channel, Correlation, FetchPosition, FetchResponse, FetchedPartition, Node, Request,
    StoredRecord,
};
use crate::topology::{PartitionIndex, PartitionSet};
use plimsoll_core::Instant;
use plimsoll_oracle::ErrorName;
use std::time::Duration;

/// `replica.fetch.backoff.ms`.
const BACKOFF: Duration = Duration::from_secs(1);

/// `replica.socket.timeout.ms`: a leader that died behind a broken network never answers.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Number of records of a partition that fit into one fetch (`replica.fetch.max.bytes`).
const MAX_RECORDS: u32 = 1_000;

/// What a broker fetches from one leader.
#[derive(Debug)]
pub(super) struct Fetcher {
    partitions: PartitionSet,
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
    }

    /// Fetches a partition no more.
    pub(super) fn unfollow(&mut self, partition: PartitionIndex) {
        self.partitions.remove(partition);
    }

    /// Forgets everything: the process died.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    fn done(&mut self) {
        self.in_flight = None;
        self.timeout_at = Instant::FAR_FUTURE;
    }
}

impl Broker {
    /// Asks a leader for what comes next, unless an answer is still awaited.
    pub(super) fn fetch_from(&mut self, env: &mut Env<'_>, leader: Node) {
        let now = env.now();
        let fetcher = &mut self.fetchers[leader];
        if fetcher.partitions.is_empty()
            || fetcher.in_flight.is_some()
            || fetcher.retry_at < Instant::FAR_FUTURE
        {
            return;
        }
        let mut request = env.cluster.fetch_request();
        request.follower = true;
        request.max_wait = self.settings.replica_fetch_wait_max;
        request.max_records = MAX_RECORDS;
        let mut earliest = Instant::FAR_FUTURE;
        for partition in fetcher.partitions.iter() {
            let replica = &mut self.replicas[partition];
            let leader_epoch = replica.leader_epoch();
            let Role::Follower(following) = &mut replica.role else {
                continue;
            };
            if following.delayed_until > now {
                earliest = earliest.min(following.delayed_until);
                continue;
            }
            let offset = replica.log.end();
            following.requested = Some((offset, leader_epoch));
            request.partitions.push(FetchPosition {
                partition,
                offset,
                leader_epoch,
                last_fetched_epoch: replica.log.last_epoch().unwrap_or(NO_EPOCH),
                high_watermark: replica.high_watermark(),
                log_start: replica.log.start(),
            });
        }
        if request.partitions.is_empty() {
            fetcher.retry_at = earliest;
            self.wake_by(earliest);
            return env.cluster.recycle_request(request);
        }
        let correlation = self.request(env, leader, Channel::Fetch, Request::Fetch(request));
        let fetcher = &mut self.fetchers[leader];
        fetcher.in_flight = Some(correlation);
        fetcher.timeout_at = now + TIMEOUT;
        self.wake_by(now + TIMEOUT);
    }

    /// Handles a leader's answer.
    pub(super) fn handle_fetch_response(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        correlation: Correlation,
        response: Box<FetchResponse>,
    ) {
        let fetcher = &mut self.fetchers[from];
        if fetcher.in_flight == Some(correlation) {
            fetcher.done();
            let mut records = response.records.as_slice();
            for fetched in &response.partitions {
                let (mine, rest) = records.split_at(fetched.records as usize);
                records = rest;
                self.apply_fetched(env, from, fetched, mine);
            }
            self.fetch_from(env, from);
        }
        env.cluster.recycle_response(response);
    }

    fn apply_fetched(
        &mut self,
        env: &mut Env<'_>,
        from: Node,
        fetched: &FetchedPartition,
        records: &[StoredRecord],
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
                replica.log.append_fetched(records);
                replica.raise_high_watermark(now, fetched.high_watermark);
                replica.log.remove_below(fetched.log_start);
            }
        }
    }

    /// Pauses fetching from a leader: the connection with it broke.
    pub(super) fn fetch_failed(&mut self, env: &mut Env<'_>, leader: Node) {
        let fetcher = &mut self.fetchers[leader];
        if fetcher.in_flight.is_some() {
            fetcher.done();
            fetcher.retry_at = env.now() + BACKOFF;
            self.wake_by(env.now() + BACKOFF);
        }
    }

    /// Fetches again where a pause is over, and gives up fetches that were never answered.
    pub(super) fn retry_fetches(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        for leader in env.brokers() {
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
