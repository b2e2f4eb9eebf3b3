//! One partition, as far as it is fetched.

use crate::epochs::LeaderEpochs;
use crate::{Settings, Speaker};
use plimsoll_core::{AssignmentEpoch, Instant, Record};
use plimsoll_protocol::{LogEntry, Node, PartitionIndex};
use std::collections::VecDeque;

/// One partition, as far as it is fetched.
#[derive(Clone, Debug, Default)]
pub(super) struct Partition {
    /// Whether it is fetched, unless something below forbids it.
    pub assigned: bool,
    /// Whether the application began with it and has not given it up.
    pub held: bool,
    pub epoch: AssignmentEpoch,
    /// Number that increases when what is in flight is wanted no more (librdkafka: the version
    /// barrier).
    pub version: u32,
    /// The next offset to fetch.
    pub position: u64,
    /// The next offset to give to the application.
    pub delivered: u64,
    /// The offset behind the last record with which a handler began.
    pub dispatched: u64,
    /// Number of records that are fetched, and not given to the application yet.
    pub queued: u32,
    /// Their size, in bytes.
    pub queued_bytes: u64,
    pub paused: bool,
    /// Whether what was fetched is kept from the application, which has paused it.
    pub withheld: bool,
    /// Whether it waits for a commit, of any partition.
    pub held_back: bool,
    /// Whether the position was out of range: it stands still until the application seeks.
    pub halted: bool,
    /// Whether what was fetched last could not be read.
    pub failing: bool,
    /// The leader epochs of what was read.
    pub epochs: LeaderEpochs,
    /// The epoch of the leader whose log has what lies below the position; `None`: it is not known
    /// of any.
    pub proved: Option<u32>,
    /// The version with which a leader was asked whether it has that.
    pub proving: Option<u32>,
    /// Whether the log was cut below the position, and the application is to learn of it.
    pub is_cut: bool,
    /// The broker that was asked and has not answered, with the version of that moment.
    pub asked: Option<(Node, u32)>,
    pub retry_at: Instant,
}

/// Fetched records of one partition, with the partition's version of that moment.
#[derive(Debug)]
pub(super) struct Batch<P> {
    pub partition: PartitionIndex,
    version: u32,
    /// In the order of their offsets; none, where the position alone has moved on.
    pub records: Vec<Record<P>>,
    /// The position behind all that was fetched with them.
    pub next: u64,
}

impl Partition {
    /// Returns whether a broker was asked, and what it answers is wanted.
    #[inline]
    pub(super) fn is_asked(&self) -> bool {
        self.asked
            .is_some_and(|(_, version)| version == self.version)
    }

    /// Returns whether what this broker answers is wanted: whatever was not wanted any more when
    /// the answer came has another version by then.
    #[inline]
    pub(super) fn awaits(&self, broker: Node) -> bool {
        self.asked == Some((broker, self.version))
    }

    /// Returns whether something forbids to fetch it.
    #[inline]
    pub(super) const fn stands_still(&self) -> bool {
        self.paused || self.held_back || self.halted || self.is_being_proved()
    }

    /// Returns whether nothing waits for the application.
    #[inline]
    pub(super) const fn is_drained(&self) -> bool {
        self.queued == 0
    }

    /// Returns whether enough waits for the application: nothing more is fetched until it takes
    /// some, or, where nothing is fetched ahead, all.
    #[inline]
    pub(super) const fn has_enough(&self, settings: &Settings) -> bool {
        if !settings.behaviour.fetches_ahead {
            return !self.is_drained();
        }
        self.queued >= settings.prefetch || self.queued_bytes >= settings.prefetch_bytes
    }

    /// Notes that a broker answers nothing more to what it was asked.
    #[inline]
    pub(super) fn end_poll(&mut self, broker: Node) {
        self.asked = self.asked.filter(|(asked, _)| *asked != broker);
    }

    /// Drops what is in flight or queued; it is fetched again if it is wanted again.
    pub(super) fn restart(&mut self) {
        self.version += 1;
        self.position = self.delivered;
        self.queued = 0;
        self.queued_bytes = 0;
    }

    /// Goes on behind these entries, or with the first one that cannot be read. Queues what of them
    /// is for the application: of a batch in the middle of which it begins, what lies before is not
    /// (`DefaultRecordBatch`: a broker answers with whole batches).
    pub(super) fn enqueue<S: Speaker>(
        &mut self,
        speaker: &S,
        (index, at_once): (PartitionIndex, u32),
        stored: &[LogEntry<S::Dialect>],
        queue: &mut VecDeque<Batch<S::Payload>>,
    ) {
        let wanted = self.position;
        let Some(last) = stored.last() else {
            return;
        };
        self.position = last.end();
        self.failing = false;
        let mut records = Vec::with_capacity(stored.len());
        for entry in stored {
            self.epochs.note(entry.offset, entry.leader_epoch);
            if speaker.read(index, entry, &mut records).is_err() {
                self.failing = true;
                self.position = entry.offset.get().max(wanted);
                break;
            }
        }
        if stored[0].offset.get() < wanted {
            records.retain(|record| record.offset.get() >= wanted);
        }
        if records.is_empty() && self.position <= wanted {
            return;
        }
        self.queued += records.len() as u32;
        self.queued_bytes += size(&records);
        let batch = Batch {
            partition: index,
            version: self.version,
            records,
            next: self.position,
        };
        batch.divide(at_once as usize, queue);
    }

    /// Notes that the application gets these records. Returns whether they are still wanted.
    pub(super) fn deliver<P>(&mut self, batch: &Batch<P>) -> bool {
        if !self.assigned || self.version != batch.version {
            return false;
        }
        self.queued -= batch.records.len() as u32;
        self.queued_bytes -= size(&batch.records);
        self.delivered = batch.records.last().map_or(batch.next, end);
        true
    }
}

impl<P> Batch<P> {
    /// Queues it, in parts of so many records at most.
    fn divide(mut self, at_once: usize, queue: &mut VecDeque<Self>) {
        let mut parts = Vec::new();
        // From its end, so that no record is moved twice.
        while self.records.len() > at_once {
            let begin = (self.records.len() - 1) / at_once * at_once;
            parts.push(self.split_at(begin));
        }
        queue.push_back(self);
        queue.extend(parts.into_iter().rev());
    }

    /// Keeps the first records of this number, and returns what is behind them: further records, or
    /// nothing that is one, as markers of transactions, or what compaction removed.
    pub(super) fn split_off(&mut self, first: usize) -> Option<Self> {
        let kept = first.min(self.records.len());
        let last = self.records[..kept].last()?;
        (end(last) < self.next).then(|| self.split_at(kept))
    }

    /// Keeps the first records of this number, and returns what is behind them.
    fn split_at(&mut self, kept: usize) -> Self {
        let records = self.records.split_off(kept);
        let next = self.records.last().map_or(self.next, end);
        Self {
            records,
            next: std::mem::replace(&mut self.next, next),
            ..*self
        }
    }
}

/// Returns the offset behind a record.
fn end<P>(record: &Record<P>) -> u64 {
    record.offset.next().get()
}

/// Returns the size of records, in bytes.
fn size<P>(records: &[Record<P>]) -> u64 {
    records.iter().map(|record| u64::from(record.bytes)).sum()
}
