//! Fetch: read at once, or wait for records.

use super::broker::Broker;
use super::connections::Reply;
use crate::env::Env;
use crate::protocol::{FetchPosition, FetchRequest, FetchedPartition, Node, Response};
use crate::topology::PartitionIndex;
use plimsoll_core::Instant;
use std::time::Duration;

/// A fetch that found nothing, and waits (`DelayedFetch`).
#[derive(Debug)]
pub struct Parked {
    reply: Reply,
    request: Box<FetchRequest>,
    deadline: Instant,
}

impl Parked {
    fn reads(&self, partition: PartitionIndex) -> bool {
        let mut positions = self.request.partitions.iter();
        positions.any(|position| position.partition == partition)
    }
}

impl Broker {
    #[inline]
    pub(super) fn handle_fetch(
        &mut self,
        env: &mut Env<'_>,
        reply: Reply,
        request: Box<FetchRequest>,
    ) {
        let mut is_ready = request.max_wait == Duration::ZERO;
        for position in &request.partitions {
            let replica = &self.replicas[position.partition];
            if replica.check_position(request.follower, position) == Ok(None) {
                is_ready |= position.offset < self.readable_end(request.follower, position);
                if request.follower {
                    self.note_progress(env, reply.node, position);
                }
            } else {
                is_ready = true;
            }
        }
        if is_ready {
            return self.answer_fetch(env, reply, request);
        }
        let deadline = env.now() + request.max_wait;
        self.wake_by(deadline);
        self.parked.push(Parked {
            reply,
            request,
            deadline,
        });
    }

    /// Returns the end of what can be read: consumers read what is replicated, followers
    /// everything.
    #[inline]
    fn readable_end(&self, follower: bool, position: &FetchPosition) -> u64 {
        let replica = &self.replicas[position.partition];
        if follower {
            replica.log.end()
        } else {
            replica.high_watermark()
        }
    }

    fn answer_fetch(&mut self, env: &mut Env<'_>, reply: Reply, request: Box<FetchRequest>) {
        let mut response = env.cluster.fetch_response();
        for position in &request.partitions {
            let replica = &self.replicas[position.partition];
            let mut fetched = FetchedPartition {
                partition: position.partition,
                error: None,
                records: 0,
                high_watermark: replica.high_watermark(),
                log_start: replica.log.start(),
                diverging: None,
            };
            match replica.check_position(request.follower, position) {
                Ok(None) => {
                    let end = self.readable_end(request.follower, position);
                    let end = end.min(position.offset + u64::from(request.max_records));
                    let records = replica.log.slice(position.offset, end);
                    fetched.records = records.len() as u32;
                    response.records.extend_from_slice(records);
                }
                Ok(diverging) => fetched.diverging = diverging,
                Err(error) => fetched.error = Some(error),
            }
            response.partitions.push(fetched);
        }
        env.cluster.recycle_request(request);
        self.reply(env, reply, Response::Fetch(response));
    }

    /// Answers fetches that wait for a partition in which there is something new to read: those of
    /// followers, or those of consumers.
    pub(super) fn wake_readers(
        &mut self,
        env: &mut Env<'_>,
        partition: PartitionIndex,
        followers: bool,
    ) {
        self.answer_where(env, |parked| {
            parked.request.follower == followers && parked.reads(partition)
        });
    }

    /// Answers all fetches that wait for a partition: it has another leader, or this one in another
    /// epoch, and its readers must know.
    pub(super) fn answer_parked(&mut self, env: &mut Env<'_>, partition: PartitionIndex) {
        self.answer_where(env, |parked| parked.reads(partition));
    }

    /// Answers fetches that have waited long enough.
    pub(super) fn expire_parked(&mut self, env: &mut Env<'_>) {
        let now = env.now();
        self.answer_where(env, |parked| parked.deadline <= now);
        let earliest = self.parked.iter().map(|parked| parked.deadline).min();
        self.wake_by(earliest.unwrap_or(Instant::FAR_FUTURE));
    }

    /// Drops the fetches of a node with which the connections are gone.
    pub(super) fn drop_parked(&mut self, env: &mut Env<'_>, node: Node) {
        let mut index = 0;
        while index < self.parked.len() {
            if self.parked[index].reply.node == node {
                let parked = self.parked.swap_remove(index);
                env.cluster.recycle_request(parked.request);
            } else {
                index += 1;
            }
        }
    }

    #[inline]
    fn answer_where(&mut self, env: &mut Env<'_>, ready: impl Fn(&Parked) -> bool) {
        let mut index = 0;
        while index < self.parked.len() {
            if ready(&self.parked[index]) {
                let Parked { reply, request, .. } = self.parked.swap_remove(index);
                self.answer_fetch(env, reply, request);
            } else {
                index += 1;
            }
        }
    }
}
