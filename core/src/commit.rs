//! When to commit and what: at most one commit is in flight, and none is ever sent twice.
//!
//! A commit that failed, or whose outcome is unknown, is dropped. The next one carries the
//! watermarks of its own moment, so whatever becomes of the lost one on its way, the broker never
//! gets a lower offset after a higher one.

use crate::{
    AssignmentEpoch, Command, CommitId, CommitOffset, CommitOutcome, CommitPolicy, Consumer,
    Instant, NextOffset, TopicPartition,
};
use std::time::Duration;

/// The bounds of the pause after a commit that was not accepted; between them it is the commit
/// interval. Partitions that are being given up wait for the shorter one.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// The partitions that have something to commit, and when a commit is due.
#[derive(Debug)]
pub(crate) struct Commits {
    policy: CommitPolicy,
    last_id: CommitId,
    in_flight: Option<InFlight>,
    /// The partitions to commit, in the order in which they asked.
    dirty: Vec<TopicPartition>,
    /// The moment at which the next commit is wanted, if there is something to commit then; `None`:
    /// by no interval and no count.
    due: Option<Instant>,
    /// The moment at which the newest record finished.
    last_finished: Instant,
    /// The end of the pause after a commit that was not accepted.
    not_before: Instant,
    /// The number of records finished since the last commit.
    finished: u32,
}

/// A commit that waits for its outcome.
#[derive(Debug)]
struct InFlight {
    id: CommitId,
    carried: Vec<(TopicPartition, AssignmentEpoch, NextOffset)>,
}

impl Commits {
    pub(crate) const fn new(policy: CommitPolicy) -> Self {
        Self {
            policy,
            last_id: CommitId(0),
            in_flight: None,
            dirty: Vec::new(),
            due: None,
            last_finished: Instant::ZERO,
            not_before: Instant::ZERO,
            finished: 0,
        }
    }

    pub(crate) fn in_flight(&self) -> Option<CommitId> {
        self.in_flight.as_ref().map(|commit| commit.id)
    }

    /// Returns whether the commit in flight carries an offset of this assignment.
    pub(crate) fn carries(&self, partition: TopicPartition, epoch: AssignmentEpoch) -> bool {
        self.in_flight.as_ref().is_some_and(|commit| {
            let place = commit
                .carried
                .binary_search_by_key(&partition, |(id, ..)| *id);
            place.is_ok_and(|place| commit.carried[place].1 == epoch)
        })
    }

    /// Returns when the next commit may be sent, if nothing else happens before.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<Instant> {
        if self.in_flight.is_some() || self.dirty.is_empty() {
            return None;
        }
        let due = self
            .due
            .unwrap_or_else(|| self.last_finished + CommitPolicy::IDLE);
        Some(due.max(self.not_before))
    }

    /// Adds a partition that has something to commit, and did not before.
    #[inline]
    pub(crate) fn mark(&mut self, partition: TopicPartition, now: Instant) {
        if self.dirty.is_empty() {
            self.due = if self.not_before > now {
                Some(self.not_before)
            } else if self.is_count_reached() {
                Some(now)
            } else {
                self.policy.interval.map(|interval| now + interval)
            };
        }
        self.dirty.push(partition);
    }

    #[inline]
    pub(crate) fn count_finished(&mut self, now: Instant) {
        self.finished = self.finished.saturating_add(1);
        self.last_finished = now;
        if self
            .policy
            .every
            .is_some_and(|every| self.finished >= every)
        {
            self.hurry(now);
        }
    }

    /// Makes a commit due now.
    pub(crate) fn hurry(&mut self, now: Instant) {
        self.due = Some(self.due.map_or(now, |due| due.min(now)));
    }

    /// Makes the last commit of partitions that are being given up due now: it does not wait for
    /// the end of a pause.
    pub(crate) fn hurry_last(&mut self, now: Instant) {
        self.not_before = Instant::ZERO;
        self.hurry(now);
    }

    /// Removes a partition that is not owned any more.
    pub(crate) fn forget(&mut self, partition: TopicPartition) {
        self.dirty.retain(|dirty| *dirty != partition);
    }

    /// Delays the next commit after one that was not accepted, so that there is no tight loop.
    fn pause(&mut self, now: Instant, is_last: bool) {
        let (shortest, longest) = RETRY_PAUSE;
        let pause = match self.policy.interval {
            _ if is_last => shortest,
            Some(interval) => interval.clamp(shortest, longest),
            None => longest,
        };
        self.not_before = now + pause;
        self.due = Some(self.not_before);
    }

    #[inline]
    fn is_count_reached(&self) -> bool {
        let every = self.policy.every;
        every.is_some_and(|every| self.finished >= every)
    }

    fn take_dirty(&mut self) -> Vec<TopicPartition> {
        let mut dirty = std::mem::take(&mut self.dirty);
        // The order in which partitions progressed means nothing to the reader of a commit.
        dirty.sort_unstable();
        dirty
    }
}

impl<P: Clone> Consumer<P> {
    /// Takes the outcome of a commit.
    pub(crate) fn commit_finished(&mut self, id: CommitId, outcome: CommitOutcome) {
        let commits = &mut self.shared.commits;
        let Some(InFlight { carried, .. }) = commits.in_flight.take_if(|commit| commit.id == id)
        else {
            self.shared.counters.stale += 1;
            return;
        };
        let is_last = self.rebalances.awaits_commit();
        match outcome {
            CommitOutcome::Ok => {
                self.shared.counters.commits += 1;
                commits.not_before = Instant::ZERO;
            }
            CommitOutcome::Failed => {
                self.shared.counters.commits_failed += 1;
                commits.pause(self.shared.now, is_last);
            }
            CommitOutcome::Unknown => {
                self.shared.counters.commits_unknown += 1;
                commits.pause(self.shared.now, is_last);
            }
        }
        for (id, epoch, next) in carried {
            let Some(partition) = self.partitions.get_mut(&id) else {
                continue;
            };
            if partition.epoch() != epoch {
                continue;
            }
            if outcome == CommitOutcome::Ok {
                partition.committed(next, &mut self.shared);
            } else {
                partition.mark_dirty(&mut self.shared);
            }
        }
    }

    /// Sends a commit if one is due and none is in flight.
    #[inline]
    pub(crate) fn commit_if_due(&mut self) {
        let due = self.shared.commits.next_due();
        if due.is_some_and(|due| due <= self.shared.now) {
            self.send_commit();
        }
    }

    /// Commits the watermark of every partition that has something to commit. No commit may be in
    /// flight.
    fn send_commit(&mut self) {
        let commits = &mut self.shared.commits;
        debug_assert!(commits.in_flight.is_none(), "one commit at a time");
        let dirty = commits.take_dirty();
        commits.due = None;
        commits.finished = 0;
        let mut offsets: Vec<CommitOffset> = Vec::with_capacity(dirty.len());
        let mut carried = Vec::with_capacity(dirty.len());
        for id in dirty {
            let Some(partition) = self.partitions.get_mut(&id) else {
                continue;
            };
            if let Some(offset) = partition.take_commit() {
                offsets.push(offset);
                carried.push((id, partition.epoch(), offset.next));
            }
        }
        if offsets.is_empty() {
            return;
        }
        let id = CommitId(commits.last_id.0.wrapping_add(1));
        commits.last_id = id;
        commits.in_flight = Some(InFlight { id, carried });
        self.shared.commands.push_back(Command::Commit {
            commit: id,
            offsets,
        });
    }
}
