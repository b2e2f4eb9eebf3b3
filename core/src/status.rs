//! What a consumer shows of itself, for metrics and for people.

use crate::{AssignmentEpoch, NextOffset, TopicPartition};

/// One owned partition as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// Which partition.
    pub partition: TopicPartition,
    /// Its current assignment.
    pub epoch: AssignmentEpoch,
    /// Everything below is finished.
    pub watermark: NextOffset,
    /// What the group has committed, as far as this member knows.
    pub committed: Option<NextOffset>,
    /// Where the next record is expected. The distance to the log's end is the lag of fetching;
    /// the watermark's distance is the lag of the group.
    pub position: NextOffset,
    /// Records that were fetched and are not finished.
    pub buffered_records: usize,
    /// Their bytes.
    pub buffered_bytes: usize,
    /// Handlers and dead-letter writes in flight.
    pub in_flight: usize,
    /// Whether fetching is paused because enough is buffered.
    pub paused: bool,
    /// Whether the partition stands still because its position is out of range
    /// ([`OutOfRangePolicy::Halt`](crate::OutOfRangePolicy::Halt)).
    pub halted: bool,
    /// Whether the partition is about to be given up, and starts no more handlers.
    pub draining: bool,
}

/// How often things happened since the consumer was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Handlers started.
    pub dispatched: u64,
    /// Records finished, by a handler or by an acknowledged dead letter.
    pub finished: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
    /// Handlers cancelled because they took longer than the handler deadline.
    pub timed_out: u64,
    /// Dead letters acknowledged.
    pub dead_lettered: u64,
    /// Dead-letter writes that failed, and are tried again.
    pub dead_letter_failures: u64,
    /// Commits that the broker accepted.
    pub commits: u64,
    /// Commits that the broker refused.
    pub commits_failed: u64,
    /// Commits without an answer.
    pub commits_unknown: u64,
    /// Fetched records that had been fetched before.
    pub refetched: u64,
    /// Fetches, results and answers that came too late to mean anything.
    pub stale: u64,
}
