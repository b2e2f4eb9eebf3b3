//! One partition on one broker: its log, and what the broker is to it.

use super::connections::Reply;
use super::coordinator::operation::Operation;
use super::log::Log;
use crate::protocol::{
    BrokerSet, Correlation, Dialect, FetchPosition, NO_EPOCH, Node, PartitionState, PerBroker,
};
use plimsoll_core::{Instant, Offset};
use plimsoll_oracle::ErrorName;
use std::collections::VecDeque;
use std::time::Duration;

/// `replica.high.watermark.checkpoint.interval.ms`.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5);

/// One partition on one broker.
#[derive(Debug, Default)]
pub(super) struct Replica<D: Dialect> {
    /// The partition's records.
    pub log: Log<D>,
    /// Offset below which every in-sync replica has the records.
    high_watermark: u64,
    checkpoint: Checkpoint,
    /// The partition as the controller last told of it; `None`: not yet.
    pub state: Option<PartitionState>,
    /// What the broker is to the partition.
    pub role: Role<D>,
}

/// The role of a broker in a partition.
#[derive(Debug, Default)]
pub(super) enum Role<D: Dialect> {
    /// Neither: it has no replica, or does not know of one yet.
    #[default]
    None,
    /// Follower, which copies from the leader, where there is one.
    Follower(Following),
    /// Leader, which takes writes.
    Leader(Leading<D>),
}

/// A follower's state.
#[derive(Debug)]
pub(super) struct Following {
    /// The offset and the leader epoch for which the fetch in flight asks.
    pub requested: Option<(u64, u32)>,
    /// End of the pause after an error.
    pub delayed_until: Instant,
}

/// A leader's state.
#[derive(Debug)]
pub(super) struct Leading<D: Dialect> {
    /// The log's end when the leader's epoch began.
    pub epoch_start: u64,
    /// Progress of the followers.
    pub followers: PerBroker<Progress>,
    /// The in-sync set that the controller was asked for.
    pub proposed: Option<Proposal>,
    /// Writes that wait for the high watermark, by offset.
    pub waiting: VecDeque<Waiting<D>>,
    /// Removals that wait for the followers.
    pub removals: Vec<Removal>,
}

/// An in-sync set for which the controller is asked (`PendingPartitionChange`).
#[derive(Clone, Copy, Debug)]
pub(super) struct Proposal {
    pub in_sync: BrokerSet,
    /// The latest request that asks for it.
    pub request: Correlation,
    /// Time at which it is sent again.
    pub again_at: Instant,
}

/// The progress of a follower, as its leader knows (`Replica.updateFetchState`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Log start offset of the follower.
    pub log_start: u64,
    /// Log end offset of the follower.
    pub end: u64,
    /// Whether the follower's process has fetched (`ReplicaState.brokerEpoch`).
    pub fetches: bool,
    /// Time at which it last had all that the leader had, where it ever had in this epoch.
    caught_up_at: Option<Instant>,
    last_fetch_at: Option<Instant>,
    leader_end_at_last_fetch: u64,
}

/// A write that waits until it is replicated.
#[derive(Debug)]
pub(super) struct Waiting<D: Dialect> {
    /// Offset of its last record.
    pub offset: u64,
    /// Time at which the writer stops waiting.
    pub deadline: Instant,
    /// What waits for it.
    pub writer: Writer<D>,
}

/// A removal of records that waits until all replicas have done it (`DelayedDeleteRecords`).
#[derive(Debug)]
pub(super) struct Removal {
    /// The offset below which nothing is to be left.
    pub below: u64,
    /// Time at which its client stops waiting.
    pub deadline: Instant,
    pub reply: Reply,
}

/// A party that waits for a write.
#[derive(Debug)]
pub(super) enum Writer<D: Dialect> {
    /// A producer with acks=all, and the offset to answer.
    Producer(Reply, Offset),
    /// The group coordinator, in its own partition.
    Coordinator(Operation<D>),
}

/// The high watermark as it lies on disk, written at intervals.
#[derive(Clone, Copy, Debug, Default)]
struct Checkpoint {
    value: u64,
    /// Number of intervals up to the last change.
    interval: u64,
}

impl<D: Dialect> Replica<D> {
    /// Returns the high watermark.
    #[inline]
    pub(super) fn high_watermark(&self) -> u64 {
        self.high_watermark
    }

