//! Fetch: read at once, or wait for records.

use super::broker::Broker;
use super::connections::Reply;
use crate::env::Env;
use crate::protocol::{
    FetchPosition, FetchRequest, FetchResponse, FetchedPartition, Node, Response,
};
use crate::topology::{PartitionIndex, PartitionSet};
use plimsoll_core::Instant;
use std::time::Duration;

/// A fetch that found nothing, and waits (`DelayedFetch`).
#[derive(Debug)]
pub(super) struct Parked {
    reply: Reply,
    request: Box<FetchRequest>,
    deadline: Instant,
    /// Partitions of which there may be something to tell: whatever changes one that is read adds
    /// it, so that the answer need not look at all of them.
    news: PartitionSet,
}

impl Parked {
    /// Notes that there is something to tell of a partition. Returns whether the fetch reads it.
    #[inline]
    fn note_news(&mut self, partition: PartitionIndex) -> bool {
        let reads = self.request.position_of(partition).is_some();
        if reads {
            self.news.insert(partition);
        }
        reads
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
        let mut news = self.spare_news.pop().unwrap_or_default();
        for position in &request.partitions {
            let replica = &self.replicas[position.partition];
            if replica.check_position(request.follower, position) == Ok(None) {
                is_ready |= replica.has_records(request.follower, position);
                if request.follower {
                    self.note_progress(env, reply.node, position);
                }
                if self.replicas[position.partition].has_news(request.follower, position) {
                    news.insert(position.partition);
                }
            } else {
                is_ready = true;
                news.insert(position.partition);
            }
        }
        let deadline = env.now() + request.max_wait;
        let fetch = Parked {
            reply,
            request,
            deadline,
            news,
        };
        if is_ready {
            self.answer_fetch(env, fetch);
        } else {
            self.wake_by(deadline);
            self.parked.push(fetch);
        }
    }

    fn answer_fetch(&mut self, env: &mut Env<'_>, fetch: Parked) {
        let Parked {
            reply,
            request,
            mut news,
            ..
        } = fetch;
        debug_assert!(
            request.partitions.iter().all(|position| {
                let replica = &self.replicas[position.partition];
                news.contains(position.partition)
                    || replica.check_position(request.follower, position) == Ok(None)
                        && !replica.has_news(request.follower, position)
            }),
            "news that the fetch was not told of"
        );
        let mut response = env.cluster.fetch_response();
        for partition in news.iter() {
            if let Some(position) = request.position_of(partition) {
                self.read(&request, position, &mut response);
            }
        }
        news.clear();
        self.spare_news.push(news);
        env.cluster.recycle_request(request);
        self.reply(env, reply, Response::Fetch(response));
    }

    /// Adds to a response what there is to tell of a partition.
    fn read(&self, request: &FetchRequest, position: &FetchPosition, response: &mut FetchResponse) {
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
            Ok(None) if !replica.has_news(request.follower, position) => return,
            Ok(None) => {
                let end = replica.readable_end(request.follower);
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

    /// Answers fetches that wait for a partition in which there is something new to read: those of
    /// followers, or those of consumers. The others tell of it when they are answered.
    pub(super) fn wake_readers(
        &mut self,
        env: &mut Env<'_>,
        partition: PartitionIndex,
        followers: bool,
    ) {
        self.answer_where(env, |parked| {
            parked.note_news(partition) && parked.request.follower == followers
        });
    }

    /// Answers all fetches that wait for a partition: it has another leader, or this one in another
    /// epoch, and its readers must know.
    pub(super) fn answer_parked(&mut self, env: &mut Env<'_>, partition: PartitionIndex) {
        self.answer_where(env, |parked| parked.note_news(partition));
    }

    /// Notes for the fetches that wait that there is something to tell of a partition.
    pub(super) fn note_news(&mut self, partition: PartitionIndex) {
        for parked in &mut self.parked {
            parked.note_news(partition);
        }
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
    fn answer_where(&mut self, env: &mut Env<'_>, ready: impl Fn(&mut Parked) -> bool) {
        let mut index = 0;
        while index < self.parked.len() {
            if ready(&mut self.parked[index]) {
                let fetch = self.parked.swap_remove(index);
                self.answer_fetch(env, fetch);
            } else {
                index += 1;
            }
        }
    }
}
