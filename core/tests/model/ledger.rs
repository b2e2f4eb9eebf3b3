//! The plain list of records with states: slow, and obviously right.

use plimsoll_core::{
    AssignmentEpoch, CommitId, Config, Instant, KeyHash, NextOffset, Offset, Ordering, Outcome,
    TopicPartition,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// The stage that a record has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Fetched, not started.
    Waiting,
    /// In its handler, from that moment on.
    Running { since: Instant },
    /// Failed at that moment, to be tried again.
    Failed { at: Instant },
    /// Failed for good: it must go to the dead-letter topic.
    Condemned,
    /// On its way to the dead-letter topic.
    Writing,
    /// Not written to the dead-letter topic: the write failed at that moment.
    WriteFailed { at: Instant },
    /// Handled, or acknowledged by the dead-letter topic.
    Finished,
    /// Given up with its partition.
    Dropped,
}

/// Records that were fetched together: their number among the fetches, and their size in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Batch {
    pub number: u32,
    pub bytes: usize,
}

/// A fetched record, as it should be.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub offset: u64,
    pub key: Option<KeyHash>,
    pub batch: Batch,
    pub attempts: u32,
    /// The number of attempts at other records that stood at this offset before.
    pub before: u32,
    pub stage: Stage,
}

impl Entry {
    pub(crate) fn calls(&self) -> u32 {
        self.attempts - self.before
    }

    pub(crate) fn is_unfinished(&self) -> bool {
        self.stage != Stage::Finished
    }
}

/// A handler or a write that the driver has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Task {
    pub partition: TopicPartition,
    pub epoch: AssignmentEpoch,
    pub offset: Offset,
    pub attempt: u32,
}

/// A revocation or the shutdown, not yet answered.
#[derive(Debug)]
pub(crate) struct Pending {
    pub partitions: Vec<(TopicPartition, u32)>,
    pub give_up_at: Instant,
}

/// One assignment of a partition, as it should be.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// A number that tells assignments apart before their epoch is known.
    pub serial: u32,
    /// The epoch, once the assignment is completed.
    pub epoch: Option<AssignmentEpoch>,
    pub records: Vec<Entry>,
    /// The offset at which the next record is expected.
    pub position: u64,
    pub starts_at_end: bool,
    pub founding: u32,
    /// The next offset that the group is known to have committed.
    pub committed: Option<u64>,
    /// The highest next offset in a commit under this assignment, whatever its outcome.
    pub floor: u64,
    /// Whether a commit of it may have arrived after later ones: then it is committed again.
    pub doubted: bool,
    /// The last commit that carried the partition.
    pub last_commit: Option<CommitId>,
    /// The moment at which running handlers are cancelled, once no other may start.
    pub draining: Option<Instant>,
    /// Whether the driver has paused fetching.
    pub paused: bool,
    pub halted: bool,
    /// Whether fetching was resumed without a command of the consumer.
    pub resumed_behind: bool,
    /// The highest number of an attempt so far.
    pub highest_attempt: u32,
    /// The number from which attempts are counted.
    pub first_attempt: u32,
}

impl Ledger {
    pub(crate) fn new(serial: u32, start: u64, committed: Option<u64>, founding: u32) -> Self {
        Self {
            serial,
            epoch: None,
            records: Vec::new(),
            position: start,
            starts_at_end: false,
            founding,
            committed,
            floor: committed.unwrap_or(0),
            doubted: false,
            last_commit: None,
            draining: None,
            paused: false,
            halted: false,
            resumed_behind: false,
            highest_attempt: 0,
            first_attempt: 0,
        }
    }

    /// Returns the offset of the first unfinished record, or the position where there is none.
    pub(crate) fn watermark(&self) -> u64 {
        let unfinished = self.records.iter().find(|r| r.is_unfinished());
        unfinished.map_or(self.position, |r| r.offset)
    }

    pub(crate) fn next(&self) -> NextOffset {
        NextOffset::new(self.watermark())
    }

    pub(crate) fn unfinished(&self) -> impl Iterator<Item = &Entry> {
        self.records.iter().filter(|r| r.is_unfinished())
    }

    pub(crate) fn entry(&mut self, offset: Offset) -> &mut Entry {
        let found = self.records.iter_mut().find(|r| r.offset == offset.get());
        found.unwrap_or_else(|| panic!("offset {offset} was never fetched"))
    }

    pub(crate) fn fetched(&mut self, offset: u64, key: Option<KeyHash>, batch: Batch) {
        if offset < self.position || self.draining.is_some() || self.halted {
            return;
        }
        self.position = offset + 1;
        self.records.push(Entry {
            offset,
            key,
            batch,
            attempts: self.first_attempt,
            before: self.first_attempt,
            stage: Stage::Waiting,
        });
    }