    /// Returns the leader epoch that the broker knows.
    #[inline]
    pub(super) fn leader_epoch(&self) -> u32 {
        self.state.map_or(0, |state| state.leader_epoch)
    }

    /// Returns the in-sync set that the broker knows.
    #[inline]
    pub(super) fn in_sync(&self) -> BrokerSet {
        self.state.map(|state| state.in_sync).unwrap_or_default()
    }

    /// Returns the leader's state, where this broker leads.
    #[inline]
    pub(super) fn leading(&mut self) -> Option<&mut Leading<D>> {
        match &mut self.role {
            Role::Leader(leading) => Some(leading),
            _ => None,
        }
    }

    /// Returns whether this broker leads.
    #[inline]
    pub(super) fn is_leader(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// Returns whether too few replicas are in sync for acks=all (`Partition.isUnderMinIsr`): never
    /// where all are.
    #[inline]
    pub(super) fn is_under_min_insync(&self, min_insync: u32) -> bool {
        self.state.is_none_or(|state| {
            state.in_sync != state.replicas
                && state.in_sync.len() < min_insync.min(state.replicas.len())
        })
    }

    /// Raises the high watermark; it never falls. Returns whether it rose.
    #[inline]
    pub(super) fn raise_high_watermark(&mut self, now: Instant, to: u64) -> bool {
        let to = to.min(self.log.end());
        if to <= self.high_watermark {
            return false;
        }
        self.checkpoint.pass(now, self.high_watermark);
        self.high_watermark = to;
        true
    }

    /// Returns the end of what every in-sync replica has (`Partition.maybeIncrementLeaderHW`): with
    /// too few in sync, nothing new becomes readable (KIP-966). What may join the in-sync set, and
    /// was caught up a short while ago, is waited for too: else it would stay behind for ever where
    /// a leader alone is in sync.
    pub(super) fn replicated_up_to(
        &self,
        now: Instant,
        me: Node,
        min_insync: u32,
        active: BrokerSet,
        lag_max: Duration,
    ) -> Option<u64> {
        let (Role::Leader(leading), Some(state)) = (&self.role, self.state) else {
            return None;
        };
        if self.is_under_min_insync(min_insync) {
            return None;
        }
        let end = self.log.end();
        let awaited = leading.maximal_in_sync(state).without(me);
        let mut replicated = end;
        for follower in awaited.iter() {
            replicated = replicated.min(leading.followers[follower].end);
        }
        let others = state.replicas.among(active).beyond(awaited).without(me);
        for follower in others.iter() {
            let progress = &leading.followers[follower];
            if progress.fetches && progress.is_caught_up(now, end, lag_max) {
                replicated = replicated.min(progress.end);
            }
        }
        Some(replicated)
    }

    /// Notes that a follower had all of the log at its last fetch, the time of which this is; until
    /// now its fetches were not looked at, for they said nothing new.
    #[inline]
    pub(super) fn had_all(&mut self, node: Node, fetched_at: Instant) {
        if let Role::Leader(leading) = &mut self.role
            && let Some(progress) = leading.followers.get_mut(node)
        {
            progress.fetched_from(fetched_at, progress.end, progress.end);
        }
    }

    /// Compares a reader's position with the log: `Ok(None)` means that it can read on from there.
    /// A reader with a log that parted from this one gets the epoch that both may share, and its
    /// end (`Partition.readRecords`).
    #[inline]
    pub(super) fn check_position(
        &self,
        position: &FetchPosition,
    ) -> Result<Option<(u32, u64)>, ErrorName> {
        self.check_leader(position.leader_epoch)?;
        if position.last_fetched_epoch != NO_EPOCH {
            let (epoch, end) = self
                .log
                .end_of_epoch(position.last_fetched_epoch)
                .ok_or(ErrorName::OffsetOutOfRange)?;
            if epoch < position.last_fetched_epoch || end < position.offset {
                return Ok(Some((epoch, end)));
            }
        }
        if position.offset < self.log.start() || position.offset > self.log.end() {
            return Err(ErrorName::OffsetOutOfRange);
        }
        Ok(None)
    }

    /// Checks that this broker leads, in the leader epoch that the sender of a request knows
    /// (`Partition.getLocalLog`, `checkCurrentLeaderEpoch`).
    #[inline]
    pub(super) fn check_leader(&self, leader_epoch: u32) -> Result<(), ErrorName> {
        let state = self.state.ok_or(ErrorName::UnknownTopicOrPartition)?;
        if leader_epoch < state.leader_epoch {
            return Err(ErrorName::FencedLeaderEpoch);
        }
        if leader_epoch > state.leader_epoch && leader_epoch != NO_EPOCH {
            return Err(ErrorName::UnknownLeaderEpoch);
        }
        match self.is_leader() {
            true => Ok(()),
            false => Err(ErrorName::NotLeaderOrFollower),
        }
    }

    /// Returns the end of what can be read: consumers read what is replicated, followers
    /// everything.
    #[inline]
    pub(super) fn readable_end(&self, follower: bool) -> u64 {
        if follower {
            self.log.end()
        } else {
            self.high_watermark
        }
    }

    /// Returns whether there are records for a reader at a position in the log.
    #[inline]
    pub(super) fn has_records(&self, follower: bool, position: &FetchPosition) -> bool {
        position.offset < self.readable_end(follower)
    }

    /// Returns the number of bytes that a reader at a position in the log would get; counted
    /// no further than to `enough` (`DelayedFetch.tryComplete`).
    #[inline]
    pub(super) fn readable_bytes(
        &self,
        follower: bool,
        position: &FetchPosition,
        enough: u32,
    ) -> u32 {
        if enough <= 1 {
            return self.has_records(follower, position).into();
        }
        self.count_readable(follower, position, enough)
    }

    #[inline(never)]
    fn count_readable(&self, follower: bool, position: &FetchPosition, enough: u32) -> u32 {
        let end = self.readable_end(follower);
        let bytes = self.log.bytes(position.offset, end, enough);
        bytes.min(position.max_bytes.max(1))
    }

    /// Returns whether there is anything to tell a reader at a position in the log: records, or to
    /// a follower how far the leader is.
    #[inline]
    pub(super) fn has_news(&self, follower: bool, position: &FetchPosition) -> bool {
        let is_behind =
            self.high_watermark > position.high_watermark || self.log.start() > position.log_start;
        self.has_records(follower, position) || follower && is_behind
    }

    /// Keeps only what lies on disk: the process dies.
    pub(super) fn crash(&mut self, now: Instant) {
        self.checkpoint.pass(now, self.high_watermark);
        let kept = self.checkpoint.value.max(self.log.start());
        self.high_watermark = kept.min(self.log.end());
        self.state = None;
        self.role = Role::None;
    }

    /// Brings everything to disk: the process ends cleanly.
    pub(super) fn shut_down(&mut self) {
        self.checkpoint.value = self.high_watermark;
        self.state = None;
        self.role = Role::None;
    }

    /// Truncates as a leader's answer says (`AbstractFetcherThread.getOffsetTruncationState`).
    pub(super) fn truncate_to(&mut self, epoch: u32, end: u64) {
        let to = match self.log.end_of_epoch(epoch) {
            // Both logs have the epoch: what goes beyond its end at the leader is wrong.
            Some((mine, my_end)) if mine == epoch => my_end.min(end),
            // Cut back to an epoch that both may have, and ask again.
            Some((_, my_end)) => my_end,
            // This log has nothing later.
            None => end,
        };
        self.log.truncate(to.min(self.log.end()));
        self.high_watermark = self.high_watermark.min(self.log.end());
    }

    /// Begins the log anew: the leader has no record any more at which it could go on.
    pub(super) fn restart_at(&mut self, start: u64) {
        self.log.restart_at(start);
        self.high_watermark = start;
    }
}

impl Following {
    /// Creates a follower that has asked for nothing yet.
    pub(super) fn new() -> Self {
        Self {
            requested: None,
            delayed_until: Instant::ZERO,
        }
    }
}

impl<D: Dialect> Leading<D> {
    /// Creates a leader that has heard of no follower yet; those in sync have until the lag limit.
    pub(super) fn new(now: Instant, brokers: usize, epoch_start: u64, in_sync: BrokerSet) -> Self {
        let progress = |node| Progress {
            caught_up_at: in_sync.contains(node).then_some(now),
            ..Progress::default()
        };
        Self {
            epoch_start,
            followers: PerBroker::new(brokers, progress),
            proposed: None,
            waiting: VecDeque::new(),
            removals: Vec::new(),
        }
    }

