//! From what the logs hold to the tables of a [`History`].

use super::history::{Ack, Cut, History, Record, Rewind};
use super::ids::{EntryIndex, NEVER, RecordId, Slot};
use crate::MessageId;
use plimsoll_core::NextOffset;

impl History {
    #[inline]
    pub(super) fn stored(
        &mut self,
        entry: EntryIndex,
        RecordId { slot, offset }: RecordId,
        message: MessageId,
        key: Option<u32>,
    ) {
        let partition = &mut self.partitions[slot];
        partition.log_end = partition.log_end.max(offset.next());
        let record = partition.records.row_mut(offset);
        if record.message != Some(message) {
            record.replace(message);
        }
        record.key = key;
        record.stored = record.stored.min(entry);
    }

    #[inline]
    pub(super) fn acknowledged(&mut self, entry: EntryIndex, id: RecordId, message: MessageId) {
        let record = self.partitions[id.slot].records.row_mut(id.offset);
        if record.stored == NEVER && record.message != Some(message) {
            record.replace(message);
        }
        if record.message == Some(message) {
            record.acked = record.acked.min(entry);
        }
        self.acks.push(Ack {
            entry,
            record: id,
            message,
        });
    }

    pub(super) fn removed(&mut self, entry: EntryIndex, slot: Slot, log_start: NextOffset) {
        let partition = &mut self.partitions[slot];
        let removed_before = partition.log_start.get() as usize;
        partition.log_start = partition.log_start.max(log_start);
        partition.overtaken |= log_start > partition.committed;
        for record in partition.records_below(log_start).skip(removed_before) {
            record.excused = record.excused.min(entry);
        }
    }

    /// Takes the records from `log_end` on out of the log: others may come to stand there. The
    /// group's offset may follow.
    pub(super) fn truncated(&mut self, entry: EntryIndex, slot: Slot, log_end: NextOffset) {
        let partition = &mut self.partitions[slot];
        let cut = Cut {
            entry,
            slot,
            from: partition.log_end,
            to: log_end,
            followed: false,
        };
        if cut.to >= cut.from {
            return;
        }
        for record in partition.records.iter_mut().skip(log_end.get() as usize) {
            record.stored = NEVER;
        }
        partition.log_end = log_end;
        partition.floor = partition.floor.min(log_end);
        partition.cut = Some(cut);
        self.cuts.push(cut);
        self.rewound(entry, slot, log_end);
    }

    pub(super) fn offsets_reset(&mut self, entry: EntryIndex, slot: Slot, next: NextOffset) {
        let partition = &mut self.partitions[slot];
        let backwards = next < partition.committed;
        partition.committed = next;
        partition.committed_by = entry;
        partition.floor = next;
        for record in partition.records_below(next) {
            if record.finished == NEVER {
                record.skipped = record.skipped.min(entry);
            }
        }
        if backwards {
            self.rewound(entry, slot, next);
        }
    }

    pub(super) fn rewound(&mut self, entry: EntryIndex, slot: Slot, to: NextOffset) {
        let partition = &mut self.partitions[slot];
        partition.chances += 1;
        for record in partition.records.iter_mut().skip(to.get() as usize) {
            record.skipped = NEVER;
        }
        self.rewinds.push(Rewind { entry, slot, to });
    }
}

impl Record {
    /// Puts another message at this offset, from now on.
    fn replace(&mut self, message: MessageId) {
        if self.message.is_some() {
            *self = Self::default();
        }
        self.message = Some(message);
    }
}
