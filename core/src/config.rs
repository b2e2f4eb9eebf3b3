//! The settings of a consumer.

use std::fmt;
use std::time::Duration;

/// Which records of one partition may be handled at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// One record of a partition at a time, in offset order.
    Partition,
    /// One record of a key at a time, in offset order; keys side by side.
    Key,
    /// Any number of records, in any order.
    Unordered,
}

/// The position at which a group starts to read a partition for which it committed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialPosition {
    /// The first record (Kafka: `auto.offset.reset=earliest`).
    Earliest,
    /// The end of the log (Kafka: `auto.offset.reset=latest`); only for partitions
    /// that the topic had when the group first committed. Later ones are read from their start.
    Latest,
}

/// The position at which reading goes on when the old one is outside of what the partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfRangePolicy {
    /// The first record that the partition still holds.
    Earliest,
    /// The end of the log, skipping what lies between.
    Latest,
    /// None: the partition stands still, visibly, until an operator decides.
    Halt,
}

/// What becomes of a record whose dead letter is refused for good: too large, or not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusedLetterPolicy {
    /// Another attempt after the longest pause, without end: the partition goes on once the
    /// dead-letter topic, or the rights to it, were changed.
    Retry,
    /// No other attempt: what waits for it stands still, visibly, until the partition has a new
    /// owner.
    Halt,
}

/// The rules by which the watermark is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitPolicy {
    /// The longest time from a finished record to the next commit; `None`: no commit by time, until
    /// no record has finished for [`IDLE`](Self::IDLE).
    pub interval: Option<Duration>,
    /// The number of finished records that asks for a commit; `None`: no commit by count.
    pub every: Option<u32>,
}

impl CommitPolicy {
    /// The time without a finished record after which a consumer without an interval commits what
    /// is left. Where the traffic ends in the middle of a count, the lag would otherwise never
    /// become zero, and a crash much later would repeat the tail.
    pub const IDLE: Duration = Duration::from_secs(5);

    /// Returns the longest time from the last finished record to its commit, where no other record
    /// finishes after it.
    pub fn longest_tail(&self) -> Duration {
        self.interval.unwrap_or(Self::IDLE)
    }
}

impl Default for CommitPolicy {
    fn default() -> Self {
        Self {
            interval: Some(Duration::from_secs(5)),
            every: None,
        }
    }
}

/// The rules by which a failed record is tried again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The number of calls of the handler for a record before it is dead-lettered
    /// (or, without dead letters, tried on without end at `max_backoff`). At least 1.
    pub attempts: u32,
    /// The pause after the first failure; it doubles with each further one.
    pub backoff: Duration,
    /// The longest pause.
    pub max_backoff: Duration,
    /// The share of a pause by which it may be shortened, 0 to 1.
    pub jitter: f32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 10,
            backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            jitter: 0.2,
        }
    }
}

