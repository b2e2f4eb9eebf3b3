//! Subject `auto-commit`: `enable.auto.commit=true`, and a poll loop that logs what failed.
//!
//! A model of librdkafka's defaults (`enable.auto.commit` and `enable.auto.offset.store`; Java's is
//! `java-auto-commit`): the offset after a message is stored when the message is handed to the
//! application, before anything was done with it. Stored offsets are committed on a timer, when
//! partitions are revoked or lost, and when the consumer closes.

use super::sarama::start_of;
use super::{Payload, commit_of};
use plimsoll_core::{
    AssignmentEpoch, Command, CommitId, CommitOutcome, Config, Event, InitialPosition, Instant,
    Machine, NextOffset, RebalanceId, Record, Start, TopicPartition,
};
use std::collections::VecDeque;
use std::time::Duration;

/// `auto.commit.interval.ms`, where the scenario gives none.
const COMMIT_INTERVAL: Duration = Duration::from_secs(5);

/// Builds a new process's consumer.
pub(super) fn build(config: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(AutoCommit {
        initial: config.initial,
        interval: config.commit.interval.unwrap_or(COMMIT_INTERVAL),
        assigned: Vec::new(),
        queue: VecDeque::new(),
        last_epoch: AssignmentEpoch(0),
        running: false,
        commit_at: None,
        committing: Vec::new(),
        last_commit: CommitId(0),
        giving_up: None,
        closing: false,
        closed: false,
        commands: VecDeque::new(),
    })
}

/// A consumer with auto-commit, and its poll loop.
#[derive(Debug)]
struct AutoCommit {
    initial: InitialPosition,
    interval: Duration,
    assigned: Vec<Assigned>,
    /// Records that the next polls will return.
    queue: VecDeque<(TopicPartition, AssignmentEpoch, Record<Payload>)>,
    last_epoch: AssignmentEpoch,
    /// Whether the loop is in its handler.
    running: bool,
    /// Time at which the timer fires, while something is stored.
    commit_at: Option<Instant>,
    /// The commits in flight, with what they carry.
    committing: Vec<(CommitId, Vec<(TopicPartition, NextOffset)>)>,
    last_commit: CommitId,
    giving_up: Option<GivingUp>,
    closing: bool,
    /// Whether it has closed its client.
    closed: bool,
    commands: VecDeque<Command<Payload>>,
}

#[derive(Debug)]
struct Assigned {
    partition: TopicPartition,
    epoch: AssignmentEpoch,
    /// The offset after the last message that a poll returned, until it is committed.
    stored: Option<NextOffset>,
}

/// A revocation or a loss that waits for the loop.
#[derive(Debug)]
struct GivingUp {
    rebalance: RebalanceId,
    partitions: Vec<TopicPartition>,
}

impl AutoCommit {
    fn stored(&self) -> bool {
        self.assigned
            .iter()
            .any(|assigned| assigned.stored.is_some())
    }

    /// Commits what is stored of these partitions, if anything is.
    fn commit(&mut self, is_meant: impl Fn(&TopicPartition) -> bool) {
        let stored = self.assigned.iter();
        let stored = stored.filter_map(|assigned| Some((assigned.partition, assigned.stored?)));
        let carried: Vec<_> = stored.filter(|(id, _)| is_meant(id)).collect();
        if carried.is_empty() {
            return;
        }
        self.commit_at = None;
        self.last_commit.0 += 1;
        let commit = commit_of(self.last_commit, carried.iter().copied());
        self.commands.push_back(commit);
        self.committing.push((self.last_commit, carried));
    }

    /// Ends a commit. What was not committed is committed with the next tick (librdkafka commits
    /// whatever differs from what it knows to be committed).
    fn committed(&mut self, now: Instant, commit: CommitId, outcome: CommitOutcome) {
        let Some(place) = self.committing.iter().position(|(id, _)| *id == commit) else {
            return;
        };
        let (_, carried) = self.committing.swap_remove(place);
        for assigned in &mut self.assigned {
            let sent = assigned.stored.map(|stored| (assigned.partition, stored));
            if outcome == CommitOutcome::Ok && sent.is_some_and(|sent| carried.contains(&sent)) {
                assigned.stored = None;
            }
        }
        self.wind_timer(now);
    }

