//! The leader epochs of what was read, by which a broker tells that a log was cut (KIP-320).
//!
//! Commits carry them, and so do the positions at which reading begins: where a log lost its end
//! and has grown again, with other records, its offsets alone look as if nothing had happened.

use plimsoll_core::{NextOffset, Offset, TopicPartition};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The leader epochs under which the records below each position were written.
#[derive(Debug, Default)]
pub(super) struct LeaderEpochs(Mutex<BTreeMap<TopicPartition, Vec<Run>>>);

/// Records that follow each other, under one leader epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// The offset of the first one.
    first: Offset,
    /// The leader epoch, if the broker told it.
    epoch: Option<i32>,
}

impl LeaderEpochs {
    /// Begins anew with what the group committed: a position, and the epoch of the record before
    /// it.
    pub(super) fn begin(&self, id: TopicPartition, position: NextOffset, epoch: Option<i32>) {
        let before = position.get().checked_sub(1).map(Offset::new);
        let run = before.map(|first| Run { first, epoch });
        self.with(|runs| _ = runs.insert(id, run.into_iter().collect()));
    }

    /// Notes that records have another epoch, from an offset on.
    pub(super) fn note(&self, id: TopicPartition, first: Offset, epoch: Option<i32>) {
        self.with(|runs| {
            let runs = runs.entry(id).or_default();
            runs.retain(|run| run.first < first);
            runs.push(Run { first, epoch });
        });
    }

    /// Returns the epoch of the last record below a position, if it is known.
    pub(super) fn before(&self, id: TopicPartition, position: NextOffset) -> Option<i32> {
        self.with(|runs| {
            let runs = runs.get(&id)?.iter().rev();
            runs.clone().find(|run| run.first.next() <= position)?.epoch
        })
    }

    /// Forgets what no commit needs any more, once a position is committed.
    pub(super) fn committed(&self, id: TopicPartition, position: NextOffset) {
        self.with(|runs| {
            let Some(runs) = runs.get_mut(&id) else {
                return;
            };
            let below = runs.partition_point(|run| run.first.next() <= position);
            runs.drain(..below.saturating_sub(1));
        });
    }

    /// Forgets the epochs of a partition, whose log was cut: its records are others now.
    pub(super) fn forget(&self, id: TopicPartition) {
        self.with(|runs| _ = runs.remove(&id));
    }

    fn with<R>(&self, act: impl FnOnce(&mut BTreeMap<TopicPartition, Vec<Run>>) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: TopicPartition = TopicPartition::new(0, 0);

    fn before(epochs: &LeaderEpochs, positions: &[u64]) -> Vec<Option<i32>> {
        let positions = positions.iter().copied().map(NextOffset::new);
        positions.map(|next| epochs.before(P, next)).collect()
    }

    #[test]
    fn a_position_has_the_epoch_of_the_record_before_it() {
        let epochs = LeaderEpochs::default();
        assert_eq!(before(&epochs, &[0, 7]), [None, None]);
        epochs.begin(P, NextOffset::new(7), Some(2));
        assert_eq!(before(&epochs, &[6, 7, 8]), [None, Some(2), Some(2)]);
        epochs.note(P, Offset::new(9), Some(3));
        epochs.note(P, Offset::new(20), None);
        epochs.note(P, Offset::new(30), Some(5));
        let found = before(&epochs, &[9, 10, 20, 21, 31, 99]);
        assert_eq!(found, [Some(2), Some(3), Some(3), None, Some(5), Some(5)]);
    }

    #[test]
    fn what_was_read_again_replaces_what_was_read_before() {
        let epochs = LeaderEpochs::default();
        epochs.note(P, Offset::new(0), Some(1));
        epochs.note(P, Offset::new(10), Some(2));
        epochs.note(P, Offset::new(5), Some(4));
        assert_eq!(before(&epochs, &[5, 6, 11]), [Some(1), Some(4), Some(4)]);
        epochs.begin(P, NextOffset::new(0), Some(6));
        assert_eq!(before(&epochs, &[0, 5, 11]), [None; 3]);
    }

    #[test]
    fn a_commit_leaves_what_later_ones_need() {
        let epochs = LeaderEpochs::default();
        for (first, epoch) in [(0, 1), (10, 2), (20, 3)] {
            epochs.note(P, Offset::new(first), Some(epoch));
        }
        epochs.committed(P, NextOffset::new(20));
        let found = before(&epochs, &[10, 20, 21]);
        assert_eq!(found, [None, Some(2), Some(3)]);
        epochs.forget(P);
        assert_eq!(before(&epochs, &[21]), [None]);
    }
}