/// The settings of a consumer. More may be added: write `..Config::default()`, as is not possible
/// with `#[non_exhaustive]`. So it is for [`CommitPolicy`] and [`RetryPolicy`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// The order that is kept among the records of a partition.
    pub ordering: Ordering,
    /// The position at which a new group starts.
    pub initial: InitialPosition,
    /// The position at which reading goes on when records are gone.
    pub out_of_range: OutOfRangePolicy,
    /// The rules for commits.
    pub commit: CommitPolicy,
    /// The rules for retries.
    pub retry: RetryPolicy,
    /// Whether a record that cannot be handled goes to a dead-letter topic.
    pub dead_letters: bool,
    /// What becomes of a record whose dead letter is refused for good.
    pub refused_letters: RefusedLetterPolicy,
    /// The longest time of a handler. One that takes longer is cancelled, and the attempt counts
    /// as a retryable failure.
    pub handler_deadline: Option<Duration>,
    /// The largest number of handlers that run at once, over all partitions.
    pub max_in_flight: usize,
    /// The number of unfinished records at which a partition is paused.
    pub max_buffered_records: usize,
    /// The size of the unfinished records, in bytes, at which a partition is paused. Records that
    /// were fetched together share a buffer, and count until the last of them is finished.
    pub max_buffered_bytes: usize,
    /// The size of the unfinished records of all partitions, in bytes. Each partition has an equal
    /// share, and is paused when it has used it up; a record that is larger is read all the same.
    pub max_total_bytes: usize,
    /// The distance from the watermark to the position, in offsets, at which a partition is
    /// paused: it bounds the ring of bits when one record stays unfinished.
    pub max_span: usize,
    /// The time that a revocation gives the handlers in flight before it cancels them.
    ///
    /// The last commit comes after it: see [`longest_revocation`](Self::longest_revocation).
    pub revoke_deadline: Duration,
    /// The time that a shutdown gives the handlers in flight before it cancels them.
    ///
    /// The last commit comes after it: see [`longest_shutdown`](Self::longest_shutdown).
    pub shutdown_deadline: Duration,
    /// The seed of the jitter of pauses: the core has no random source.
    pub jitter_seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ordering: Ordering::Partition,
            initial: InitialPosition::Earliest,
            out_of_range: OutOfRangePolicy::Earliest,
            commit: CommitPolicy::default(),
            retry: RetryPolicy::default(),
            dead_letters: true,
            refused_letters: RefusedLetterPolicy::Retry,
            handler_deadline: Some(Duration::from_secs(60)),
            max_in_flight: 64,
            max_buffered_records: 1_000,
            max_buffered_bytes: 16 << 20,
            max_total_bytes: 256 << 20,
            max_span: 100_000,
            revoke_deadline: Duration::from_secs(30),
            shutdown_deadline: Duration::from_secs(30),
            jitter_seed: 0,
        }
    }
}

/// The shortest pause after a failure: without one, a failure that repeats at once would leave
/// no time for anything else.
const MIN_BACKOFF: Duration = Duration::from_millis(1);

/// The share of a drain's deadline that its last commit may take in addition.
const LAST_COMMIT_SHARE: u32 = 4;

/// The shortest time that the last commit of a drain gets.
const MIN_LAST_COMMIT: Duration = Duration::from_secs(1);

impl Config {
    /// Returns the longest time from a revocation to its answer.
    ///
    /// The handlers in flight have `revoke_deadline` to end. The last commit then has a quarter
    /// of that, and at least a second: what the handlers finished at the very end is to be
    /// committed too, or the next owner would do it again. All of it must be less than the poll
    /// deadline (`max.poll.interval.ms`), which is the group's rebalance timeout too: when that is
    /// over, the group removes the member and refuses its commit.
    pub fn longest_revocation(&self) -> Duration {
        longest_drain(self.revoke_deadline)
    }

    /// Returns the longest time from a shutdown to [`Close`](crate::Command::Close): the
    /// handlers in flight have `shutdown_deadline`, and the last commit has its time as in a
    /// [revocation](Self::longest_revocation).
    pub fn longest_shutdown(&self) -> Duration {
        longest_drain(self.shutdown_deadline)
    }

