//! Places in a partition's log: by end, by time, by leader epoch; and a start that moves.

use super::broker::Broker;
use super::connections::Reply;
use super::env::{ClusterEnv, Observation};
use super::replica::{Leading, Removal, Replica, Role};
use crate::protocol::{BrokerSet, Dialect, FoundOffset, Node, OffsetsRequest, Response, Wanted};
use crate::topology::PartitionIndex;
use plimsoll_core::{Instant, NextOffset};
use plimsoll_oracle::ErrorName;
use std::time::Duration;

/// Questions about logs.
impl<D: Dialect> Broker<D> {
    /// Answers a question about the offsets of a partition, or moves the start of its log.
    pub(super) fn handle_offsets(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        request: OffsetsRequest,
    ) {
        let replica = &self.replicas[request.partition];
        let checked = replica.check_leader(request.leader_epoch);
        let found = match (checked, request.wanted) {
            (Err(error), _) => Err(error),
            (Ok(()), Wanted::Removal { below, timeout }) => {
                return self.handle_removal(env, reply, request.partition, below, timeout);
            }
            (Ok(()), wanted) => replica.find(wanted),
        };
        self.reply(env, reply, Response::Offsets(found));
    }
}

impl<D: Dialect> Replica<D> {
    fn leads(&self) -> Result<&Leading<D>, ErrorName> {
        match (&self.role, self.state) {
            (Role::Leader(leading), _) => Ok(leading),
            (_, None) => Err(ErrorName::UnknownTopicOrPartition),
            (_, Some(_)) => Err(ErrorName::NotLeaderOrFollower),
        }
    }

    /// Returns the end of what clients can read. A new leader may not know yet how far they have
    /// come (KIP-207); where its log begins it knows (`Partition.fetchOffsetForTimestamp`).
    fn readable_by_clients(&self, leading: &Leading<D>) -> Result<u64, ErrorName> {
        match self.high_watermark() < leading.epoch_start {
            true => Err(ErrorName::OffsetNotAvailable),
            false => Ok(self.high_watermark()),
        }
    }

    /// Finds a place in the log; `None`: there is no such (`UnifiedLog.fetchOffsetByTimestamp`,
    /// `Partition.lastOffsetForLeaderEpoch`).
    fn find(&self, wanted: Wanted) -> Result<Option<FoundOffset>, ErrorName> {
        let leading = self.leads()?;
        let at = |offset, leader_epoch| FoundOffset {
            offset,
            leader_epoch,
            timestamp: None,
        };
        let log = &self.log;
        let with_timestamp = match wanted {
            Wanted::Earliest => return Ok(Some(at(log.start(), log.epoch_at(log.start())))),
            Wanted::Latest => {
                let end = self.readable_by_clients(leading)?;
                return Ok(Some(at(end, Some(self.leader_epoch()))));
            }
            Wanted::EndOfEpoch(epoch) => {
                let found = log.end_of_epoch(epoch);
                return Ok(found.map(|(epoch, end)| at(end, Some(epoch))));
            }
            Wanted::MaxTimestamp => log.latest(),
            Wanted::Timestamp(timestamp) => log.first_since(timestamp),
            Wanted::Removal { .. } => None,
        };
        // What is beyond the end may be readable already, as far as this leader knows.
        match with_timestamp.filter(|found| found.offset < self.high_watermark()) {
            Some(found) => Ok(Some(found)),
            None => self.readable_by_clients(leading).map(|_| None),
        }
    }

    /// Returns the first offset that all replicas on brokers that live still have
    /// (`Partition.lowWatermarkIfLeader`).
    fn low_watermark(&self, me: Node, active: BrokerSet) -> u64 {
        let start = self.log.start();
        let (Role::Leader(leading), Some(state)) = (&self.role, self.state) else {
            return start;
        };
        let others = state.replicas.among(active).without(me);
        let starts = others.iter().map(|node| leading.followers[node].log_start);
        starts.fold(start, u64::min)
    }
}

/// A start that moves.
impl<D: Dialect> Broker<D> {
    /// Removes a share of the readable records of a partition that it leads, as retention does.
    pub(crate) fn remove_records(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        share: f64,
    ) -> bool {
        let replica = &self.replicas[partition];
        if !replica.is_leader() {
            return false;
        }
        let start = replica.log.start();
        let readable = replica.high_watermark().saturating_sub(start);
        let removed = (readable as f64 * share).floor() as u64;
        self.remove_below(env, partition, start + removed)
    }

    /// Returns whether there was anything to remove.
    fn remove_below(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        below: u64,
    ) -> bool {
        let log = &mut self.replicas[partition].log;
        if below <= log.start() {
            return false;
        }
        log.remove_below(below);
        env.observe(Observation::Removed {
            partition,
            log_start: NextOffset::new(log.start()),
        });
        self.note_news(partition);
        true
    }

    /// Removes records as a client asks, and answers when all replicas have removed them
    /// (`Partition.deleteRecordsOnLeader`, `DelayedDeleteRecords`).
    fn handle_removal(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        partition: PartitionIndex,
        below: Option<u64>,
        timeout: Duration,
    ) {
        let high_watermark = self.replicas[partition].high_watermark();
        let below = below.unwrap_or(high_watermark);
        if below > high_watermark {
            let refusal = Response::Offsets(Err(ErrorName::OffsetOutOfRange));
            return self.reply(env, reply, refusal);
        }
        self.remove_below(env, partition, below);
        let deadline = env.now() + timeout;
        if let Some(leading) = self.replicas[partition].leading() {
            leading.removals.push(Removal {
                below,
                deadline,
                reply,
            });
            self.awaiting.insert(partition);
            self.wake_by(deadline);
        }
        self.complete_removals(env, partition);
    }

    /// Answers those that wait until all replicas have removed records, where these have: followers
    /// tell where their logs begin whenever they fetch.
    pub(super) fn complete_removals(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
    ) {
        let low_watermark = self.replicas[partition].low_watermark(self.node, self.active);
        let Some(leading) = self.replicas[partition].leading() else {
            return;
        };
        let is_done = |removal: &mut Removal| removal.below <= low_watermark;
        let done: Vec<_> = leading.removals.extract_if(.., is_done).collect();
        for removal in done {
            let found = FoundOffset {
                offset: low_watermark,
                leader_epoch: None,
                timestamp: None,
            };
            self.reply(env, removal.reply, Response::Offsets(Ok(Some(found))));
        }
    }

    /// Answers those that have waited long enough. Returns when the next one has; `None`: none
    /// waits.
    pub(super) fn expire_removals(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
    ) -> Option<Instant> {
        let now = env.now();
        let leading = self.replicas[partition].leading()?;
        let is_late = |removal: &mut Removal| removal.deadline <= now;
        let late: Vec<_> = leading.removals.extract_if(.., is_late).collect();
        let next = leading
            .removals
            .iter()
            .map(|removal| removal.deadline)
            .min();
        for removal in late {
            let refusal = Response::Offsets(Err(ErrorName::RequestTimedOut));
            self.reply(env, removal.reply, refusal);
        }
        next
    }
}
