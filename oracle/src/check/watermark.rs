//! How far the watermark of one assignment stood, as the trace shows it.

use super::findings::Case;
use super::history::Partition;
use super::ids::{AssignmentId, EntryIndex, NEVER};
use plimsoll_core::{NextOffset, Offset, Outcome};

/// For the records from an assignment's position on: the entry by which the assignment itself had
/// finished this record and all between; [`NEVER`] from the first that it did not finish.
///
/// What other members finished does not count, because its owner cannot know of it; nor does an
/// answer that its owner may have taken for a timeout. Offsets without a record, and records that
/// were removed or skipped before the owner tried them, are passed at once.
#[derive(Debug, Default)]
pub(super) struct Passes {
    position: NextOffset,
    entries: Vec<EntryIndex>,
    /// The records that the assignment finished, and when; room for [`read`](Self::read).
    finished: Vec<(Offset, EntryIndex)>,
}

impl Passes {
    /// Forgets what it held, and reads one assignment.
    pub(super) fn read(&mut self, case: &Case<'_>, id: AssignmentId) {
        let history = case.history;
        let own = &history.assignments[id];
        self.position = own.position;
        self.entries.clear();
        let records = &history.partitions[own.slot].records;
        let records = records.rows_from(own.position.first_unfinished());
        self.entries
            .extend(records.map(|(_, record)| match record.stored {
                NEVER => EntryIndex::START,
                _ => record.excused.min(record.skipped),
            }));
        let earlier = history.attempts.partition_point(|a| a.entry < own.entry);
        let attempts = history.attempts.iter().skip(earlier);
        self.finished.clear();
        for attempt in attempts.filter(|attempt| attempt.assignment == Some(id)) {
            if let Some(index) = self.index(attempt.record.offset) {
                self.entries[index] = NEVER;
            }
            if attempt.outcome == Some(Outcome::Ok) && case.was_told(attempt) {
                self.finished.push((attempt.record.offset, attempt.ended));
            }
        }
        // A copy of which its member has not learned lets it pass nothing.
        let letters = history.letter_acks.iter();
        let letters = letters
            .filter(|letter| letter.assignment == Some(id))
            .map(|letter| (letter.record.offset, letter.entry));
        for (offset, entry) in self.finished.iter().copied().chain(letters) {
            if let Some(index) = self.index(offset) {
                let passed = &mut self.entries[index];
                *passed = (*passed).min(entry);
            }
        }
        let mut latest = EntryIndex::START;
        for entry in &mut self.entries {
            latest = latest.max(*entry);
            *entry = latest;
        }
    }

    /// Returns when the watermark passed the record.
    pub(super) fn at(&self, offset: Offset) -> EntryIndex {
        let index = self.index(offset);
        let entry = index.and_then(|index| self.entries.get(index));
        entry.copied().unwrap_or(NEVER)
    }

    /// Returns when the watermark passed the first record, from an offset on, that can come again:
    /// one that was neither removed nor skipped.
    pub(super) fn first(&self, partition: &Partition, from: NextOffset) -> EntryIndex {
        let from = from.max(self.position);
        let mut records = partition.records.rows_from(from.first_unfinished());
        let first = records.find(|(_, record)| {
            record.stored != NEVER && record.excused.min(record.skipped) == NEVER
        });
        first.map_or(NEVER, |(offset, _)| self.at(offset))
    }

    fn index(&self, offset: Offset) -> Option<usize> {
        let index = offset.get().checked_sub(self.position.get())?;
        Some(index as usize)
    }
}
