//! The plain list of records with states: slow, and obviously right.

use std::time::Duration;

use plimsoll_core::{
    AssignmentEpoch, CommitId, Config, Instant, KeyHash, NextOffset, Offset, Ordering, Outcome,
};

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Fetched, not started.
    Waiting,
    /// Its handler runs since then.
    Running { since: Instant },
    /// Its handler failed then, and it is to be tried again.
    Failed { at: Instant },
    /// It must go to the dead-letter topic.
    Condemned,
    /// Its dead letter is being written.
    Writing,
    /// The write of its dead letter failed then.
    WriteFailed { at: Instant },
    /// Its handler succeeded, or its dead letter was acknowledged.
    Finished,
    /// Given up with its partition.
    Dropped,
}

/// One record.
#[derive(Clone, Debug)]
pub struct Entry {
    pub offset: u64,
    pub key: Option<KeyHash>,
    pub bytes: u32,
    pub attempts: u32,
    /// Attempts at another record that stood at this offset.
    pub before: u32,
    pub state: State,
}

impl Entry {
    pub fn calls(&self) -> u32 {
        self.attempts - self.before
    }

    pub fn is_unfinished(&self) -> bool {
        self.state != State::Finished
    }
}

/// One assignment of a partition, as it should be.
#[derive(Debug)]
pub struct Ledger {
    /// Tells assignments apart before their epoch is known.
    pub serial: u32,
    /// Known once the assignment is completed.
    pub epoch: Option<AssignmentEpoch>,
    pub records: Vec<Entry>,
    /// Where the next record is expected.
    pub position: u64,
    pub starts_at_end: bool,
    pub founding: u32,
    /// What the group is known to have committed.
    pub committed: Option<u64>,
    /// The highest that a commit carried under this assignment, whatever became of it.
    pub floor: u64,
    /// The last commit that carried it.
    pub last_commit: Option<CommitId>,
    /// Nothing may start any more; what runs is cancelled then.
    pub draining: Option<Instant>,
    /// The driver's state of fetching.
    pub paused: bool,
    pub halted: bool,
    /// The driver was resumed by somebody else.
    pub resumed_behind: bool,
    /// The highest number of an attempt.
    pub highest_attempt: u32,
    /// Attempts count on from here.
    pub first_attempt: u32,
}

impl Ledger {
    pub fn new(serial: u32, start: u64, committed: Option<u64>, founding: u32) -> Self {
        Self {
            serial,
            epoch: None,
            records: Vec::new(),
            position: start,
            starts_at_end: false,
            founding,
            committed,
            floor: committed.unwrap_or(0),
            last_commit: None,
            draining: None,
            paused: false,
            halted: false,
            resumed_behind: false,
            highest_attempt: 0,
            first_attempt: 0,
        }
    }

    /// The first record that is not finished, or where the next one is expected.
    pub fn watermark(&self) -> u64 {
        let unfinished = self.records.iter().find(|r| r.is_unfinished());
        unfinished.map_or(self.position, |r| r.offset)
    }

    pub fn next(&self) -> NextOffset {
        NextOffset::new(self.watermark())
    }

    pub fn unfinished(&self) -> impl Iterator<Item = &Entry> {
        self.records.iter().filter(|r| r.is_unfinished())
    }

    pub fn entry(&mut self, offset: Offset) -> &mut Entry {
        let found = self.records.iter_mut().find(|r| r.offset == offset.get());
        found.unwrap_or_else(|| panic!("offset {offset} was never fetched"))
    }

    pub fn fetched(&mut self, offset: u64, key: Option<KeyHash>, bytes: u32) {
        if offset < self.position || self.draining.is_some() || self.halted {
            return;
        }
        self.position = offset + 1;
        self.records.push(Entry {
            offset,
            key,
            bytes,
            attempts: self.first_attempt,
            before: self.first_attempt,
            state: State::Waiting,
        });
    }

