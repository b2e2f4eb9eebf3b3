//! Subjects `java-auto-commit` and `java-commit-sync`: a loop around `consumer.poll()` that handles
//! the records one by one, and logs what failed.
//!
//! A model of Java's classic consumer (Kafka 4.3.1). A position is behind the last record that a poll
//! returned (`FetchCollector.fetchRecords`), and it is positions that are committed
//! (`SubscriptionState.allConsumed`). With `enable.auto.commit` a poll commits them when the
//! interval is over, before it returns more (`ConsumerCoordinator.poll`,
//! `maybeAutoCommitOffsetsAsync`), and so do a rebalance (`onJoinPrepare`) and `close`. As the next
//! poll comes when the loop is through with the records of the last one, nothing is committed of
//! which the handler has not returned; but its outcome is not asked for. Without it the loop calls
//! `commitSync()` when it is through with them, and waits.
//!
//! Each commit carries all positions, also those that are committed already: so auto-commit makes
//! good, in its next interval, what a late commit undid. A cooperative member's commits before it
//! joins; what is handled between that and the end of the rebalance, in which commits are refused,
//! is not committed when partitions are revoked then (`onJoinComplete`), and their next owner does
//! it again.
//!
//! Nothing here has a deadline but a poll. A handler that hangs keeps the loop for good, also from
//! its end: `close()` is for the thread that polls (`ClassicKafkaConsumer.acquire`), and
//! `max.poll.interval.ms` only takes the partitions away (`handlePollTimeoutExpiry`). So
//! `shutdown/stop-after-timeout` convicts both, as it should.

use super::sarama::start_of;
use super::{Payload, commit_of};
use plimsoll_core::{
    Assignment, AssignmentEpoch, Command, CommitId, Config, Event, InitialPosition, Instant,
    Machine, NextOffset, RebalanceId, Record, Start, TopicPartition,
};
use std::collections::VecDeque;
use std::time::Duration;

/// `auto.commit.interval.ms`, where the scenario gives none.
const COMMIT_INTERVAL: Duration = Duration::from_secs(5);

/// The longest time for which `close()` waits for its commit
/// (`ConsumerUtils.DEFAULT_CLOSE_TIMEOUT_MS`).
const CLOSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Builds a new process's consumer, auto-commit on.
pub(super) fn build_auto_commit(config: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(Java::new(config, true))
}

/// Builds a new process's consumer, which commits what each poll returned.
pub(super) fn build_commit_sync(config: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(Java::new(config, false))
}

/// A consumer, and its poll loop.
#[derive(Debug)]
struct Java {
    initial: InitialPosition,
    auto_commit: bool,
    interval: Duration,
    assigned: Vec<Assigned>,
    /// Records that the last poll returned, and with which no handler has begun.
    polled: VecDeque<(TopicPartition, AssignmentEpoch, Record<Payload>)>,
    last_epoch: AssignmentEpoch,
    /// Whether the loop is in its handler.
    running: bool,
    /// Whether the loop is to commit what the last poll returned.
    owes_commit: bool,
    /// Whether the consumer has done what comes before a join (`onJoinPrepare`; the negation of
    /// `needsJoinPrepare`): a revocation is then the end of one.
    is_prepared: bool,
    /// Time from which on a poll commits (`nextAutoCommitTimer`).
    commit_at: Instant,
    /// The commit in flight.
    committing: Option<CommitId>,
    last_commit: CommitId,
    ending: Option<Ending>,
    /// Whether the process is to stop.
    closing: bool,
    commands: VecDeque<Command<Payload>>,
}

#[derive(Debug)]
struct Assigned {
    partition: TopicPartition,
    epoch: AssignmentEpoch,
    /// The offset behind the last record that a poll returned.
    position: NextOffset,
}

/// An end that waits for a last commit.
#[derive(Debug)]
struct Ending {
    /// The revocation; `None`: the consumer is closed.
    revocation: Option<(RebalanceId, Vec<TopicPartition>)>,
    /// Whether its commit was sent, or it has none.
    is_committed: bool,
    /// Time at which it waits no longer. A revocation waits for as long as the client tries.
    until: Instant,
}

