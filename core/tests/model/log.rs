//! The partitions' logs, and what may happen to them.

use crate::rare::Rare;
use crate::world::World;
use plimsoll_core::{Event, KeyHash, NextOffset, Offset, OutOfRangePolicy, Record, TopicPartition};

/// A partition's log, with gaps. All of it can be fetched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    pub start: u64,
    pub end: u64,
}

impl World {
    /// Moves the position over the next `count` offsets, as where none of them has a record.
    pub(crate) fn pass(&mut self, which: usize, count: u64) {
        let Some(id) = self.fetching(which) else {
            return;
        };
        let log = self.logs.get_mut(&id).expect("a log");
        let ledger = self.owned.get_mut(&id).expect("it is fetched");
        let Some(epoch) = ledger.epoch else {
            return;
        };
        let position = ledger.position + count;
        log.end = log.end.max(position);
        let moves = ledger.draining.is_none() && !ledger.halted;
        if moves {
            ledger.position = position;
        }
        let unfinished = ledger.unfinished().count() > 0;
        self.saw(moves && unfinished, Rare::PassedOverUnfinished);
        self.tell(Event::Passed {
            partition: id,
            epoch,
            position: NextOffset::new(position),
        });
    }

    /// Removes the next `beyond` offsets, as retention does.
    pub(crate) fn expire(&mut self, which: usize, beyond: u64) {
        let Some(id) = self.fetching(which) else {
            return;
        };
        let position = self.ledger(id).position;
        let log = self.logs.get_mut(&id).expect("a log");
        if position < log.start {
            return;
        }
        log.start = position + beyond;
        log.end = log.end.max(log.start + 5);
        self.refuse(id, position);
    }

    /// Removes `below` offsets that were fetched, as a new leader that lacks them does.
    pub(crate) fn truncate(&mut self, which: usize, below: u64) {
        let Some(id) = self.fetching(which) else {
            return;
        };
        let position = self.ledger(id).position;
        let log = self.logs.get_mut(&id).expect("a log");
        let end = position.saturating_sub(below);
        if end < log.start || end == position {
            return;
        }
        log.end = end;
        self.refuse(id, position);
        // New records take the offsets of those that are gone.
        self.logs.get_mut(&id).expect("a log").end = end + 20;
    }

    pub(crate) fn refuse(&mut self, id: TopicPartition, refused: u64) {
        let log = self.log(id);
        let policy = self.config.out_of_range;
        let ledger = self.ledger(id);
        let Some(epoch) = ledger.epoch else {
            return;
        };
        // What is being given up does not move any more.
        let moves = ledger.draining.is_none() && !ledger.halted;
        let position = ledger.position;
        let target = match policy {
            OutOfRangePolicy::Earliest => log.start,
            OutOfRangePolicy::Latest => log.end,
            OutOfRangePolicy::Halt => position,
        };
        if moves && !(log.start..=log.end).contains(&position) {
            if policy == OutOfRangePolicy::Halt {
                ledger.halted = true;
                self.seen.insert(Rare::Halted);
            } else if position < log.start {
                ledger.position = target;
                let unfinished = ledger.unfinished().count() > 0;
                self.saw(unfinished, Rare::SeekForwardOverUnfinished);
            } else {
                let cut = ledger.cut(target);
                let cut = cut.into_iter().map(|offset| (id, Offset::new(offset)));
                self.to_cancel.extend(cut);
                self.saw(!self.to_cancel.is_empty(), Rare::CutWithHandlers);
                for (task, void) in &mut self.writing {
                    if task.partition == id && task.epoch == epoch {
                        *void = true;
                        self.seen.insert(Rare::WriteAcrossCut);
                    }
                }
            }
        }
        self.saw(!moves, Rare::RefusedInVain);
        self.tell(Event::OutOfRange {
            partition: id,
            epoch,
            position: NextOffset::new(refused),
            log_start: NextOffset::new(log.start),
            high_watermark: NextOffset::new(log.end),
        });
    }
}

/// Returns whether there is a record: every fourth offset is missing, and some stretches.
fn exists(offset: u64) -> bool {
    offset % 4 != 2 && offset / 10 % 5 != 2
}

pub(crate) fn last_record(log: Log) -> u64 {
    (log.start..log.end)
        .rev()
        .find(|o| exists(*o))
        .map_or(log.start, |o| o + 1)
}

pub(crate) fn records(offsets: std::ops::Range<u64>) -> Vec<Record<u64>> {
    let records = offsets.filter(|offset| exists(*offset)).map(|offset| {
        let mixed = offset.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        Record {
            offset: Offset::new(offset),
            key: (mixed % 5 != 0).then_some(KeyHash(mixed % 5)),
            bytes: (mixed % 60) as u32,
            payload: offset,
        }
    });
    records.collect()
}
