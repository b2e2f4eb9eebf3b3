//! What a user chooses.

use std::time::Duration;

/// Which records of one partition may be handled at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// One record of a partition at a time, in offset order.
    Partition,
    /// One record of a key at a time, in offset order; keys side by side.
    Key,
    /// Any number, in any order.
    Unordered,
}

/// Where a group starts to read a partition for which it committed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialPosition {
    /// At the first record (Kafka: `auto.offset.reset=earliest`).
    Earliest,
    /// After the last record (Kafka: `auto.offset.reset=latest`); only for partitions
    /// that the topic had when the group first committed. Later ones are read from their start.
    Latest,
}

/// What to do when a position is outside of what the partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfRangePolicy {
    /// Go to the first record that the partition still holds.
    Earliest,
    /// Go to the end, skipping what lies between.
    Latest,
    /// Stop reading this partition, visibly, until somebody decides.
    Halt,
}

/// When the watermark is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitPolicy {
    /// At the latest this long after a record finished; `None`: not by time.
    pub interval: Option<Duration>,
    /// As soon as this many records finished; `None`: not by count.
    pub every: Option<u32>,
}

/// How a failed record is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How often the handler is called for a record before it is dead-lettered
    /// (or, without dead letters, tried on without end at `max_backoff`). At least 1.
    pub attempts: u32,
    /// The pause after the first failure; it doubles with each further one.
    pub backoff: Duration,
    /// The longest pause.
    pub max_backoff: Duration,
    /// The share of a pause by which it may be shortened, 0 to 1.
    pub jitter: f32,
}

/// What a consumer needs to know.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Which records may be handled at the same time.
    pub ordering: Ordering,
    /// Where a new group starts.
    pub initial: InitialPosition,
    /// What to do when records are gone.
    pub out_of_range: OutOfRangePolicy,
    /// When to commit.
    pub commit: CommitPolicy,
    /// How to try again.
    pub retry: RetryPolicy,
    /// Whether a record that cannot be handled goes to a dead-letter topic.
    pub dead_letters: bool,
    /// A handler that takes longer is cancelled, and the attempt counts as a retryable failure.
    pub handler_deadline: Option<Duration>,
    /// How many handlers may run at once, over all partitions.
    pub max_in_flight: usize,
    /// How many unfinished records a partition may hold before it is paused.
    pub max_buffered_records: usize,
    /// How many bytes of unfinished records a partition may hold before it is paused.
    pub max_buffered_bytes: usize,
    /// How far fetching may run ahead of the watermark, in offsets, before the partition is
    /// paused: it bounds the ring of bits when one record stays unfinished.
    pub max_span: usize,
    /// How long a revocation waits for handlers in flight before it cancels them;
    /// must stay below the poll deadline.
    pub revoke_deadline: Duration,
    /// How long a shutdown waits for handlers in flight before it cancels them.
    pub shutdown_deadline: Duration,
    /// From which the jitter of pauses is computed: the core has no random source.
    pub jitter_seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ordering: Ordering::Partition,
            initial: InitialPosition::Earliest,
            out_of_range: OutOfRangePolicy::Earliest,
            commit: CommitPolicy {
                interval: Some(Duration::from_secs(5)),
                every: None,
            },
            retry: RetryPolicy {
                attempts: 10,
                backoff: Duration::from_millis(100),
                max_backoff: Duration::from_secs(10),
                jitter: 0.2,
            },
            dead_letters: true,
            handler_deadline: Some(Duration::from_secs(60)),
            max_in_flight: 64,
            max_buffered_records: 1_000,
            max_buffered_bytes: 16 << 20,
            max_span: 100_000,
            revoke_deadline: Duration::from_secs(30),
            shutdown_deadline: Duration::from_secs(30),
            jitter_seed: 0,
        }
    }
}
