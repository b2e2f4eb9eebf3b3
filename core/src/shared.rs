//! The state that the partitions of one consumer share.

use crate::commit::Commits;
use crate::flights::Flights;
use crate::retry::{Failure, Retries, pause};
use crate::{Command, Config, Counters, Instant, Offset, TopicPartition};
use std::collections::VecDeque;

/// The queues into which every partition puts what it needs next.
#[derive(Debug)]
pub(crate) struct Shared<P> {
    pub(crate) config: Config,
    /// The moment of the event that is being handled.
    pub(crate) now: Instant,
    /// The commands that were decided, but for dispatches: they are decided when the driver asks.
    pub(crate) commands: VecDeque<Command<P>>,
    /// The partitions that can start a handler, each once, in the order of their turns.
    pub(crate) ready: VecDeque<TopicPartition>,
    pub(crate) flights: Flights,
    pub(crate) retries: Retries,
    pub(crate) commits: Commits,
    pub(crate) counters: Counters,
    /// The number of partitions that share the total of bytes.
    pub(crate) owned: usize,
}

impl<P> Shared<P> {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            now: Instant::ZERO,
            commands: VecDeque::new(),
            ready: VecDeque::new(),
            flights: Flights::new(),
            retries: Retries::default(),
            commits: Commits::new(config.commit),
            counters: Counters::default(),
            owned: 0,
            config,
        }
    }

    /// Returns the deadline of a handler that starts now.
    #[inline]
    pub(crate) fn handler_deadline(&self) -> Instant {
        match self.config.handler_deadline {
            Some(deadline) => self.now + deadline,
            None => Instant::FAR_FUTURE,
        }
    }

    /// Returns the size of the unfinished records at which a partition is paused: each has the same
    /// share of the total, so that none waits for what others hold.
    pub(crate) fn max_partition_bytes(&self) -> usize {
        let share = self.config.max_total_bytes / self.owned.max(1);
        self.config.max_buffered_bytes.min(share).max(1)
    }

    /// Schedules the next try after the pause that `failure` calls for; returns its moment.
    pub(crate) fn retry_after(
        &mut self,
        partition: TopicPartition,
        offset: Offset,
        failure: Failure,
    ) -> Instant {
        let Config {
            retry, jitter_seed, ..
        } = &self.config;
        let due = self.now + pause(retry, *jitter_seed, partition, offset, failure);
        self.retries.insert(due, partition, offset);
        due
    }
}