    /// Begins another epoch of the same leader (`Replica.resetReplicaState`): where its followers
    /// are it knows already.
    pub(super) fn begin_epoch(&mut self, now: Instant, epoch_start: u64, in_sync: BrokerSet) {
        self.epoch_start = epoch_start;
        self.proposed = None;
        for node in self.followers.ids() {
            let progress = &mut self.followers[node];
            let since = in_sync.contains(node).then_some(now);
            progress.caught_up_at = since;
            progress.last_fetch_at = since;
            progress.leader_end_at_last_fetch = epoch_start;
        }
    }

    /// Returns the in-sync set, and what is proposed beyond it, which counts as long as it may come
    /// true (KIP-497).
    fn maximal_in_sync(&self, state: PartitionState) -> BrokerSet {
        let proposed = self.proposed.map(|proposal| proposal.in_sync.0);
        BrokerSet(state.in_sync.0 | proposed.unwrap_or_default())
    }
}

impl Progress {
    /// Notes that the follower fetches from `offset`: it has what lies below.
    #[inline]
    pub(super) fn fetched_from(&mut self, now: Instant, offset: u64, leader_end: u64) {
        if offset >= leader_end {
            self.caught_up_at = Some(now);
        } else if offset >= self.leader_end_at_last_fetch {
            self.caught_up_at = self.caught_up_at.max(self.last_fetch_at);
        }
        self.end = offset;
        self.fetches = true;
        self.last_fetch_at = Some(now);
        self.leader_end_at_last_fetch = leader_end;
    }

