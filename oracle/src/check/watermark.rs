//! How far the watermark of one assignment stood, as the trace shows it.

use super::history::{History, NEVER};
use plimsoll_core::Outcome;

/// For the records from an assignment's position on: the entry by which the assignment itself had
/// finished this record and all between; [`NEVER`] from the first that it did not finish.
///
/// What others finished does not count, because its owner cannot know of it. Offsets without a
/// record, and records that were removed or skipped, are passed at once.
#[derive(Debug, Default)]
pub(super) struct Passes {
    position: u64,
    entries: Vec<u32>,
}

impl Passes {
    /// Forgets what it held, and reads one assignment.
    pub(super) fn read(&mut self, history: &History, assignment: u32) {
        self.entries.clear();
        let Some(own) = history.assignment(assignment) else {
            return;
        };
        self.position = own.position;
        let partition = history.partition(own.slot);
        let records = &partition.records[partition.below(own.position)..];
        self.entries
            .extend(records.iter().map(|record| match record.stored {
                NEVER => 0,
                _ => record.excused.min(record.skipped),
            }));
        let first = history.attempts.partition_point(|a| a.entry < own.entry);
        let finished = history.attempts[first..]
            .iter()
            .filter(|a| a.assignment == assignment && a.outcome == Some(Outcome::Ok))
            .map(|a| (a.offset, a.ended));
        let letters = history.dead_letters.iter();
        let letters = letters
            .filter(|letter| letter.assignment == assignment)
            .map(|letter| (letter.offset, letter.entry));
        for (offset, entry) in finished.chain(letters) {
            let offset = u64::from(offset);
            if let Some(index) = offset.checked_sub(self.position) {
                let passed = &mut self.entries[index as usize];
                *passed = (*passed).min(entry);
            }
        }
        let mut latest = 0;
        for entry in &mut self.entries {
            latest = latest.max(*entry);
            *entry = latest;
        }
    }

    /// When the watermark passed the record.
    pub(super) fn at(&self, offset: u32) -> u32 {
        let index = u64::from(offset).checked_sub(self.position);
        let entry = index.and_then(|index| self.entries.get(index as usize));
        entry.copied().unwrap_or(NEVER)
    }
}
