//! When to commit and what: at most one commit is in flight, and none is ever sent twice.
//!
//! A commit that failed, or whose outcome is unknown, is dropped. The next one carries the
//! watermarks of its own moment, so the consumer never sends a lower offset after a higher one.
//!
//! The broker may still get them in the other order. When a client gives a connection up, the
//! kernel keeps what was sent on it and sends it again, for a minute and more (Linux:
//! `tcp_retransmit_timer`, `tcp_orphan_retries`); a new connection does not wait for that. A
//! classic group takes a commit by member and generation, and looks at no order
//! (`ClassicGroup.validateOffsetCommit`), so the old one moves the group back. Nothing tells the
//! member. An active partition is put right by its next commit; an idle one would stay where it is,
//! and its next owner would repeat everything since.
//!
//! So a commit without a known outcome, or one that was slow (the client may have sent it twice),
//! leaves its partitions in [`Doubt`]: they are committed again, also when nothing has finished,
//! for as long as the old commit may arrive, and once after that. The kernel doubles its pauses, so
//! once the network lets a new commit through, the old connection is tried again within as long as
//! its oldest byte had been on its way.
//!
//! Slow is what leaves the client the time for a second copy, which is not long: it gives a
//! connection up when any request on it has waited for too long, and with it a commit that went out
//! just before (`network/resent-commit` in the library).
//!
//! What it costs: after a commit that was lost for a time t, one commit an interval (not below
//! [`AGAIN`]) for t and a minute, at most two minutes; and only where no other commit is due then,
//! so nothing in a busy group. Where all commits are slow, as across regions, so much follows the
//! last one before a group is idle. What it cannot exclude: the group stands too low from the
//! arrival of the old commit to the next one, and an owner that begins in that time repeats what
//! lies between; and a client that is told to send again sooner (`retry.backoff.ms`) may do so
//! within what counts as quick.
//! Only a new generation would refuse the old commit. It would cost a rebalance of the whole group
//! after each commit without an answer, and leave the same gap until it is there.

use crate::{
    AssignmentEpoch, Command, CommitId, CommitOffset, CommitOutcome, CommitPolicy, Consumer,
    Instant, NextOffset, TopicPartition,
};
use std::time::Duration;

/// The bounds of the pause after a commit that was not accepted; between them it is the commit
/// interval. Partitions that are being given up wait for the shorter one.
const RETRY_PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// The time from which a commit is slow: its client may have lost the connection, and have sent it
/// again on another. librdkafka does so no sooner than after `retry.backoff.ms`, 100 ms by default,
/// less a fifth (`rd_kafka_broker_buf_retry`, `RD_KAFKA_RETRY_JITTER_PERCENT`).
const SLOW: Duration = Duration::from_millis(80);

/// The shortest pause between two commits of a partition in doubt.
const AGAIN: Duration = Duration::from_secs(1);

/// The longest time for which a client waits for an answer until it gives the connection up
/// (librdkafka: `socket.timeout.ms`): that much older than a commit may be what was sent before it
/// on the same connection, and not acknowledged either.
const OLDER_REQUEST: Duration = Duration::from_secs(60);

/// The longest pause between two tries of the kernel (Linux: `TCP_RTO_MAX`).
const LONGEST_RETRANSMISSION: Duration = Duration::from_secs(120);

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
    /// The partitions of which an earlier commit may still arrive. Mostly empty.
    doubts: Vec<Doubt>,
    /// The moment at which partitions in doubt are committed again; `None`: none is, or none of
    /// their commits was accepted since.
    again: Option<Instant>,
}

/// A partition of which a commit may arrive after later ones.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    partition: TopicPartition,
    /// The moment at which the oldest such commit was sent.
    since: Instant,
    /// The moment by which it must have arrived; `None`: no later commit was accepted yet.
    until: Option<Instant>,
}

/// A commit that waits for its outcome.
#[derive(Debug)]
struct InFlight {
    id: CommitId,
    sent: Instant,
    carried: Vec<Carried>,
}

