//! The entries of one replica's log.

use super::epochs::Epochs;
#[cfg(feature = "wire")]
use super::producers::ProducerState;
use super::producers::Producers;
use crate::protocol::{Batch, Content, Dialect, LogEntry};
use plimsoll_core::Offset;
use plimsoll_oracle::ErrorName;
use std::collections::BTreeSet;

/// The entries of one replica. They lie on disk: a crash of the process leaves them as they are.
#[derive(Debug, Default)]
pub(super) struct Log<D: Dialect> {
    /// Offset below which records are removed, though they may still lie here.
    start: u64,
    /// The offset that the next record gets.
    end: u64,
    /// The entries, by offset. Each has one offset or more; between two of them some may be missing.
    entries: Vec<LogEntry<D>>,
    epochs: Epochs,
    producers: Producers,
    /// Number of entries at which the log is compacted next, where it is compacted at all.
    compact_at: usize,
    /// The offset up to which it was compacted.
    compacted: u64,
}

/// The number of entries below which a log is never compacted (in Kafka, a number of bytes: the
/// segment that is written to is not compacted, `LogCleanerManager.cleanableOffsets`).
const NOT_COMPACTED: usize = 4_096;

/// The number of entries for which a log has room when it gets its first one: most logs of a run
/// stay below it, and need not grow.
const FIRST_ENTRIES: usize = 64;

impl<D: Dialect> Log<D> {
    /// Returns the first offset that can be read.
    #[inline]
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Returns the offset that the next record gets (LEO).
    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Returns the latest epoch that is known here; `None`: the log never had one.
    #[inline]
    pub(super) fn last_epoch(&self) -> Option<u32> {
        self.epochs.latest()
    }

    /// Returns the entries from the one that has the offset `from`, or follows it, up to the last
    /// that ends at `to` or before.
    #[inline]
    pub(super) fn slice(&self, from: u64, to: u64) -> &[LogEntry<D>] {
        let to = self.index_of(to);
        let from = self.index_of(from).min(to);
        &self.entries[from..to]
    }

    /// Returns the entries as [`slice`](Self::slice) does, as many as have `max_bytes` together;
    /// the first one in any case, where `at_least_one` (`LogSegment.read`, `minOneMessage`).
    #[inline]
    pub(super) fn read(
        &self,
        from: u64,
        to: u64,
        max_bytes: u32,
        at_least_one: bool,
    ) -> (&[LogEntry<D>], u32) {
        let entries = self.slice(from, to);
        let mut bytes = 0_u32;
        for (index, entry) in entries.iter().enumerate() {
            let with = bytes.saturating_add(entry.size());
            if with > max_bytes && !(at_least_one && index == 0) {
                return (&entries[..index], bytes);
            }
            bytes = with;
        }
        (entries, bytes)
    }

    /// Returns the number of bytes of the entries in a part of the log, counted until there are
    /// `enough`.
    pub(super) fn bytes(&self, from: u64, to: u64, enough: u32) -> u32 {
        let mut bytes = 0_u32;
        for entry in self.slice(from, to) {
            if bytes >= enough {
                break;
            }
            bytes = bytes.saturating_add(entry.size());
        }
        bytes
    }

    /// Returns the entries that can be read, or will be.
    pub(super) fn all(&self) -> &[LogEntry<D>] {
        self.slice(self.start, self.end)
    }

    /// Returns the producers that it knows.
    #[cfg(feature = "wire")]
    pub(super) fn producers(&self) -> impl Iterator<Item = ProducerState> {
        self.producers.iter()
    }

    /// Returns the index of the first entry that ends behind an offset. Entries have one offset at
    /// least, so it lies no further from the first one than the offset does: exactly as far where
    /// each has one, and none is missing.
    #[inline]
    fn index_of(&self, offset: u64) -> usize {
        let Some(first) = self.entries.first().filter(|_| offset < self.end) else {
            return self.entries.len();
        };
        let furthest = offset.saturating_sub(first.offset.get()) as usize;
        match self.entries.get(furthest) {
            Some(entry) if entry.offset.get() == offset => furthest,
            _ => self.search(offset, furthest),
        }
    }

    #[cold]
    fn search(&self, offset: u64, furthest: usize) -> usize {
        let candidates = &self.entries[..furthest.min(self.entries.len())];
        candidates.partition_point(|entry| entry.end() <= offset)
    }