    /// Panics unless this record may start now.
    pub(crate) fn start(&mut self, offset: Offset, attempt: u32, config: &Config, now: Instant) {
        assert!(self.draining.is_none(), "dispatched after a revocation");
        let key = self.entry(offset).key;
        let blocked = self.records.iter().any(|r| {
            let same_lane = match config.ordering {
                Ordering::Partition => true,
                Ordering::Key => key.is_some() && r.key == key,
                Ordering::Unordered => false,
            };
            same_lane && r.offset < offset.get() && r.is_unfinished()
        });
        assert!(
            !blocked,
            "{offset} overtakes an unfinished record of its lane"
        );
        let entry = self.entry(offset);
        assert_eq!(attempt, entry.attempts + 1, "attempts count by one");
        match entry.stage {
            Stage::Waiting => {}
            Stage::Failed { at } => assert_pause(at, now, config),
            stage => panic!("{offset} is dispatched while {stage:?}"),
        }
        assert!(
            !config.dead_letters || entry.calls() < config.retry.attempts,
            "more attempts than the budget"
        );
        entry.attempts = attempt;
        entry.stage = Stage::Running { since: now };
        self.highest_attempt = self.highest_attempt.max(attempt);
    }

    pub(crate) fn ended(
        &mut self,
        offset: Offset,
        outcome: Outcome,
        config: &Config,
        now: Instant,
    ) {
        let draining = self.draining.is_some();
        let entry = self.entry(offset);
        let exhausted = entry.calls() >= config.retry.attempts;
        entry.stage = match outcome {
            Outcome::Ok => Stage::Finished,
            Outcome::Permanent if config.dead_letters => Stage::Condemned,
            _ if config.dead_letters && exhausted => Stage::Condemned,
            _ if draining => Stage::Dropped,
            _ => Stage::Failed { at: now },
        };
    }

    /// Panics unless the dead letter of this record may be written now.
    pub(crate) fn write(&mut self, offset: Offset, attempts: u32, config: &Config, now: Instant) {
        assert!(config.dead_letters);
        let entry = self.entry(offset);
        assert_eq!(attempts, entry.calls());
        match entry.stage {
            Stage::Condemned => {}
            Stage::WriteFailed { at } => assert_pause(at, now, config),
            stage => panic!("{offset} is dead-lettered while {stage:?}"),
        }
        entry.stage = Stage::Writing;
    }

    pub(crate) fn written(&mut self, offset: Offset, acknowledged: bool, now: Instant) {
        let draining = self.draining.is_some();
        let entry = self.entry(offset);
        assert_eq!(entry.stage, Stage::Writing);
        entry.stage = match (acknowledged, draining) {
            (true, _) => Stage::Finished,
            (false, true) => Stage::Dropped,
            (false, false) => Stage::WriteFailed { at: now },
        };
    }

    /// Drops all records but those in flight, and lets no other start.
    pub(crate) fn drain(&mut self, cancel_at: Instant) {
        let cancel_at = self.draining.map_or(cancel_at, |at| at.min(cancel_at));
        self.draining = Some(cancel_at);
        for record in &mut self.records {
            if !matches!(
                record.stage,
                Stage::Running { .. } | Stage::Writing | Stage::Finished
            ) {
                record.stage = Stage::Dropped;
            }
        }
    }

    /// Forgets all records, as the log was cut; returns those whose handlers ran.
    pub(crate) fn cut(&mut self, position: u64) -> Vec<u64> {
        let mut running = Vec::new();
        for record in self.records.drain(..) {
            if let Stage::Running { .. } = record.stage {
                running.push(record.offset);
            }
        }
        self.first_attempt = self.highest_attempt;
        self.position = position;
        self.floor = 0;
        running
    }

    /// Returns whether fetching must be resumed.
    pub(crate) fn has_room(&self, config: &Config, owned: usize) -> bool {
        let (records, bytes) = self.buffered();
        records <= config.max_buffered_records / 2
            && bytes <= max_bytes(config, owned) / 2
            && self.position - self.watermark() <= config.max_span as u64 / 2
    }

    /// Returns whether fetching must be paused.
    pub(crate) fn is_full(&self, config: &Config, owned: usize) -> bool {
        let (records, bytes) = self.buffered();
        records >= config.max_buffered_records || bytes >= max_bytes(config, owned)
    }

    pub(crate) fn buffered(&self) -> (usize, usize) {
        let batches: BTreeSet<Batch> = self.unfinished().map(|r| r.batch).collect();
        let bytes = batches.iter().map(|batch| batch.bytes).sum();
        (self.unfinished().count(), bytes)
    }
}

/// Returns the share of a partition in the total, or its own limit.
fn max_bytes(config: &Config, owned: usize) -> usize {
    let share = config.max_total_bytes / owned;
    share.clamp(1, config.max_buffered_bytes)
}

fn assert_pause(since: Instant, now: Instant, config: &Config) {
    let shortest: Duration = config.retry.backoff.mul_f32(1.0 - config.retry.jitter);
    let waited = now.saturating_since(since);
    assert!(
        waited + Duration::from_micros(1) >= shortest,
        "no pause: {waited:?}"
    );
}