    fn wind_timer(&mut self, now: Instant) {
        if self.stored() && self.commit_at.is_none() {
            self.commit_at = Some(now + self.interval);
        }
    }

    /// Answers a revocation or a loss, and closes, as soon as the loop is out of its handler. What
    /// is stored is committed upon that, and librdkafka goes on when the commit has an outcome,
    /// without heartbeats until then (`rd_kafka_assignment_serve_removals`,
    /// `rd_kafka_cgrp_join_state_serve`). It commits even what is lost, since the answer clears
    /// that mark first (`rd_kafka_cgrp_unassign`, `rd_kafka_cgrp_assignment_clear_lost`).
    fn advance(&mut self) {
        if self.running || self.closed {
            return;
        }
        if let Some(GivingUp {
            rebalance,
            partitions,
        }) = self.giving_up.take()
        {
            self.commit(|id| partitions.contains(id));
            self.forget(&partitions);
            self.commands
                .push_back(Command::CompleteRevoke { rebalance });
        }
        if self.closing {
            self.closed = true;
            self.commit(|_| true);
            self.commands.push_back(Command::Close);
        }
    }

    fn forget(&mut self, partitions: &[TopicPartition]) {
        self.assigned
            .retain(|assigned| !partitions.contains(&assigned.partition));
        self.queue
            .retain(|(partition, ..)| !partitions.contains(partition));
    }

    fn assign(&mut self, rebalance: RebalanceId, given: &[plimsoll_core::Assignment]) {
        let mut starts = Vec::with_capacity(given.len());
        for assignment in given {
            self.last_epoch.0 += 1;
            starts.push(Start {
                partition: assignment.partition,
                epoch: self.last_epoch,
                position: start_of(assignment, self.initial),
            });
            self.assigned.push(Assigned {
                partition: assignment.partition,
                epoch: self.last_epoch,
                stored: None,
            });
        }
        self.commands
            .push_back(Command::CompleteAssign { rebalance, starts });
    }
}

impl Machine<Payload> for AutoCommit {
    fn handle_event(&mut self, now: Instant, event: Event<Payload>) {
        match event {
            Event::Assigned {
                rebalance,
                partitions,
            } => self.assign(rebalance, &partitions),
            Event::Revoked {
                rebalance,
                partitions,
            }
            | Event::Lost {
                rebalance,
                partitions,
            } => {
                self.queue
                    .retain(|(partition, ..)| !partitions.contains(partition));
                self.giving_up = Some(GivingUp {
                    rebalance,
                    partitions,
                });
                self.advance();
            }
            Event::Fetched {
                partition,
                epoch,
                records,
            } => {
                let records = records.into_iter();
                self.queue
                    .extend(records.map(|record| (partition, epoch, record)));
            }
            Event::OutOfRange {
                partition,
                epoch,
                log_start,
                high_watermark,
                ..
            } => self.commands.push_back(Command::Seek {
                partition,
                epoch,
                position: match self.initial {
                    InitialPosition::Earliest => log_start,
                    InitialPosition::Latest => high_watermark,
                },
            }),
            Event::Processed { .. } => {
                // Whatever the outcome: a failure is logged.
                self.running = false;
                self.wind_timer(now);
                self.advance();
            }
            Event::Passed { .. } | Event::DeadLettered { .. } | Event::DeadLetterRefused { .. } => {
            }
            Event::CommitFinished { commit, outcome } => self.committed(now, commit, outcome),
            Event::Shutdown => {
                self.closing = true;
                self.advance();
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.commit_at.is_some_and(|at| at <= now) {
            self.commit_at = None;
            if self.committing.is_empty() {
                self.commit(|_| true);
            }
        }
    }

    fn poll_command(&mut self) -> Option<Command<Payload>> {
        if let Some(command) = self.commands.pop_front() {
            return Some(command);
        }
        if self.running || self.closing || self.giving_up.is_some() {
            return None;
        }
        let (partition, epoch, record) = self.queue.pop_front()?;
        let mut assigned = self.assigned.iter_mut();
        let assigned = assigned.find(|a| a.partition == partition && a.epoch == epoch)?;
        assigned.stored = Some(record.offset.next());
        self.running = true;
        Some(Command::Dispatch {
            partition,
            epoch,
            attempt: 1,
            record,
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.commit_at
    }
}