    /// Returns whether the follower is in step with its leader (`ReplicaState.isCaughtUp`).
    pub(super) fn is_caught_up(&self, now: Instant, leader_end: u64, lag_max: Duration) -> bool {
        self.end == leader_end || self.caught_up_at.is_some_and(|at| now <= at + lag_max)
    }
}

impl Checkpoint {
    /// Notes that the value changes now: what it was at the last multiple of the interval lies on
    /// disk.
    #[inline]
    fn pass(&mut self, now: Instant, before: u64) {
        let interval = now.as_nanos() / CHECKPOINT_INTERVAL.as_nanos() as u64;
        if interval > self.interval {
            self.interval = interval;
            self.value = before;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Content, Lean, SCENARIO_GROUP};
    use crate::topology::PartitionIndex;

    fn group() -> Content {
        Content::GroupTombstone(SCENARIO_GROUP)
    }

    #[test]
    fn a_crash_leaves_the_high_watermark_of_the_last_checkpoint() {
        let after_crash_at = |seconds| {
            let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
            let mut replica = Replica::<Lean>::default();
            for _ in 0..9 {
                replica.log.append(0, group());
            }
            for (time, high_watermark) in [(1, 3), (4, 4), (6, 6), (7, 7), (21, 9)] {
                if time < seconds {
                    assert!(replica.raise_high_watermark(at(time), high_watermark));
                    assert!(!replica.raise_high_watermark(at(time), high_watermark));
                }
            }
            replica.crash(at(seconds));
            replica.high_watermark()
        };
        assert_eq!(after_crash_at(3), 0);
        assert_eq!(after_crash_at(5), 4);
        assert_eq!(after_crash_at(8), 4);
        assert_eq!(after_crash_at(12), 7);
        assert_eq!(after_crash_at(22), 7);
        assert_eq!(after_crash_at(26), 9);
    }

    #[test]
    fn a_follower_is_told_what_it_does_not_know() {
        let mut replica = Replica::<Lean>::default();
        for _ in 0..3 {
            replica.log.append(0, group());
        }
        replica.raise_high_watermark(Instant::ZERO, 2);
        replica.log.remove_below(1);
        let position = |offset, high_watermark, log_start| FetchPosition {
            partition: PartitionIndex(0),
            offset,
            leader_epoch: 0,
            last_fetched_epoch: NO_EPOCH,
            high_watermark,
            log_start,
            max_bytes: 0,
        };
        let knows_all = position(3, 2, 1);
        assert!(!replica.has_news(true, &knows_all));
        for (offset, high_watermark, log_start) in [(2, 2, 1), (3, 1, 1), (3, 2, 0)] {
            assert!(replica.has_news(true, &position(offset, high_watermark, log_start)));
        }
        // A consumer reads up to the high watermark, and is told of nothing but records.
        assert!(replica.has_news(false, &position(1, 0, 0)));
        assert!(!replica.has_news(false, &position(2, 0, 0)));
    }
}
