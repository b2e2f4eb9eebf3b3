//! What keeps partitions from being fetched for a while: commits, the application, and rebalances.

use super::Fetcher;
use crate::{Speaker, View};
use plimsoll_core::Instant;
use plimsoll_protocol::PartitionIndex;

impl<S: Speaker> Fetcher<S> {
    /// Fetches an assigned partition only once no commit is outstanding: it could be the one that
    /// says where to begin (`rd_kafka_assignment_serve`).
    pub fn hold_back(&mut self, index: PartitionIndex) {
        self.change(index).held_back = true;
        self.holds_back = true;
    }

    /// Fetches what was held back.
    pub fn start_held_back(&mut self, now: Instant, view: &View<S>) {
        if !std::mem::take(&mut self.holds_back) {
            return;
        }
        self.changes += 1;
        for index in &self.assigned {
            self.partitions[usize::from(index.0)].held_back = false;
        }
        self.fetch_all(now, view);
    }

    /// Stops a partition: what the application has not got yet is dropped, or waits.
    pub fn pause(&mut self, index: PartitionIndex) {
        if self.settings.behaviour.pause_keeps {
            self.partitions[usize::from(index.0)].withheld = true;
            return;
        }
        let partition = self.change(index);
        partition.paused = true;
        partition.restart();
    }

    /// Resumes a partition that was stopped.
    pub fn resume(&mut self, now: Instant, view: &View<S>, index: PartitionIndex) {
        if self.settings.behaviour.pause_keeps {
            self.partitions[usize::from(index.0)].withheld = false;
            let kept = self.withheld.remove(&index).unwrap_or_default();
            kept.into_iter()
                .rev()
                .for_each(|batch| self.queue.push_front(batch));
            return;
        }
        self.change(index).paused = false;
        self.fetch_all(now, view);
    }

    /// Holds all partitions until the application has answered a rebalance, or ends that. What was
    /// fetched and not taken yet is dropped, also of partitions that stay
    /// (`rd_kafka_assignment_pause` of "all"; `rd_kafka_toppar_pause_resume`: "Flush partition's
    /// fetch queue"), except in Java. One whose position is out of range has its range looked up
    /// all the same.
    pub fn hold(&mut self, now: Instant, view: &View<S>, holds: bool) {
        self.holds = holds;
        self.changes += 1;
        if !holds {
            return self.fetch_all(now, view);
        }
        if !self.settings.behaviour.drops_when_held {
            return;
        }
        for index in &self.assigned {
            let partition = &mut self.partitions[usize::from(index.0)];
            if !partition.halted {
                partition.restart();
                self.withheld.remove(index);
            }
        }
    }
}