    /// Panics unless this record may start now.
    pub fn start(&mut self, offset: Offset, attempt: u32, config: &Config, now: Instant) {
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
        match entry.state {
            State::Waiting => {}
            State::Failed { at } => assert_pause(at, now, config),
            state => panic!("{offset} is dispatched while {state:?}"),
        }
        assert!(
            !config.dead_letters || entry.calls() < config.retry.attempts,
            "more attempts than the budget"
        );
        entry.attempts = attempt;
        entry.state = State::Running { since: now };
        self.highest_attempt = self.highest_attempt.max(attempt);
    }

    pub fn ended(&mut self, offset: Offset, outcome: Outcome, config: &Config, now: Instant) {
        let draining = self.draining.is_some();
        let entry = self.entry(offset);
        let exhausted = entry.calls() >= config.retry.attempts;
        entry.state = match outcome {
            Outcome::Ok => State::Finished,
            Outcome::Permanent if config.dead_letters => State::Condemned,
            _ if config.dead_letters && exhausted => State::Condemned,
            _ if draining => State::Dropped,
            _ => State::Failed { at: now },
        };
    }

    /// Panics unless the dead letter of this record may be written now.
    pub fn write(&mut self, offset: Offset, attempts: u32, config: &Config, now: Instant) {
        assert!(config.dead_letters);
        let entry = self.entry(offset);
        assert_eq!(attempts, entry.calls());
        match entry.state {
            State::Condemned => {}
            State::WriteFailed { at } => assert_pause(at, now, config),
            state => panic!("{offset} is dead-lettered while {state:?}"),
        }
        entry.state = State::Writing;
    }

    pub fn written(&mut self, offset: Offset, acknowledged: bool, now: Instant) {
        let draining = self.draining.is_some();
        let entry = self.entry(offset);
        assert_eq!(entry.state, State::Writing);
        entry.state = match (acknowledged, draining) {
            (true, _) => State::Finished,
            (false, true) => State::Dropped,
            (false, false) => State::WriteFailed { at: now },
        };
    }

    /// Nothing more starts; only what runs may still end.
    pub fn drain(&mut self, cancel_at: Instant) {
        let cancel_at = self.draining.map_or(cancel_at, |at| at.min(cancel_at));
        self.draining = Some(cancel_at);
        for record in &mut self.records {
            if !matches!(
                record.state,
                State::Running { .. } | State::Writing | State::Finished
            ) {
                record.state = State::Dropped;
            }
        }
    }

    /// The log was cut: nothing that was fetched counts any more. Returns what ran.
    pub fn cut(&mut self, position: u64) -> Vec<u64> {
        let mut running = Vec::new();
        for record in self.records.drain(..) {
            if let State::Running { .. } = record.state {
                running.push(record.offset);
            }
        }
        self.first_attempt = self.highest_attempt;
        self.position = position;
        self.floor = 0;
        running
    }

    /// Whether fetching must be resumed.
    pub fn has_room(&self, config: &Config) -> bool {
        let (records, bytes) = self.buffered();
        records <= config.max_buffered_records / 2
            && bytes <= config.max_buffered_bytes / 2
            && self.position - self.watermark() <= config.max_span as u64 / 2
    }

    /// Whether fetching must be paused.
    pub fn is_full(&self, config: &Config) -> bool {
        let (records, bytes) = self.buffered();
        records >= config.max_buffered_records || bytes >= config.max_buffered_bytes
    }

    pub fn buffered(&self) -> (usize, usize) {
        let bytes = self.unfinished().map(|r| r.bytes as usize).sum();
        (self.unfinished().count(), bytes)
    }
}

fn assert_pause(since: Instant, now: Instant, config: &Config) {
    let shortest: Duration = config.retry.backoff.mul_f32(1.0 - config.retry.jitter);
    let waited = now.saturating_since(since);
    assert!(
        waited + Duration::from_micros(1) >= shortest,
        "no pause: {waited:?}"
    );
}
