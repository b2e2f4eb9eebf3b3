//! The entries of one replica's log, and the leader epochs that wrote them.

use crate::protocol::{Batch, Content, Dialect, LogEntry};
use plimsoll_core::Offset;

/// Number of an idempotent producer's batches that a broker remembers (`NUM_BATCHES_TO_RETAIN`).
const REMEMBERED_BATCHES: u32 = 5;

/// The records of one replica. It lies on disk: a crash of the process leaves it as it is.
#[derive(Debug, Default)]
pub(super) struct Log<D: Dialect> {
    /// The offset of `records[0]`.
    base: u64,
    /// Offset below which records are removed, though they may still lie here.
    start: u64,
    records: Vec<LogEntry<D>>,
    /// Each epoch with the offset at which it began (`LeaderEpochFileCache`).
    epochs: Vec<(u32, u64)>,
    /// The highest sequence of the idempotent producer, and its offset.
    last_sequence: Option<(u32, u64)>,
}

/// What a sequence number says of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sequence {
    /// The next number.
    Next,
    /// The number of a message that the log has, at this offset.
    Duplicate(Offset),
    /// A number with others missing before it, or too old to be remembered.
    OutOfOrder,
}

impl<D: Dialect> Log<D> {
    /// Returns the first offset that can be read.
    #[inline]
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// Returns the offset that the next record gets (LEO).
    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.base + self.records.len() as u64
    }

    /// Returns the latest epoch that is known here; `None`: the log never had one.
    #[inline]
    pub(super) fn last_epoch(&self) -> Option<u32> {
        self.epochs.last().map(|(epoch, _)| *epoch)
    }

    /// Returns the records from `from` up to, not including, `to`, as far as they lie here.
    #[inline]
    pub(super) fn slice(&self, from: u64, to: u64) -> &[LogEntry<D>] {
        let to = to.min(self.end()).saturating_sub(self.base) as usize;
        let from = (from.saturating_sub(self.base) as usize).min(to);
        &self.records[from..to]
    }

    /// Returns the records that can be read, or will be.
    pub(super) fn all(&self) -> &[LogEntry<D>] {
        self.slice(self.start, self.end())
    }

    /// Begins a leader's epoch at the log's end.
    pub(super) fn begin_epoch(&mut self, epoch: u32) {
        if self.last_epoch().is_none_or(|last| last < epoch) {
            self.epochs.push((epoch, self.end()));
        }
    }

    /// Appends as leader.
    #[inline]
    pub(super) fn append(&mut self, leader_epoch: u32, content: Content<D>) -> Offset {
        let offset = Offset::new(self.end());
        self.note_sequence(&content, offset);
        self.records.push(LogEntry {
            offset,
            leader_epoch,
            content,
        });
        offset
    }

    /// Appends as follower what a leader sent, which begins at the log's end.
    #[inline]
    pub(super) fn append_fetched(&mut self, records: &[LogEntry<D>]) {
        self.records.reserve(records.len());
        for record in records {
            debug_assert_eq!(record.offset.get(), self.end());
            if self.last_epoch() != Some(record.leader_epoch) {
                self.begin_epoch(record.leader_epoch);
            }
            self.note_sequence(&record.content, record.offset);
            self.records.push(record.clone());
        }
    }

    #[inline]
    fn note_sequence(&mut self, content: &Content<D>, offset: Offset) {
        if let Some(sequence) = sequence_of(content) {
            self.last_sequence = Some((sequence, offset.get()));
        }
    }

    /// Checks whether a message of the idempotent producer may be appended
    /// (`ProducerAppendInfo.checkSequence`; a producer that the log does not know may begin
    /// anywhere).
    pub(super) fn check_sequence(&self, sequence: u32) -> Sequence {
        let Some((last, offset)) = self.last_sequence else {
            return Sequence::Next;
        };
        if sequence == last + 1 {
            return Sequence::Next;
        }
        if sequence > last || last - sequence >= REMEMBERED_BATCHES {
            return Sequence::OutOfOrder;
        }
        let candidates = self.slice(0, offset + 1).iter().rev();
        candidates
            .map(|record| (sequence_of(&record.content), record.offset))
            .take_while(|(found, _)| found.is_none_or(|found| found >= sequence))
            .find(|(found, _)| *found == Some(sequence))
            .map_or(Sequence::OutOfOrder, |(_, offset)| {
                Sequence::Duplicate(offset)
            })
    }

    /// Returns the largest epoch not above `epoch`, and where it ends
    /// (`LeaderEpochFileCache.endOffsetFor`); `None` where the log knows no such epoch.
    #[inline]
    pub(super) fn end_of_epoch(&self, epoch: u32) -> Option<(u32, u64)> {
        if self.last_epoch() == Some(epoch) {
            return Some((epoch, self.end()));
        }
        let higher = self.epochs.partition_point(|(known, _)| *known <= epoch);
        let (floor, _) = *self.epochs.get(higher.checked_sub(1)?)?;
        let end = self
            .epochs
            .get(higher)
            .map_or(self.end(), |(_, start)| *start);
        Some((floor, end))
    }

    /// Cuts off the records from `end` on, and the epochs that began there.
    pub(super) fn truncate(&mut self, end: u64) {
        self.records
            .truncate(end.saturating_sub(self.base) as usize);
        self.epochs.retain(|(_, start)| *start < end);
        if self.last_sequence.is_some_and(|(_, offset)| offset >= end) {
            let messages = self.records.iter().rev();
            self.last_sequence = messages
                .filter_map(|record| Some((sequence_of(&record.content)?, record.offset.get())))
                .next();
        }
    }

    /// Forgets every record: the log begins anew at `start`.
    pub(super) fn restart_at(&mut self, start: u64) {
        *self = Self {
            base: start,
            start,
            ..Self::default()
        };
    }

    /// Removes the records below `start`.
    pub(super) fn remove_below(&mut self, start: u64) {
        self.start = self.start.max(start.min(self.end()));
    }
}

