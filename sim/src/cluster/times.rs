//! Records of a log by their timestamps.

use super::log::Log;
use crate::protocol::{Batch, Content, Dialect, FoundOffset, LogEntry};

impl<D: Dialect> Log<D> {
    /// Returns the first record with the greatest timestamp (`ListOffsetsRequest.MAX_TIMESTAMP`).
    pub(super) fn latest(&self) -> Option<FoundOffset> {
        let mut latest: Option<(i64, &LogEntry<D>, &D::Batch)> = None;
        for (entry, batch) in self.batches() {
            let timestamp = batch.max_timestamp();
            if timestamp > latest.map(|(timestamp, ..)| timestamp) {
                latest = timestamp.map(|timestamp| (timestamp, entry, batch));
            }
        }
        let (timestamp, entry, batch) = latest?;
        self.first_in(entry, batch, timestamp)
    }

    /// Returns the first record with a timestamp or a later one
    /// (`UnifiedLog.searchOffsetInLocalLog`, `FileRecords.searchForTimestamp`).
    pub(super) fn first_since(&self, timestamp: i64) -> Option<FoundOffset> {
        let mut late = self
            .batches()
            .filter(|(_, batch)| batch.max_timestamp() >= Some(timestamp));
        late.find_map(|(entry, batch)| self.first_in(entry, batch, timestamp))
    }

    fn batches(&self) -> impl Iterator<Item = (&LogEntry<D>, &D::Batch)> {
        let entries = self.all().iter();
        entries.filter_map(|entry| match &entry.content {
            Content::Batch(batch) => Some((entry, batch)),
            _ => None,
        })
    }

    /// Returns the first record of a batch that has a timestamp or a later one, and is not removed.
    fn first_in(
        &self,
        entry: &LogEntry<D>,
        batch: &D::Batch,
        timestamp: i64,
    ) -> Option<FoundOffset> {
        let first = entry.offset.get();
        let removed = self.start().saturating_sub(first) as u32;
        let (number, timestamp) = batch.first_since(timestamp, removed)?;
        Some(FoundOffset {
            offset: first + u64::from(number),
            leader_epoch: Some(entry.leader_epoch),
            timestamp: Some(timestamp),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::batched::{Batched, Records};

    #[test]
    fn a_record_is_found_by_its_timestamp() {
        let mut log = Log::<Batched>::default();
        assert_eq!((log.latest(), log.first_since(0)), (None, None));
        for timestamps in [&[10, 30, 20][..], &[25], &[30, 40, 40]] {
            log.append(3, Content::Batch(Records::timed(timestamps)));
        }
        let found = |offset, timestamp| {
            Some(FoundOffset {
                offset,
                leader_epoch: Some(3),
                timestamp: Some(timestamp),
            })
        };
        assert_eq!(log.latest(), found(5, 40));
        for (sought, offset, timestamp) in [(0, 0, 10), (11, 1, 30), (31, 5, 40), (40, 5, 40)] {
            assert_eq!(
                log.first_since(sought),
                found(offset, timestamp),
                "{sought}"
            );
        }
        assert_eq!(log.first_since(41), None);
        // Of a batch that is removed in part, the rest counts.
        log.remove_below(2);
        for (sought, offset, timestamp) in [(0, 2, 20), (21, 3, 25), (30, 4, 30)] {
            assert_eq!(
                log.first_since(sought),
                found(offset, timestamp),
                "{sought}"
            );
        }
    }
}