impl Java {
    fn new(config: &Config, auto_commit: bool) -> Self {
        let interval = config.commit.interval.unwrap_or(COMMIT_INTERVAL);
        Self {
            initial: config.initial,
            auto_commit,
            interval: interval.max(Duration::from_millis(1)),
            assigned: Vec::new(),
            polled: VecDeque::new(),
            last_epoch: AssignmentEpoch(0),
            running: false,
            owes_commit: false,
            is_prepared: false,
            commit_at: Instant::FAR_FUTURE,
            committing: None,
            last_commit: CommitId(0),
            ending: None,
            closing: false,
            commands: VecDeque::new(),
        }
    }

    fn assign(&mut self, now: Instant, rebalance: RebalanceId, given: &[Assignment]) {
        let mut starts = Vec::with_capacity(given.len());
        for assignment in given {
            self.last_epoch.0 += 1;
            let position = start_of(assignment, self.initial);
            starts.push(Start {
                partition: assignment.partition,
                epoch: self.last_epoch,
                position,
            });
            self.assigned.push(Assigned {
                partition: assignment.partition,
                epoch: self.last_epoch,
                position,
            });
        }
        self.is_prepared = false;
        // "Reschedule the auto commit starting from now" (`onJoinComplete`).
        self.commit_at = now + self.interval;
        self.commands
            .push_back(Command::CompleteAssign { rebalance, starts });
    }

    /// Takes what a poll returns: that moves the position.
    fn take(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        records: Vec<Record<Payload>>,
    ) {
        let Some(last) = records.last().map(|record| record.offset.next()) else {
            return;
        };
        if let Some(assigned) = self.find(partition, epoch) {
            assigned.position = last;
            self.owes_commit = !self.auto_commit;
            let records = records.into_iter();
            self.polled
                .extend(records.map(|record| (partition, epoch, record)));
        }
    }

    fn find(&mut self, partition: TopicPartition, epoch: AssignmentEpoch) -> Option<&mut Assigned> {
        let mut assigned = self.assigned.iter_mut();
        assigned.find(|a| a.partition == partition && a.epoch == epoch)
    }

    /// Returns whether the loop is in a poll: it is through with what the last one returned.
    fn is_polling(&self) -> bool {
        !self.running && self.polled.is_empty()
    }

    /// Does what follows when the loop is through with the records of a poll: the commit of the
    /// loop, or the one of the next poll, and what that poll is told besides.
    fn advance(&mut self, now: Instant) {
        let ending = self.ending.as_ref();
        if ending.is_some_and(|ending| ending.until <= now) {
            self.committing = None;
        }
        if !self.is_polling() || self.committing.is_some() {
            return;
        }
        if std::mem::take(&mut self.owes_commit) && !self.assigned.is_empty() {
            return self.commit();
        }
        if self.ending.is_none() && self.closing {
            self.ending = Some(Ending {
                revocation: None,
                is_committed: !self.auto_commit,
                until: now + CLOSE_TIMEOUT,
            });
        }
        let Some(ending) = &mut self.ending else {
            return self.commit_if_due(now);
        };
        if !std::mem::replace(&mut ending.is_committed, true) && !self.assigned.is_empty() {
            return self.commit();
        }
        match self.ending.take().and_then(|ending| ending.revocation) {
            None => self.commands.push_back(Command::Close),
            Some((rebalance, partitions)) => {
                self.forget(&partitions);
                self.commands
                    .push_back(Command::CompleteRevoke { rebalance });
                if self.closing {
                    self.advance(now);
                }
            }
        }
    }

    /// Commits when the interval is over (`ConsumerCoordinator.maybeAutoCommitOffsetsAsync`).
    fn commit_if_due(&mut self, now: Instant) {
        if self.auto_commit && self.commit_at <= now {
            self.commit_at = now + self.interval;
            if !self.assigned.is_empty() {
                self.commit();
            }
        }
    }

