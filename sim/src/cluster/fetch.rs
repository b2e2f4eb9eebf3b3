//! Fetch: read at once, or wait for records.

use super::broker::Broker;
use super::connections::Reply;
use super::env::ClusterEnv;
use crate::protocol::{
    Dialect, FetchPosition, FetchRequest, FetchResponse, FetchedPartition, Node, Response,
};
use crate::topology::PartitionIndex;
use plimsoll_core::Instant;
use std::time::Duration;

/// A fetch that found too little, and waits (`DelayedFetch`).
#[derive(Debug)]
pub(super) struct Parked {
    reply: Reply,
    request: Box<FetchRequest>,
    deadline: Instant,
}

/// The room that is left in an answer (`ReplicaManager.readFromLog`).
struct Room {
    /// Number of bytes that are left.
    bytes: u32,
    /// Whether nothing was read yet (`minOneMessage`).
    is_untouched: bool,
}

impl<D: Dialect> Broker<D> {
    #[inline]
    pub(super) fn handle_fetch(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        request: Box<FetchRequest>,
    ) {
        let (now, node) = (env.now(), reply.node);
        self.readers
            .begin_fetch(now, node, &request, &mut self.replicas);
        let mut is_ready = request.max_wait == Duration::ZERO || request.positions.is_empty();
        let mut bytes = 0_u32;
        let mut last = None;
        while let Some(partition) = self.readers.news(node).next_after(last) {
            last = Some(partition);
            match self.look_at(env, node, &request, partition) {
                Some(readable) => bytes = bytes.saturating_add(readable),
                None => is_ready = true,
            }
        }
        is_ready |= bytes >= request.min_bytes;
        let deadline = now + request.max_wait;
        let fetch = Parked {
            reply,
            request,
            deadline,
        };
        if is_ready {
            self.answer_fetch(env, fetch);
        } else {
            self.wake_by(deadline);
            self.parked.push(fetch);
        }
    }

    /// Looks at one partition of a fetch. Returns the number of bytes that can be read; `None`: the
    /// answer cannot wait, for the position is wrong.
    #[inline]
    fn look_at(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        node: Node,
        request: &FetchRequest,
        partition: PartitionIndex,
    ) -> Option<u32> {
        let Some(position) = request.positions.get(partition) else {
            return Some(0);
        };
        let replica = &self.replicas[partition];
        if replica.check_position(position) != Ok(None) {
            return None;
        }
        let bytes = replica.readable_bytes(request.follower, position, request.min_bytes);
        if request.follower {
            self.note_progress(env, node, position);
        }
        let replica = &self.replicas[partition];
        // A follower that is not in sync may be taken in at any of its fetches.
        let is_settled = !request.follower || replica.in_sync().contains(node);
        if is_settled && !replica.has_news(request.follower, position) {
            self.readers.settle(node, partition);
        }
        Some(bytes)
    }

    fn answer_fetch(&mut self, env: &mut impl ClusterEnv<D>, fetch: Parked) {
        let Parked {
            reply, mut request, ..
        } = fetch;
        let news = self.readers.news(reply.node);
        debug_assert!(
            request.positions.iter().all(|position| {
                let replica = &self.replicas[position.partition];
                news.contains(position.partition)
                    || replica.check_position(position) == Ok(None)
                        && !replica.has_news(request.follower, position)
            }),
            "news that the fetch was not told of"
        );
        let mut response = env.shared().fetch_response();
        let mut room = Room {
            bytes: request.max_bytes,
            is_untouched: true,
        };
        let behind = news.iter_from(request.first);
        let before = news
            .iter()
            .take_while(|partition| *partition < request.first);
        behind.chain(before).for_each(|partition| {
            if let Some(position) = request.positions.get(partition) {
                self.read(&request, position, &mut room, &mut response);
            }
        });
        std::mem::swap(&mut response.asked, &mut request.positions);
        env.shared().recycle_request(request);
        self.reply(env, reply, Response::Fetch(response));
    }

