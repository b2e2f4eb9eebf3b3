//! `commit` and `retry` of `[consumers]`: policies of the core as tables in braces.

use super::form::{Maybe, Number};
use super::measures::OrNever;
use super::table::{Rules, table};
use super::units::{Share, Span};
use plimsoll_core::{CommitPolicy, Config, RetryPolicy};
use std::time::Duration;

table! {
    /// The occasions of commits, besides revocations and shutdowns.
    pub(super) struct Commit {
        /// The longest time from the end of a record to its commit. The default is "never" where
        /// `every` is given: then what a count leaves is committed when no record has ended for 5s.
        interval: Option<Duration> as OrNever = Config::default().commit.interval;
        /// The number of finished records that are committed at once, before the interval is over;
        /// without it, only the interval counts.
        every: Option<u32> as Maybe<Number<1>> = Config::default().commit.every;
    }
}

table! {
    /// The attempts at a record that fails, and the pauses between them.
    pub(super) struct Retry {
        /// The number of times that the handler is called for a record, before it is dead-lettered.
        attempts: u32 as Number<1> = Config::default().retry.attempts;
        /// The first pause, which doubles with each further one, and the longest.
        backoff: (Duration, Duration) as Span<Duration> = {
            let retry = Config::default().retry;
            (retry.backoff, retry.max_backoff)
        };
        /// The share of a pause by which it may be shortened.
        jitter: f32 as Share = Config::default().retry.jitter;
    }
}

impl Rules for Commit {
    fn implied(&self) -> Self {
        match self.every {
            Some(_) => Self {
                interval: None,
                every: None,
            },
            None => Self::default(),
        }
    }
}

impl Rules for Retry {}

impl From<CommitPolicy> for Commit {
    fn from(policy: CommitPolicy) -> Self {
        let CommitPolicy { interval, every } = policy;
        Self { interval, every }
    }
}

impl From<Commit> for CommitPolicy {
    fn from(table: Commit) -> Self {
        let Commit { interval, every } = table;
        Self { interval, every }
    }
}

impl From<RetryPolicy> for Retry {
    fn from(policy: RetryPolicy) -> Self {
        Self {
            attempts: policy.attempts,
            backoff: (policy.backoff, policy.max_backoff),
            jitter: policy.jitter,
        }
    }
}

impl From<Retry> for RetryPolicy {
    fn from(table: Retry) -> Self {
        let (backoff, max_backoff) = table.backoff;
        Self {
            attempts: table.attempts,
            backoff,
            max_backoff,
            jitter: table.jitter,
        }
    }
}