    /// Begins a leader's epoch at the log's end (`Partition.makeLeader`,
    /// `UnifiedLog.assignEpochStartOffset`).
    pub(super) fn begin_epoch(&mut self, epoch: u32) {
        self.epochs.assign(epoch, self.end);
    }

    /// Appends as leader. Returns the entry's first offset.
    #[inline]
    pub(super) fn append(&mut self, leader_epoch: u32, content: Content<D>) -> Offset {
        let offset = Offset::new(self.end);
        self.push(LogEntry {
            offset,
            leader_epoch,
            content,
        });
        offset
    }

    /// Appends as follower what a leader sent, which lies at the log's end or behind it.
    #[inline]
    pub(super) fn append_fetched(&mut self, entries: impl Iterator<Item = LogEntry<D>>) {
        for entry in entries {
            debug_assert!(entry.offset.get() >= self.end);
            if self.last_epoch() != Some(entry.leader_epoch) {
                self.epochs.assign(entry.leader_epoch, entry.offset.get());
            }
            self.push(entry);
        }
    }

    #[inline]
    fn push(&mut self, entry: LogEntry<D>) {
        note_producer(&mut self.producers, &entry);
        self.end = entry.end();
        if self.entries.capacity() == 0 {
            self.entries.reserve(FIRST_ENTRIES);
        }
        self.entries.push(entry);
    }

    /// Checks whether a batch may be appended. Returns the offset at which the log has it already,
    /// or `None` where it is new.
    #[inline]
    pub(super) fn check_batch(&self, batch: &D::Batch) -> Result<Option<Offset>, ErrorName> {
        let Some(stamp) = batch.producer() else {
            return Ok(None);
        };
        let known = self.producers.check(stamp, batch.offsets())?;
        Ok(known.map(Offset::new))
    }

    /// Returns the largest epoch not above `epoch`, and where it ends
    /// (`UnifiedLog.endOffsetForEpoch`).
    #[inline]
    pub(super) fn end_of_epoch(&self, epoch: u32) -> Option<(u32, u64)> {
        self.epochs.end_offset_for(epoch, self.end)
    }

    /// Returns the epoch that wrote at an offset, or writes next.
    pub(super) fn epoch_at(&self, offset: u64) -> Option<u32> {
        self.epochs.at(offset)
    }

    /// Cuts off the records from `end` on, and the epochs that began there, also where there is no
    /// record (`UnifiedLog.truncateTo`: "Always truncate epoch cache"). An entry of which only a part
    /// lies below goes as a whole (`LogSegment.truncateTo`).
    pub(super) fn truncate(&mut self, end: u64) {
        self.epochs.truncate_from_end(end);
        if end >= self.end {
            return;
        }
        let index = self.index_of(end);
        self.entries.truncate(index);
        self.end = end;
        // `ProducerStateManager.truncateAndReload`, `UnifiedLog.rebuildProducerState`.
        self.producers.clear();
        for entry in &self.entries {
            note_producer(&mut self.producers, entry);
        }
    }

    /// Forgets every record: the log begins anew at `start`.
    pub(super) fn restart_at(&mut self, start: u64) {
        *self = Self {
            start,
            end: start,
            ..Self::default()
        };
    }

    /// Removes the records below `start`. Their entries go when they are half of all, so that the
    /// others are rarely moved.
    pub(super) fn remove_below(&mut self, start: u64) {
        let start = start.min(self.end);
        if start <= self.start {
            return;
        }
        self.start = start;
        let removed = self.index_of(start);
        if removed * 2 >= self.entries.len() {
            self.entries.drain(..removed);
            self.entries.shrink_to(self.entries.len() * 2);
        }
        self.epochs.truncate_from_start(start);
    }

    /// Keeps of the entries below an offset, where there are many, only the latest one of each key
    /// (`Cleaner.doClean`). A tombstone stays until it was compacted once before: a follower may
    /// have to read it yet (`delete.retention.ms`).
    pub(super) fn compact(&mut self, below: u64) {
        if self.entries.len() < self.compact_at.max(NOT_COMPACTED) {
            return;
        }
        let end = self.index_of(below);
        let mut seen = BTreeSet::new();
        let entries = self.entries[..end].iter().rev();
        let mut kept: Vec<_> = entries
            .map(|entry| {
                let is_latest = entry.content.key().is_none_or(|key| seen.insert(key));
                let is_over = entry.content.is_tombstone() && entry.end() <= self.compacted;
                is_latest && !is_over
            })
            .collect();
        let mut kept = std::iter::from_fn(|| kept.pop());
        self.entries.retain(|_| kept.next().unwrap_or(true));
        self.entries.shrink_to(self.entries.len() * 2);
        self.compact_at = self.entries.len() * 2;
        self.compacted = below;
    }
}

