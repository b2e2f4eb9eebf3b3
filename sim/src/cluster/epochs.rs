//! The leader epochs that wrote a log (`LeaderEpochFileCache`).

/// Leader epochs, each with the offset at which it began: both increase strictly.
#[derive(Debug, Default)]
pub(super) struct Epochs(Vec<(u32, u64)>);

impl Epochs {
    /// Returns the latest epoch; `None`: there was none yet.
    #[inline]
    pub(super) fn latest(&self) -> Option<u32> {
        self.0.last().map(|(epoch, _)| *epoch)
    }

    /// Lets an epoch begin at an offset. One that began there and wrote nothing was none, and goes
    /// (`assign`, `maybeTruncateNonMonotonicEntries`).
    pub(super) fn assign(&mut self, epoch: u32, start: u64) {
        let is_known = |(last, began): &(u32, u64)| *last == epoch && *began <= start;
        if self.0.last().is_some_and(is_known) {
            return;
        }
        let contradicts = |(last, began): &mut (u32, u64)| *last >= epoch || *began >= start;
        while self.0.pop_if(contradicts).is_some() {}
        self.0.push((epoch, start));
    }

    /// Returns the largest epoch not above `epoch`, and where it ends in a log that ends at
    /// `log_end`. One before all that are known ends where the first of these begins; of one that
    /// is later than all, nothing is known (`endOffsetFor`).
    #[inline]
    pub(super) fn end_offset_for(&self, epoch: u32, log_end: u64) -> Option<(u32, u64)> {
        if self.latest() == Some(epoch) {
            return Some((epoch, log_end));
        }
        let higher = self.0.partition_point(|(known, _)| *known <= epoch);
        let (_, end) = *self.0.get(higher)?;
        let floor = higher.checked_sub(1).map_or(epoch, |floor| self.0[floor].0);
        Some((floor, end))
    }

    /// Returns the epoch that wrote at an offset, or writes next (`epochForOffset`).
    pub(super) fn at(&self, offset: u64) -> Option<u32> {
        let later = self.0.partition_point(|(_, start)| *start <= offset);
        Some(self.0[later.checked_sub(1)?].0)
    }

    /// Forgets the epochs that began at an offset or behind it (`truncateFromEnd`).
    pub(super) fn truncate_from_end(&mut self, end: u64) {
        self.0.retain(|(_, start)| *start < end);
    }

    /// Forgets the epochs that ended at an offset or before it; the one to which it belongs begins
    /// there from now on (`truncateFromStart`).
    pub(super) fn truncate_from_start(&mut self, start: u64) {
        let later = self.0.partition_point(|(_, began)| *began <= start);
        self.0.drain(..later.saturating_sub(1));
        if later > 0 {
            self.0[0].1 = start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the epochs of a log in which epoch 1 wrote offsets 0 to 2, epoch 3 wrote 3 to 5, and
    /// epoch 5 nothing yet, after an epoch 4 that wrote nothing.
    fn epochs() -> Epochs {
        let mut epochs = Epochs::default();
        for (epoch, start) in [(1, 0), (3, 3), (4, 6), (5, 6)] {
            epochs.assign(epoch, start);
        }
        epochs
    }

    #[test]
    fn an_epoch_that_wrote_nothing_goes_when_the_next_one_begins() {
        let mut epochs = epochs();
        assert_eq!(epochs.0, [(1, 0), (3, 3), (5, 6)]);
        epochs.assign(5, 9);
        assert_eq!(epochs.0, [(1, 0), (3, 3), (5, 6)], "it has begun");
        epochs.assign(4, 7);
        assert_eq!(epochs.0, [(1, 0), (3, 3), (4, 7)], "epoch 5 wrote nothing");
    }

    #[test]
    fn an_epoch_ends_where_the_next_one_begins() {
        let epochs = epochs();
        let ends = [0, 1, 2, 3, 4, 5, 9].map(|epoch| epochs.end_offset_for(epoch, 8));
        let before_all = Some((0, 0));
        let (first, second) = (Some((1, 3)), Some((3, 6)));
        let last = Some((5, 8));
        assert_eq!(ends, [before_all, first, first, second, second, last, None]);
        assert_eq!(Epochs::default().end_offset_for(1, 8), None);
        let at = [0, 2, 3, 5, 6].map(|offset| epochs.at(offset));
        assert_eq!(at, [1, 1, 3, 3, 5].map(Some));
    }

    #[test]
    fn what_is_cut_off_takes_its_epochs_along() {
        let mut epochs = epochs();
        epochs.truncate_from_start(4);
        assert_eq!(epochs.0, [(3, 4), (5, 6)]);
        assert_eq!(epochs.end_offset_for(1, 8), Some((1, 4)));
        epochs.truncate_from_start(6);
        assert_eq!(epochs.0, [(5, 6)], "epoch 3 has nothing left");
        epochs.truncate_from_end(6);
        assert_eq!(epochs.latest(), None);
        epochs.truncate_from_start(6);
        assert_eq!(epochs.at(9), None);
    }
}