    /// Adds to a response what there is to tell of a partition.
    fn read(
        &self,
        request: &FetchRequest,
        position: &FetchPosition,
        room: &mut Room,
        response: &mut FetchResponse<D>,
    ) {
        let replica = &self.replicas[position.partition];
        let mut fetched = FetchedPartition {
            partition: position.partition,
            error: None,
            entries: 0,
            high_watermark: replica.high_watermark(),
            log_start: replica.log.start(),
            diverging: None,
        };
        match replica.check_position(position) {
            Ok(None) if !replica.has_news(request.follower, position) => return,
            Ok(None) => {
                let end = replica.readable_end(request.follower);
                let max_bytes = position.max_bytes.min(room.bytes);
                // A first batch above the limit is read all the same, or none would be read ever.
                let (entries, bytes) =
                    replica
                        .log
                        .read(position.offset, end, max_bytes, room.is_untouched);
                if entries.is_empty() && replica.has_records(request.follower, position) {
                    response.left_off.get_or_insert(position.partition);
                }
                room.is_untouched &= entries.is_empty();
                room.bytes = room.bytes.saturating_sub(bytes);
                fetched.entries = entries.len() as u32;
                D::copy_entries(entries, &mut response.entries);
            }
            Ok(diverging) => fetched.diverging = diverging,
            Err(error) => fetched.error = Some(error),
        }
        response.partitions.push(fetched);
    }

    /// Answers followers that wait for records of a partition.
    pub(super) fn wake_followers(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
    ) {
        let replica = &mut self.replicas[partition];
        self.readers
            .note_news(self.fetchers.ids(), partition, replica);
        self.answer_where(env, |broker, parked| {
            parked.request.follower && broker.has_enough(parked, partition)
        });
    }

    /// Answers consumers that wait for records of a partition. Followers learn that it can be read
    /// when they are answered.
    pub(super) fn wake_consumers(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
    ) {
        self.note_news(partition);
        self.answer_where(env, |broker, parked| {
            !parked.request.follower && broker.has_enough(parked, partition)
        });
    }

    /// Returns whether there is news of a partition for a fetch that waits, and enough in all to
    /// answer it.
    #[inline]
    fn has_enough(&self, parked: &Parked, partition: PartitionIndex) -> bool {
        let request = &parked.request;
        let news = self.readers.news(parked.reply.node);
        if request.min_bytes <= 1 || !news.contains(partition) {
            return news.contains(partition);
        }
        let mut missing = request.min_bytes;
        for position in news
            .iter()
            .filter_map(|partition| request.positions.get(partition))
        {
            let replica = &self.replicas[position.partition];
            let bytes = replica.readable_bytes(request.follower, position, missing);
            missing = missing.saturating_sub(bytes);
        }
        missing == 0
    }

    /// Answers all fetches that wait for a partition: it has another leader, or this one in another
    /// epoch, and its readers must know.
    pub(super) fn answer_parked(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
    ) {
        self.answer_where(env, |broker, parked| {
            broker.readers.news(parked.reply.node).contains(partition)
        });
    }

    /// Notes that there is something to tell of a partition to all its readers, sooner or later.
    #[inline]
    pub(super) fn note_news(&mut self, partition: PartitionIndex) {
        let replica = &mut self.replicas[partition];
        self.readers
            .note_news(self.readers.nodes(), partition, replica);
    }

    /// Answers fetches that have waited long enough.
    pub(super) fn expire_parked(&mut self, env: &mut impl ClusterEnv<D>) {
        let now = env.now();
        self.answer_where(env, |_, parked| parked.deadline <= now);
        let earliest = self.parked.iter().map(|parked| parked.deadline).min();
        self.wake_by(earliest.unwrap_or(Instant::FAR_FUTURE));
    }

    /// Forgets the fetches of a node with which the connections are gone.
    pub(super) fn forget_reader(&mut self, env: &mut impl ClusterEnv<D>, node: Node) {
        self.readers.forget(node, &mut self.replicas);
        let mut index = 0;
        while index < self.parked.len() {
            if self.parked[index].reply.node == node {
                let parked = self.parked.swap_remove(index);
                env.shared().recycle_request(parked.request);
            } else {
                index += 1;
            }
        }
    }

    #[inline]
    fn answer_where(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        is_ready: impl Fn(&Self, &Parked) -> bool,
    ) {
        let mut index = 0;
        while index < self.parked.len() {
            if is_ready(self, &self.parked[index]) {
                let fetch = self.parked.swap_remove(index);
                self.answer_fetch(env, fetch);
            } else {
                index += 1;
            }
        }
    }
}
