//! One partition, as far as it is fetched.

use crate::protocol::{Content, LogEntry, Node, Value};
use crate::recipes::Payload;
use crate::topology::PartitionIndex;
use plimsoll_core::{AssignmentEpoch, Instant, KeyHash, Record};

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
    pub paused: bool,
    /// Whether it waits for a commit, of any partition.
    pub held_back: bool,
    /// Whether the position was out of range: it stands still until the application seeks.
    pub halted: bool,
    /// The broker that was asked and has not answered, with the version of that moment.
    pub asked: Option<(Node, u32)>,
    pub retry_at: Instant,
}

/// Fetched records of one partition, with the partition's version of that moment.
#[derive(Debug)]
pub(super) struct Batch {
    pub partition: PartitionIndex,
    version: u32,
    pub records: Vec<Record<Payload>>,
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
        self.paused || self.held_back || self.halted
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
    }
    /// Goes on behind these records. Returns what of them is for the application.
    pub(super) fn enqueue(&mut self, index: PartitionIndex, stored: &[LogEntry]) -> Option<Batch> {
        self.position = stored.last()?.offset.next().get();
        let records: Vec<Record<Payload>> = stored.iter().filter_map(to_record).collect();
        if records.is_empty() {
            return None;
        }
        self.queued += records.len() as u32;
        Some(Batch {
            partition: index,
            version: self.version,
            records,
        })
    }

    /// Notes that the application gets these records. Returns whether they are still wanted.
    pub(super) fn deliver(&mut self, batch: &Batch) -> bool {
        if !self.assigned || self.version != batch.version {
            return false;
        }
        let Some(last) = batch.records.last() else {
            return false;
        };
        self.queued -= batch.records.len() as u32;
        self.delivered = last.offset.next().get();
        true
    }
}

fn to_record(stored: &LogEntry) -> Option<Record<Payload>> {
    let Content::Batch(Value::Message { id, key, bytes, .. }) = stored.content else {
        return None;
    };
    Some(Record {
        offset: stored.offset,
        key: key.map(|key| KeyHash(u64::from(key))),
        bytes,
        payload: Payload { message: id, key },
    })
}