#[inline]
fn note_producer<D: Dialect>(producers: &mut Producers, entry: &LogEntry<D>) {
    if let Content::Batch(batch) = &entry.content
        && let Some(stamp) = batch.producer()
    {
        producers.note(stamp, batch.offsets(), entry.offset.get());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::batched::{Batched, Records};
    use crate::protocol::{CommittedOffset, Founding, GroupIndex, Lean, Value};
    use crate::table::DenseId;
    use crate::topology::PartitionIndex;
    use plimsoll_core::NextOffset;
    use plimsoll_oracle::MessageId;

    fn message(sequence: u32) -> Value {
        Value::Message {
            id: MessageId(sequence),
            key: None,
            bytes: 1,
            sequence: Some(sequence),
        }
    }

    /// Creates a log in which epoch 1 wrote offsets 0 to 2, epoch 3 wrote 3 to 5, epoch 4 nothing.
    fn log() -> Log<Lean> {
        let mut log = Log::default();
        for (epoch, sequences) in [(1, 0..3), (3, 3..6), (4, 6..6)] {
            log.begin_epoch(epoch);
            for sequence in sequences {
                log.append(epoch, Content::Batch(message(sequence)));
            }
        }
        log
    }

    #[test]
    fn truncation_takes_epochs_and_sequences_along() {
        let mut log = log();
        log.truncate(6);
        assert_eq!(log.last_epoch(), Some(3), "epoch 4 wrote nothing");
        log.truncate(2);
        assert_eq!((log.end(), log.last_epoch()), (2, Some(1)));
        assert_eq!(log.check_batch(&message(1)), Ok(Some(Offset::new(1))));
        assert_eq!(log.check_batch(&message(2)), Ok(None));
        let out_of_order = Err(ErrorName::OutOfOrderSequenceNumber);
        assert_eq!(log.check_batch(&message(3)), out_of_order);
    }

    #[test]
    fn a_follower_takes_the_epochs_with_the_records() {
        let leader = log();
        let mut follower = Log::default();
        follower.append_fetched(leader.slice(0, 4).iter().cloned());
        follower.append_fetched(leader.slice(4, 6).iter().cloned());
        assert_eq!(follower.end_of_epoch(1), Some((1, 3)));
        assert_eq!(follower.last_epoch(), Some(3));
        assert_eq!(follower.check_batch(&message(4)), Ok(Some(Offset::new(4))));
    }

    #[test]
    fn removed_records_are_not_read() {
        let mut log = log();
        log.remove_below(2);
        assert_eq!((log.start(), log.all().len()), (2, 4));
        log.restart_at(9);
        assert_eq!((log.start(), log.end(), log.last_epoch()), (9, 9, None));
        let content = Content::Batch(message(7));
        assert_eq!(log.append(5, content), Offset::new(9));
    }

    #[test]
    fn what_is_removed_is_not_kept() {
        let mut log = Log::<Lean>::default();
        for sequence in 0..1_000 {
            log.begin_epoch(sequence / 10);
            log.append(sequence / 10, Content::Batch(message(sequence)));
            log.remove_below(u64::from(sequence).saturating_sub(4));
        }
        assert_eq!((log.start(), log.all().len()), (995, 5));
        assert!(log.entries.len() < 11);
        assert!(log.entries.capacity() < 50);
        assert_eq!(log.end_of_epoch(98), Some((98, 995)), "before all");
        assert_eq!(log.end_of_epoch(99), Some((99, 1_000)));
        assert_eq!(log.epoch_at(995), Some(99));
    }

    fn commit(group: u32, next: u64) -> Content<Lean> {
        let offset = CommittedOffset {
            partition: PartitionIndex(0),
            next: NextOffset::new(next),
            metadata: Founding::default(),
        };
        let group = GroupIndex::from_index(group as usize);
        Content::Reset { group, offset }
    }

    fn tombstone(group: u32) -> Content<Lean> {
        Content::OffsetTombstone {
            group: GroupIndex::from_index(group as usize),
            partition: PartitionIndex(0),
        }
    }

    #[test]
    fn compaction_keeps_the_latest_of_each_key() {
        let mut log = Log::<Lean>::default();
        log.append(1, commit(1, 7));
        log.append(1, commit(2, 8));
        log.append(1, tombstone(2));
        for next in 0..10_000 {
            log.append(1, commit(0, next));
            log.compact(log.end() - 1);
            assert!(log.entries.len() <= 4_096, "{next}");
        }
        let kept: Vec<_> = log.all()[..2].iter().map(|entry| &entry.content).collect();
        // The tombstone went when it was compacted for the second time.
        assert_eq!(kept, [&commit(1, 7), &commit(0, kept_next(&log))]);
        assert_eq!((log.start(), log.end()), (0, 10_003));
        let (last, _) = log.read(10_002, 10_003, 0, true);
        assert_eq!(last[0].content, commit(0, 9_999));
    }

    /// Returns what the second of a log's entries says.
    fn kept_next(log: &Log<Lean>) -> u64 {
        match &log.all()[1].content {
            Content::Reset { offset, .. } => offset.next.get(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_tombstone_is_compacted_once_before_it_goes() {
        let mut log = Log::<Lean>::default();
        log.append(1, commit(2, 8));
        log.append(1, tombstone(2));
        let first = |log: &Log<Lean>| log.all()[0].content;
        for (appended, is_there) in [(4_094, true), (4_095, false)] {
            for next in 0..appended {
                log.append(1, commit(0, next));
            }
            log.compact(log.end());
            assert_eq!(first(&log) == tombstone(2), is_there);
        }
    }

    /// Creates a log with entries at 0 to 2, 3 and 4 to 8.
    fn batches() -> Log<Batched> {
        let mut log = Log::default();
        for offsets in [3, 1, 5] {
            log.append(1, Content::Batch(Records::plain(offsets)));
        }
        log
    }

    fn offsets(log: &Log<Batched>, from: u64, to: u64) -> Vec<u64> {
        let entries = log.slice(from, to).iter();
        entries.map(|entry| entry.offset.get()).collect()
    }

    #[test]
    fn a_batch_is_read_as_a_whole_from_any_of_its_offsets() {
        let log = batches();
        assert_eq!(log.end(), 9);
        for from in 0..9 {
            let expected: &[u64] = match from {
                0..3 => &[0, 3, 4],
                3 => &[3, 4],
                _ => &[4],
            };
            assert_eq!(offsets(&log, from, 9), expected, "from {from}");
        }
        assert_eq!(offsets(&log, 1, 8), [0, 3], "the last one ends at 9");
        assert!(offsets(&log, 9, 9).is_empty());
    }

    #[test]
    fn a_gap_is_read_over() {
        let mut log = Log::default();
        let mut leader = batches();
        leader.truncate(4);
        log.append_fetched(leader.slice(3, 4).iter().cloned());
        leader.restart_at(20);
        leader.append(2, Content::Batch(Records::plain(4)));
        log.append_fetched(leader.slice(20, 24).iter().cloned());
        assert_eq!(log.end_of_epoch(1), Some((1, 20)));
        for (from, expected) in [(0, 2), (3, 2), (4, 1), (12, 1), (21, 1), (24, 0)] {
            assert_eq!(log.slice(from, 24).len(), expected, "from {from}");
        }
    }

    #[test]
    fn a_batch_that_is_cut_in_the_middle_goes_as_a_whole() {
        let mut log = batches();
        log.truncate(6);
        assert_eq!((log.end(), offsets(&log, 0, 9)), (6, vec![0, 3]));
        log.append(2, Content::Batch(Records::plain(2)));
        assert_eq!((log.end(), offsets(&log, 4, 9)), (8, vec![6]));
    }

    #[test]
    fn a_follower_knows_the_producers_of_its_leader() {
        let mut leader = Log::<Batched>::default();
        for batch in [
            Records::stamped(3, 7, 0, 0),
            Records::stamped(2, 8, 0, 0),
            Records::stamped(2, 7, 0, 3),
            Records::stamped(1, 7, 1, 0),
        ] {
            assert_eq!(leader.check_batch(&batch), Ok(None));
            leader.append(1, Content::Batch(batch));
        }
        let mut follower = Log::default();
        follower.append_fetched(leader.all().iter().cloned());
        let fenced = Err(ErrorName::InvalidProducerEpoch);
        assert_eq!(follower.check_batch(&Records::stamped(2, 7, 0, 3)), fenced);
        follower.truncate(7);
        let again = follower.check_batch(&Records::stamped(2, 7, 0, 3));
        assert_eq!(again, Ok(Some(Offset::new(5))));
        assert_eq!(
            follower.check_batch(&Records::stamped(1, 8, 0, 2)),
            Ok(None)
        );
    }
}
