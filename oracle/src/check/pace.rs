//! How far the group was behind, and for how long its partitions stood still, whatever the reason:
//! cheap to find out, in every run.

use super::history::History;
use super::ids::Slot;
use super::table::Table;
use crate::{Trace, TraceEvent};
use plimsoll_core::{Instant, NextOffset, TopicPartition};
use std::time::Duration;

/// What one run shows; memory is kept from one run to the next.
#[derive(Debug, Default)]
pub(super) struct Pace {
    lines: Table<Slot, Line>,
    /// The longest time in which an owner of a partition began no handler of it, whether it had
    /// anything to handle or not.
    pub(super) longest_gap: Duration,
    /// The longest time in which an owner of a partition began none of the records that waited.
    pub(super) longest_stall: Duration,
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
}

impl Pace {
    /// Forgets the run before, and reads this one.
    pub(super) fn read(&mut self, history: &History, trace: &Trace) {
        self.lines.clear();
        self.longest_gap = Duration::ZERO;
        self.longest_stall = Duration::ZERO;
        self.highest_lag = 0;
        let mut lag = 0;
        for entry in trace.entries() {
            let now = entry.at;
            match entry.event {
                TraceEvent::Stored {
                    partition, offset, ..
                } => {
                    let Some(line) = self.line(history, partition) else {
                        continue;
                    };
                    let end = line.log_end.max(offset.next());
                    lag += end.get() - line.log_end.get();
                    line.log_end = end;
                    line.waits = line.waits.or(Some(now));
                    self.highest_lag = self.highest_lag.max(lag);
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
                        lag = lag + end.saturating_sub(next.get()) - before;
                    }
                }
                TraceEvent::Assigned {
                    partition,
                    position,
                    ..
                } => {
                    if let Some(line) = self.line(history, partition) {
                        // The time without an owner is none in which a record waited for it.
                        let (gap, _) = line.touch(now);
                        line.begun = position;
                        line.waits = (line.log_end > position).then_some(now);
                        self.longest_gap = self.longest_gap.max(gap);
                    }
                }
                TraceEvent::Revoked { partition, .. } | TraceEvent::Lost { partition, .. } => {
                    if let Some(line) = self.line(history, partition) {
                        let spans = line.touch(now);
                        self.add(spans);
                    }
                }
                _ => {}
            }
        }
        let end = trace.entries().last().map_or(Instant::ZERO, |last| last.at);
        for line in self.lines.iter_mut() {
            let (gap, _) = line.touch(end);
            self.longest_gap = self.longest_gap.max(gap);
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
}