    /// Commits all positions (`SubscriptionState.allConsumed`).
    fn commit(&mut self) {
        let positions = self.assigned.iter();
        let positions = positions.map(|assigned| (assigned.partition, assigned.position));
        self.last_commit.0 += 1;
        self.commands
            .push_back(commit_of(self.last_commit, positions));
        self.committing = Some(self.last_commit);
    }

    /// Ends a commit. One that failed is logged: what it carried is committed with what comes next.
    fn committed(&mut self, now: Instant, commit: CommitId) {
        if self.committing.take_if(|id| *id == commit).is_some() {
            self.advance(now);
        }
    }

    fn forget(&mut self, partitions: &[TopicPartition]) {
        self.assigned
            .retain(|assigned| !partitions.contains(&assigned.partition));
        self.polled
            .retain(|(partition, ..)| !partitions.contains(partition));
    }

    /// Moves a position that is out of range to where a group begins (`auto.offset.reset`).
    fn reset(
        &mut self,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        (log_start, high_watermark): (NextOffset, NextOffset),
    ) {
        let position = match self.initial {
            InitialPosition::Earliest => log_start,
            InitialPosition::Latest => high_watermark,
        };
        if let Some(assigned) = self.find(partition, epoch) {
            assigned.position = position;
        }
        self.commands.push_back(Command::Seek {
            partition,
            epoch,
            position,
        });
    }
}

impl Machine<Payload> for Java {
    fn handle_event(&mut self, now: Instant, event: Event<Payload>) {
        match event {
            // `close` polls no more.
            Event::Assigned { rebalance, .. } if self.closing => {
                self.commands.push_back(Command::CompleteAssign {
                    rebalance,
                    starts: Vec::new(),
                });
            }
            Event::Fetched { .. } | Event::Passed { .. } if self.closing => {}
            Event::Assigned {
                rebalance,
                partitions,
            } => self.assign(now, rebalance, &partitions),
            Event::Revoked {
                rebalance,
                partitions,
            } => {
                let was_prepared = std::mem::replace(&mut self.is_prepared, true);
                self.ending = Some(Ending {
                    revocation: Some((rebalance, partitions)),
                    is_committed: was_prepared || !self.auto_commit,
                    until: Instant::FAR_FUTURE,
                });
                self.advance(now);
            }
            Event::Lost {
                rebalance,
                partitions,
            } => {
                self.ending = None;
                self.is_prepared = false;
                self.forget(&partitions);
                self.commands
                    .push_back(Command::CompleteRevoke { rebalance });
                self.advance(now);
            }
            Event::Fetched {
                partition,
                epoch,
                records,
            } => self.take(partition, epoch, records),
            Event::OutOfRange {
                partition,
                epoch,
                log_start,
                high_watermark,
                ..
            } => self.reset(partition, epoch, (log_start, high_watermark)),
            Event::Processed { .. } => {
                // Whatever the outcome: a failure is logged.
                self.running = false;
                self.advance(now);
            }
            Event::Passed {
                partition,
                epoch,
                position,
            } => {
                if let Some(assigned) = self.find(partition, epoch) {
                    assigned.position = position;
                }
            }
            Event::DeadLettered { .. } | Event::DeadLetterRefused { .. } => {}
            Event::CommitFinished { commit, .. } => self.committed(now, commit),
            Event::Shutdown => {
                self.closing = true;
                self.advance(now);
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
    }

    fn poll_command(&mut self) -> Option<Command<Payload>> {
        if let Some(command) = self.commands.pop_front() {
            return Some(command);
        }
        if self.running {
            return None;
        }
        let (partition, epoch, record) = self.polled.pop_front()?;
        self.running = true;
        Some(Command::Dispatch {
            partition,
            epoch,
            attempt: 1,
            record,
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let ends = self.ending.as_ref().map(|ending| ending.until);
        let commits = self.auto_commit && self.committing.is_none();
        let commits = commits && self.is_polling() && !self.assigned.is_empty();
        let ticks = commits.then_some(self.commit_at);
        ends.into_iter().chain(ticks).min()
    }
}
