//! What is known of records only when the whole trace is read: whether the group owes them, and
//! when their predecessors were settled.

use super::history::History;
use super::ids::{EntryIndex, NEVER};
use crate::Trace;
use std::time::Duration;

/// Time by which a trace may learn later of a record than a member: on real Kafka, both read it
/// from the brokers.
const LEARNED_LATE: Duration = Duration::from_secs(5);

impl History {
    /// Excuses the records before the group's start: a group that starts at the end of a partition
    /// owes nothing of what was there before; a partition that was added later is owed from its
    /// start. What lies below the first position and came later was not there before: the group
    /// began beyond the end.
    pub(super) fn excuse_before_start(&mut self, trace: &Trace) {
        for partition in self.partitions.iter_mut() {
            if !partition.founding {
                continue;
            }
            let Some(first) = partition.first.map(|first| self.assignments[first]) else {
                // A partition that was never owned owes nothing.
                for record in partition.records.iter_mut() {
                    record.excused = EntryIndex::START;
                }
                continue;
            };
            let known_by = trace.entries()[first.entry.get()].at + LEARNED_LATE;
            for record in partition.records_below(first.position) {
                let stored = trace.entries().get(record.stored.get());
                if stored.is_none_or(|stored| stored.at <= known_by) {
                    record.excused = EntryIndex::START;
                }
            }
        }
    }

    /// Finds when each record's predecessors in its partition were settled.
    pub(super) fn link_records(&mut self) {
        for partition in self.partitions.iter_mut() {
            let mut free_from = EntryIndex::START;
            let records = partition.records.iter_mut();
            // An offset at which nothing was ever stored holds no record back.
            for record in records.filter(|record| record.stored != NEVER) {
                record.free_from = free_from;
                free_from = free_from.max(record.settled());
            }
        }
    }

    /// Finds when each record's predecessors of the same key were settled.
    pub(super) fn link_keys(&mut self) {
        let by_key = &mut self.by_key;
        for partition in self.partitions.iter_mut() {
            by_key.clear();
            let records = partition.records.with_ids();
            by_key.extend(records.filter_map(|(offset, record)| Some((record.key?, offset))));
            // Stable: the records of a key stay in the order of their offsets.
            by_key.sort_by_key(|&(key, _)| key);
            for pair in by_key.windows(2) {
                let ((key, before), (next_key, offset)) = (pair[0], pair[1]);
                if key == next_key {
                    let before = &partition.records[before];
                    let free_from = before.free_from.max(before.settled());
                    partition.records[offset].free_from = free_from;
                }
            }
        }
    }
}
