//! How far the group was behind, and for how long its partitions stood still, whatever the reason:
//! cheap to find out, in every run.

use super::history::History;
use super::ids::Slot;
use super::table::Table;
use crate::{MemberId, Terms, Trace, TraceEvent};
use plimsoll_core::{Instant, NextOffset, OutOfRangePolicy, TopicPartition};
use std::time::Duration;

/// What one run shows; memory is kept from one run to the next.
#[derive(Debug, Default)]
pub(super) struct Pace {
    lines: Table<Slot, Line>,
    /// The number of readable records that are not committed, over all partitions.
    lag: u64,
    /// The moment at which everything was healed.
    healed: Option<Instant>,
    /// The longest time in which an owner of a partition began no handler of it, whether it had
    /// anything to handle or not.
    pub(super) longest_gap: Duration,
    /// The longest time in which an owner of a partition began none of the records that waited.
    pub(super) longest_stall: Duration,
    /// The longest time for which a partition with an owner would have stood still, had its owner
    /// begun none of its records; what hinders the owner is not looked at.
    pub(super) longest_exposure: Duration,
    /// The largest number of readable records that were not committed, over all partitions.
    pub(super) highest_lag: u64,
}

/// One partition at the moment.
#[derive(Debug, Default)]
struct Line {
    log_end: NextOffset,
    /// The next offset after the last record that was begun, or below the first position.
    begun: NextOffset,
    committed: NextOffset,
    /// The moment at which its newest owner got it, or last began a handler.
    touched: Option<Instant>,
    /// The moment since which a record waits to be begun.
    waits: Option<Instant>,
    /// Its newest owner.
    owner: Option<MemberId>,
    /// The moment since which that owner has had a record to begin.
    exposed: Option<Instant>,
}

impl Pace {
    /// Forgets the run before, and reads this one.
    pub(super) fn read(&mut self, terms: &Terms, history: &History, trace: &Trace) {
        self.clear();
        for entry in trace.entries() {
            self.observe(history, entry.at, &entry.event);
        }
        let end = trace.entries().last().map_or(Instant::ZERO, |last| last.at);
        // A run in which a partition stands still goes on for as long as liveness is waited for.
        let longest_end = self
            .healed
            .map_or(end, |at| end.max(at + terms.liveness_within));
        let halts = terms.config.out_of_range == OutOfRangePolicy::Halt;
        for (line, partition) in self.lines.iter_mut().zip(history.partitions.iter()) {
            let (gap, _) = line.touch(end);
            self.longest_gap = self.longest_gap.max(gap);
            // What has halted may stand still.
            if !(halts && partition.overtaken) {
                self.longest_exposure = self.longest_exposure.max(line.disown(longest_end));
            }
        }
    }

    fn clear(&mut self) {
        self.lines.clear();
        self.lag = 0;
        self.healed = None;
        self.longest_gap = Duration::ZERO;
        self.longest_stall = Duration::ZERO;
        self.longest_exposure = Duration::ZERO;
        self.highest_lag = 0;
    }

    #[inline]
    fn observe(&mut self, history: &History, now: Instant, event: &TraceEvent) {
        match *event {
            TraceEvent::Stored {
                partition, offset, ..
            } => {
                let Some(line) = self.line(history, partition) else {
                    return;
                };
                let end = line.log_end.max(offset.next());
                let more = end.get() - line.log_end.get();
                line.log_end = end;
                line.waits = line.waits.or(Some(now));
                if line.owner.is_some() {
                    line.exposed = line.exposed.or(Some(now));
                }
                self.lag += more;
                self.highest_lag = self.highest_lag.max(self.lag);
            }
            TraceEvent::HandlerStarted {
                partition, offset, ..
            } => {
                if let Some(line) = self.line(history, partition) {
                    line.begun = line.begun.max(offset.next());
                    let spans = line.touch(now);
                    self.add(spans);
                }
            }
            TraceEvent::Committed {
                partition, next, ..
            } => {
                if let Some(line) = self.line(history, partition) {
                    let end = line.log_end.get();
                    let before = end.saturating_sub(line.committed.get());
                    line.committed = next;
                    self.lag = self.lag + end.saturating_sub(next.get()) - before;
                }
            }
            TraceEvent::Healed => self.healed = Some(now),
            _ => self.observe_owners(history, now, event),
        }
    }

    fn observe_owners(&mut self, history: &History, now: Instant, event: &TraceEvent) {
        match *event {
            TraceEvent::Assigned {
                member,
                partition,
                position,
                ..
            } => {
                if let Some(line) = self.line(history, partition) {
                    let exposure = line.disown(now);
                    // The time without an owner is none in which a record waited for it.
                    let (gap, _) = line.touch(now);
                    line.begun = position;
                    line.waits = (line.log_end > position).then_some(now);
                    line.owner = Some(member);
                    line.exposed = line.waits;
                    self.longest_gap = self.longest_gap.max(gap);
                    self.longest_exposure = self.longest_exposure.max(exposure);
                }
            }
            TraceEvent::Revoked { partition, .. } | TraceEvent::Lost { partition, .. } => {
                if let Some(line) = self.line(history, partition) {
                    let spans = line.touch(now);
                    let exposure = line.disown(now);
                    self.add(spans);
                    self.longest_exposure = self.longest_exposure.max(exposure);
                }
            }
            TraceEvent::MemberCrashed { member }
            | TraceEvent::MemberStopped { member }
            | TraceEvent::MemberExited { member, .. } => {
                let lines = self.lines.iter_mut();
                for line in lines.filter(|line| line.owner == Some(member)) {
                    self.longest_exposure = self.longest_exposure.max(line.disown(now));
                }
            }
            _ => {}
        }
    }

    #[inline]
    fn line(&mut self, history: &History, partition: TopicPartition) -> Option<&mut Line> {
        Some(self.lines.row_mut(history.slots.get(partition)?))
    }

    #[inline]
    fn add(&mut self, (gap, stall): (Duration, Duration)) {
        self.longest_gap = self.longest_gap.max(gap);
        self.longest_stall = self.longest_stall.max(stall);
    }
}

impl Line {
    /// Returns the time since it was last touched, and the time for which a record has waited; both
    /// begin anew.
    #[inline]
    fn touch(&mut self, now: Instant) -> (Duration, Duration) {
        let gap = self.touched.map_or(Duration::ZERO, |since| now - since);
        let stall = match self.touched {
            Some(_) => self.waits.map_or(Duration::ZERO, |since| now - since),
            None => Duration::ZERO,
        };
        self.touched = Some(now);
        self.waits = (self.log_end > self.begun).then_some(now);
        (gap, stall)
    }

    /// Takes the partition from its owner; returns the time for which that had something to handle.
    fn disown(&mut self, now: Instant) -> Duration {
        self.owner = None;
        let exposed = self.exposed.take();
        exposed.map_or(Duration::ZERO, |since| now - since)
    }
}
