//! The leader epochs of what was read, by which a broker tells that a log was cut (KIP-320).
//!
//! Commits carry them, and so do the questions whether a log still has what lies below a position:
//! where it lost its end and has grown again, with other records, its offsets alone look as if
//! nothing had happened.

use plimsoll_core::{NextOffset, Offset};
use plimsoll_protocol::NO_EPOCH;

/// The leader epochs under which the records of one partition were written, as far as they were
/// read or a commit named them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LeaderEpochs(Vec<Run>);

/// Records that follow each other, under one leader epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    /// The offset of the first one.
    first: Offset,
    epoch: u32,
}

impl LeaderEpochs {
    /// Begins anew with what the group committed: a position, and the epoch of the record before
    /// it, where the commit names it.
    pub(crate) fn begin(&mut self, position: NextOffset, epoch: Option<u32>) {
        self.0.clear();
        if let (Some(first), Some(epoch)) = (position.get().checked_sub(1), epoch) {
            self.note(Offset::new(first), epoch);
        }
    }

    /// Notes the epoch of a record that was read: those behind it are read after it.
    #[inline]
    pub(crate) fn note(&mut self, offset: Offset, epoch: u32) {
        let is_same = |run: &Run| run.epoch == epoch && run.first <= offset;
        if self.0.last().is_some_and(is_same) {
            return;
        }
        self.0.retain(|run| run.first < offset);
        self.0.push(Run {
            first: offset,
            epoch,
        });
    }

    /// Returns the epoch of the last record below a position, if it is known.
    pub(crate) fn before(&self, position: NextOffset) -> Option<u32> {
        let mut runs = self.0.iter().rev();
        let run = runs.find(|run| run.first.next() <= position)?;
        Some(run.epoch).filter(|epoch| *epoch != NO_EPOCH)
    }

    /// Forgets them: the log was cut, and its records are others now.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(epochs: &LeaderEpochs, positions: &[u64]) -> Vec<Option<u32>> {
        let positions = positions.iter().copied().map(NextOffset::new);
        positions.map(|next| epochs.before(next)).collect()
    }

    #[test]
    fn a_position_has_the_epoch_of_the_record_before_it() {
        let mut epochs = LeaderEpochs::default();
        assert_eq!(before(&epochs, &[0, 7]), [None, None]);
        epochs.begin(NextOffset::new(7), Some(2));
        assert_eq!(before(&epochs, &[6, 7, 8]), [None, Some(2), Some(2)]);
        epochs.note(Offset::new(9), 3);
        epochs.note(Offset::new(20), NO_EPOCH);
        epochs.note(Offset::new(30), 5);
        let found = before(&epochs, &[9, 10, 20, 21, 31, 99]);
        assert_eq!(found, [Some(2), Some(3), Some(3), None, Some(5), Some(5)]);
        epochs.begin(NextOffset::new(0), Some(6));
        assert_eq!(before(&epochs, &[0, 5, 99]), [None; 3]);
    }

    #[test]
    fn what_was_read_again_replaces_what_was_read_before() {
        let mut epochs = LeaderEpochs::default();
        epochs.note(Offset::new(0), 1);
        epochs.note(Offset::new(10), 2);
        epochs.note(Offset::new(5), 2);
        assert_eq!(before(&epochs, &[5, 6, 11]), [Some(1), Some(2), Some(2)]);
        epochs.note(Offset::new(6), 2);
        epochs.note(Offset::new(4), 4);
        assert_eq!(before(&epochs, &[4, 6, 11]), [Some(1), Some(4), Some(4)]);
        epochs.forget();
        assert_eq!(before(&epochs, &[4, 11]), [None; 2]);
    }
}