    /// Checks that a consumer can keep to these settings as they stand.
    ///
    /// # Errors
    /// Names the first field whose value a consumer cannot keep to.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let jitter = self.retry.jitter;
        let rules = [
            (self.retry.attempts >= 1, "retry.attempts", "at least 1"),
            (
                self.retry.backoff >= MIN_BACKOFF,
                "retry.backoff",
                "at least 1 ms",
            ),
            (
                self.retry.max_backoff >= self.retry.backoff,
                "retry.max_backoff",
                "at least retry.backoff",
            ),
            ((0.0..=1.0).contains(&jitter), "retry.jitter", "from 0 to 1"),
            (self.commit.every != Some(0), "commit.every", "at least 1"),
            (
                self.handler_deadline != Some(Duration::ZERO),
                "handler_deadline",
                "more than 0",
            ),
            (self.max_in_flight >= 1, "max_in_flight", "at least 1"),
            (
                self.max_buffered_records >= 1,
                "max_buffered_records",
                "at least 1",
            ),
            (
                self.max_buffered_bytes >= 1,
                "max_buffered_bytes",
                "at least 1",
            ),
            (self.max_total_bytes >= 1, "max_total_bytes", "at least 1"),
            (self.max_span >= 1, "max_span", "at least 1"),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            None => Ok(()),
            Some((_, field, expected)) => Err(ConfigError { field, expected }),
        }
    }

    /// Returns the nearest settings that pass [`validate`](Self::validate).
    #[must_use]
    pub fn clamped(mut self) -> Self {
        self.retry.attempts = self.retry.attempts.max(1);
        self.retry.backoff = self.retry.backoff.max(MIN_BACKOFF);
        self.retry.max_backoff = self.retry.max_backoff.max(self.retry.backoff);
        if !(0.0..=1.0).contains(&self.retry.jitter) {
            // Written so that a NaN becomes 0.
            self.retry.jitter = if self.retry.jitter > 1.0 { 1.0 } else { 0.0 };
        }
        self.commit.every = self.commit.every.map(|every| every.max(1));
        self.handler_deadline = self.handler_deadline.map(|d| d.max(MIN_BACKOFF));
        self.max_in_flight = self.max_in_flight.max(1);
        self.max_buffered_records = self.max_buffered_records.max(1);
        self.max_buffered_bytes = self.max_buffered_bytes.max(1);
        self.max_total_bytes = self.max_total_bytes.max(1);
        self.max_span = self.max_span.max(1);
        self
    }
}

fn longest_drain(deadline: Duration) -> Duration {
    deadline.saturating_add((deadline / LAST_COMMIT_SHARE).max(MIN_LAST_COMMIT))
}

/// A setting that a consumer cannot keep to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The name of the field, as it is written after `config.`.
    pub field: &'static str,
    /// What the value must be.
    pub expected: &'static str,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` must be {}", self.field, self.expected)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        assert_eq!(Config::default().validate(), Ok(()));
        assert_eq!(Config::default().clamped(), Config::default());
    }

    #[test]
    fn the_last_commit_of_a_drain_has_a_quarter_of_the_deadline_and_at_least_a_second() {
        let config = |revoke_deadline, shutdown_deadline| Config {
            revoke_deadline,
            shutdown_deadline,
            ..Config::default()
        };
        let seconds = Duration::from_secs;
        let chosen = config(seconds(20), seconds(2));
        assert_eq!(chosen.longest_revocation(), seconds(25));
        assert_eq!(chosen.longest_shutdown(), seconds(3));
        let endless = config(Duration::MAX, Duration::ZERO);
        assert_eq!(endless.longest_revocation(), Duration::MAX);
        assert_eq!(endless.longest_shutdown(), seconds(1));
    }

    #[test]
    fn nonsense_is_named_and_clamped() {
        type Break = fn(&mut Config);
        let break_one: [(&str, Break); 12] = [
            ("retry.attempts", |c| c.retry.attempts = 0),
            ("retry.backoff", |c| c.retry.backoff = Duration::ZERO),
            ("retry.max_backoff", |c| {
                c.retry.max_backoff = Duration::ZERO
            }),
            ("retry.jitter", |c| c.retry.jitter = f32::NAN),
            ("retry.jitter", |c| c.retry.jitter = 1.5),
            ("commit.every", |c| c.commit.every = Some(0)),
            ("handler_deadline", |c| {
                c.handler_deadline = Some(Duration::ZERO)
            }),
            ("max_in_flight", |c| c.max_in_flight = 0),
            ("max_buffered_records", |c| c.max_buffered_records = 0),
            ("max_buffered_bytes", |c| c.max_buffered_bytes = 0),
            ("max_total_bytes", |c| c.max_total_bytes = 0),
            ("max_span", |c| c.max_span = 0),
        ];
        for (field, break_it) in break_one {
            let mut config = Config::default();
            break_it(&mut config);
            assert_eq!(config.validate().unwrap_err().field, field);
            assert_eq!(config.clamped().validate(), Ok(()));
        }
        let config = Config {
            max_span: 0,
            ..Config::default()
        };
        let error = config.validate().unwrap_err();
        assert_eq!(error.to_string(), "`max_span` must be at least 1");
    }
}