/// One partition's part of a commit.
#[derive(Clone, Copy, Debug)]
struct Carried {
    partition: TopicPartition,
    epoch: AssignmentEpoch,
    next: NextOffset,
    /// Whether it was committed before, and is only in doubt.
    again: bool,
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
            doubts: Vec::new(),
            again: None,
        }
    }

    pub(crate) fn in_flight(&self) -> Option<CommitId> {
        self.in_flight.as_ref().map(|commit| commit.id)
    }

    /// Returns whether the commit in flight carries an offset of this partition, of whichever
    /// assignment.
    pub(crate) fn carries(&self, partition: TopicPartition) -> bool {
        self.in_flight.as_ref().is_some_and(|commit| {
            let carried = &commit.carried;
            let place = carried.binary_search_by_key(&partition, |carried| carried.partition);
            place.is_ok()
        })
    }

    /// Returns when the next commit may be sent, if nothing else happens before.
    #[inline]
    pub(crate) fn next_due(&self) -> Option<Instant> {
        if self.in_flight.is_some() {
            return None;
        }
        let due = (!self.dirty.is_empty()).then(|| {
            self.due
                .unwrap_or_else(|| self.last_finished + CommitPolicy::IDLE)
        });
        let first = due.into_iter().chain(self.again).min()?;
        Some(first.max(self.not_before))
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
        self.doubts.retain(|doubt| doubt.partition != partition);
        if self.doubts.is_empty() {
            self.again = None;
        }
    }

    /// Notes that a commit of a partition, sent at `since`, may arrive after later ones.
    fn doubt(&mut self, partition: TopicPartition, since: Instant) {
        let mut doubts = self.doubts.iter_mut();
        match doubts.find(|doubt| doubt.partition == partition) {
            Some(doubt) => doubt.until = None,
            None => self.doubts.push(Doubt {
                partition,
                since,
                until: None,
            }),
        }
    }

    /// Notes that a commit of a partition, sent at `sent`, was accepted now. Returns whether the
    /// partition stays in doubt: then it is to be committed again.
    fn accepted(&mut self, partition: TopicPartition, sent: Instant, now: Instant) -> bool {
        let mut doubts = self.doubts.iter();
        let Some(index) = doubts.position(|doubt| doubt.partition == partition) else {
            return false;
        };
        let doubt = &mut self.doubts[index];
        let oldest = now.saturating_since(doubt.since) + OLDER_REQUEST;
        let until = *doubt
            .until
            .get_or_insert(now + oldest.min(LONGEST_RETRANSMISSION));
        if sent >= until {
            self.doubts.swap_remove(index);
            return false;
        }
        let pause = self.policy.longest_tail().max(AGAIN);
        let again = (now + pause).min(until.max(now + AGAIN));
        self.again = Some(self.again.map_or(again, |other| other.min(again)));
        true
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
        let Some(InFlight { sent, carried, .. }) =
            commits.in_flight.take_if(|commit| commit.id == id)
        else {
            self.shared.counters.stale += 1;
            return;
        };
        let now = self.shared.now;
        let is_unknown = outcome == CommitOutcome::Unknown;
        let is_slow = now.saturating_since(sent) > SLOW;
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
        for Carried {
            partition: id,
            epoch,
            next,
            again,
        } in carried
        {
            let Some(partition) = self.partitions.get_mut(&id) else {
                continue;
            };
            if partition.epoch() != epoch {
                continue;
            }
            // Where all commits are slow, one that only repeats another calls for no more of them.
            if is_unknown || (is_slow && !again) {
                self.shared.commits.doubt(id, sent);
            }
            if outcome == CommitOutcome::Ok {
                let in_doubt = self.shared.commits.accepted(id, sent, now);
                partition.committed(next, &mut self.shared);
                partition.set_in_doubt(in_doubt);
            } else {
                partition.set_in_doubt(again);
                partition.mark_dirty(&mut self.shared);
            }
        }
    }

    /// Sends a commit if one is due and none is in flight.
    #[inline]
    pub(crate) fn commit_if_due(&mut self) {
        let due = self.shared.commits.next_due();
        if due.is_some_and(|due| due <= self.shared.now) {
            self.mark_doubts();
            self.send_commit();
        }
    }

    /// Marks the partitions in doubt whose time has come.
    fn mark_doubts(&mut self) {
        let now = self.shared.now;
        if self.shared.commits.again.take_if(|at| *at <= now).is_none() {
            return;
        }
        let doubts = std::mem::take(&mut self.shared.commits.doubts);
        for Doubt { partition, .. } in &doubts {
            if let Some(partition) = self.partitions.get_mut(partition) {
                partition.mark_dirty(&mut self.shared);
            }
        }
        self.shared.commits.doubts = doubts;
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
            let again = partition.is_committed();
            if let Some(offset) = partition.take_commit() {
                offsets.push(offset);
                carried.push(Carried {
                    partition: id,
                    epoch: partition.epoch(),
                    next: offset.next,
                    again,
                });
            }
        }
        if offsets.is_empty() {
            return;
        }
        let id = CommitId(commits.last_id.0.wrapping_add(1));
        commits.last_id = id;
        commits.in_flight = Some(InFlight {
            id,
            sent: self.shared.now,
            carried,
        });
        self.shared.commands.push_back(Command::Commit {
            commit: id,
            offsets,
        });
    }
}