fn sequence_of<D: Dialect>(content: &Content<D>) -> Option<u32> {
    match content {
        Content::Batch(batch) => batch.sequence(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Lean, Value};
    use plimsoll_oracle::MessageId;

    fn message(sequence: u32) -> Content {
        Content::Batch(Value::Message {
            id: MessageId(sequence),
            key: None,
            bytes: 1,
            sequence: Some(sequence),
        })
    }

    /// Creates a log in which epoch 1 wrote offsets 0 to 2, epoch 3 wrote 3 to 5, epoch 4 nothing.
    fn log() -> Log<Lean> {
        let mut log = Log::default();
        for (epoch, sequences) in [(1, 0..3), (3, 3..6), (4, 6..6)] {
            log.begin_epoch(epoch);
            for sequence in sequences {
                log.append(epoch, message(sequence));
            }
        }
        log
    }

    #[test]
    fn an_epoch_ends_where_the_next_one_begins() {
        let log = log();
        assert_eq!(log.end_of_epoch(0), None);
        assert_eq!(log.end_of_epoch(1), Some((1, 3)));
        assert_eq!(log.end_of_epoch(2), Some((1, 3)));
        assert_eq!(log.end_of_epoch(3), Some((3, 6)));
        assert_eq!(log.end_of_epoch(9), Some((4, 6)));
    }

    #[test]
    fn truncation_takes_epochs_and_sequences_along() {
        let mut log = log();
        log.truncate(6);
        assert_eq!(log.last_epoch(), Some(3), "epoch 4 wrote nothing");
        log.truncate(2);
        assert_eq!((log.end(), log.last_epoch()), (2, Some(1)));
        assert_eq!(log.check_sequence(1), Sequence::Duplicate(Offset::new(1)));
        assert_eq!(log.check_sequence(2), Sequence::Next);
        assert_eq!(log.check_sequence(3), Sequence::OutOfOrder);
    }

    #[test]
    fn a_follower_takes_the_epochs_with_the_records() {
        let leader = log();
        let mut follower = Log::default();
        follower.append_fetched(leader.slice(0, 4));
        follower.append_fetched(leader.slice(4, 6));
        assert_eq!(follower.end_of_epoch(1), Some((1, 3)));
        assert_eq!(follower.last_epoch(), Some(3));
        assert_eq!(
            follower.check_sequence(4),
            Sequence::Duplicate(Offset::new(4))
        );
    }

    #[test]
    fn removed_records_are_not_read() {
        let mut log = log();
        log.remove_below(2);
        assert_eq!((log.start(), log.all().len()), (2, 4));
        log.restart_at(9);
        assert_eq!((log.start(), log.end(), log.last_epoch()), (9, 9, None));
        assert_eq!(log.append(5, message(7)), Offset::new(9));
    }
}
