//! The status of a consumer, for metrics and for people.

use crate::{AssignmentEpoch, NextOffset, TopicPartition};

/// The status of one owned partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionStatus {
    /// The partition.
    pub partition: TopicPartition,
    /// Its current assignment.
    pub epoch: AssignmentEpoch,
    /// The watermark: every record below it is finished.
    pub watermark: NextOffset,
    /// The next offset that the group has committed, as far as this member knows.
    pub committed: Option<NextOffset>,
    /// The offset at which the next record is expected. Its distance to the high watermark is the
    /// lag of fetching; the watermark's distance is the lag of the group.
    pub position: NextOffset,
    /// The number of records that were fetched and are not finished.
    pub buffered_records: usize,
    /// The size of what these records hold in memory, in bytes: that of the batches in which they
    /// came.
    pub buffered_bytes: usize,
    /// The number of handlers and dead-letter writes in flight.
    pub in_flight: usize,
    /// The number of records whose dead letters are refused for good. What waits for them stands
    /// still.
    pub refused_letters: usize,
    /// Whether fetching is paused because enough is buffered.
    pub paused: bool,
    /// Whether the partition stands still because its position is out of range
    /// ([`OutOfRangePolicy::Halt`](crate::OutOfRangePolicy::Halt)).
    pub halted: bool,
    /// Whether the partition is about to be given up, and starts no more handlers.
    pub draining: bool,
}

/// The number of each of these since the consumer was created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Handlers started.
    pub dispatched: u64,
    /// Records finished, by a handler or by an acknowledged dead letter.
    pub finished: u64,
    /// Failed attempts.
    pub failed_attempts: u64,
    /// Handlers cancelled because they took longer than the handler deadline.
    pub timed_out: u64,
    /// Dead letters acknowledged.
    pub dead_lettered: u64,
    /// Failed dead-letter writes, which are tried again.
    pub dead_letter_failures: u64,
    /// Dead-letter writes that were refused for good.
    pub dead_letters_refused: u64,
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
