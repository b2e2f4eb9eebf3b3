//! Subjects `sarama-manual-mark` and `sarama-auto-mark`, and the same by the name of an older
//! version: a `ConsumerGroupHandler` that ranges over `Messages()`, marks a message when it
//! succeeded and does `continue` when it failed.
//!
//! A model of Sarama 1.61 (`consumer_group.go`, `offset_manager.go`) and of what was measured with
//! it. A session runs one `ConsumeClaim` a partition, each with one message at a time. A mark is a
//! maximum (`partitionOffsetManager.MarkOffset`). With `Consumer.Offsets.AutoCommit.Enable` a
//! ticker commits the marks that changed, and the end of a session flushes them; without it the
//! ticker does not run, and closing flushes nothing. Where nothing is committed, a claim begins at
//! `Consumer.Offsets.Initial`, in every session; so it does where what is committed is out of range
//! (`newConsumerGroupClaim`, `ResetInvalidOffsets`). The end of a session waits for the claims,
//! which handle what their channels hold already; there is no poll deadline, so one that hangs
//! keeps it waiting while heartbeats go on. When a session ends besides is the client's business,
//! which differs from version to version.
//!
//! Sarama speaks the eager protocol only, where a session ends with everything that it has. Where a
//! scenario asks for the cooperative one, only the claims that are given up end.

use super::{Payload, commit_of};
use plimsoll_core::{
    Assignment, AssignmentEpoch, Command, CommitId, CommitOutcome, Config, Event, InitialPosition,
    Instant, Machine, NextOffset, Offset, Outcome, RebalanceId, Record, Start, TopicPartition,
};
use std::collections::VecDeque;
use std::time::Duration;

/// `Consumer.Offsets.AutoCommit.Interval`, where the scenario gives none.
const COMMIT_INTERVAL: Duration = Duration::from_secs(1);

/// `ChannelBufferSize`: the number of messages that a claim holds, and that its handler still gets
/// when the session ends. `partitionConsumer.responseFeeder` drops the others.
const CHANNEL: usize = 256;

/// `Consumer.Offsets.Retry.Max`: the number of further tries of the flush at a session's end.
const FLUSH_RETRIES: u32 = 3;

/// Builds a new process's consumer, auto-commit off.
pub(super) fn build_manual_mark(config: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(Sarama::new(config, false))
}

/// Builds a new process's consumer, auto-commit on.
pub(super) fn build_auto_mark(config: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(Sarama::new(config, true))
}

/// A member of a Sarama consumer group.
#[derive(Debug)]
struct Sarama {
    initial: InitialPosition,
    auto_commit: bool,
    interval: Duration,
    claims: Vec<Claim>,
    last_epoch: AssignmentEpoch,
    /// Time at which the session began: the ticker counts from there.
    session_began: Instant,
    tick_at: Option<Instant>,
    /// The commit in flight, with what it carries.
    flushing: Option<(CommitId, Vec<(TopicPartition, NextOffset)>)>,
    last_commit: CommitId,
    ending: Option<Ending>,
    /// Whether the process is to stop.
    closing: bool,
    commands: VecDeque<Command<Payload>>,
}

/// One partition in a session.
#[derive(Debug)]
struct Claim {
    partition: TopicPartition,
    epoch: AssignmentEpoch,
    messages: VecDeque<Record<Payload>>,
    running: bool,
    /// The highest mark.
    marked: NextOffset,
    /// Whether the mark is not committed yet.
    dirty: bool,
}

/// A session that ends.
#[derive(Debug, Default)]
struct Ending {
    /// Its partitions.
    partitions: Vec<TopicPartition>,
    /// The rebalance to answer then; `None`: the process itself ends.
    rebalance: Option<RebalanceId>,
    /// Number of flushes of the marks that are left to try.
    flushes: u32,
}

impl Sarama {
    fn new(config: &Config, auto_commit: bool) -> Self {
        Self {
            initial: config.initial,
            auto_commit,
            interval: config.commit.interval.unwrap_or(COMMIT_INTERVAL),
            claims: Vec::new(),
            last_epoch: AssignmentEpoch(0),
            session_began: Instant::ZERO,
            tick_at: None,
            flushing: None,
            last_commit: CommitId(0),
            ending: None,
            closing: false,
            commands: VecDeque::new(),
        }
    }

    fn begin_session(&mut self, now: Instant, rebalance: RebalanceId, given: &[Assignment]) {
        if self.claims.is_empty() {
            self.session_began = now;
        }
        let mut starts = Vec::with_capacity(given.len());
        for assignment in given {
            self.last_epoch.0 += 1;
            let start = claim_start(assignment, self.initial);
            starts.push(Start {
                partition: assignment.partition,
                epoch: self.last_epoch,
                position: start,
            });
            self.claims.push(Claim {
                partition: assignment.partition,
                epoch: self.last_epoch,
                messages: VecDeque::new(),
                running: false,
                marked: start,
                dirty: false,
            });
        }
        self.commands
            .push_back(Command::CompleteAssign { rebalance, starts });
    }

    /// Ends the session of these partitions: their claims stop after the messages that they hold.
    fn end_session(
        &mut self,
        rebalance: Option<RebalanceId>,
        partitions: Vec<TopicPartition>,
        flushes: bool,
    ) {
        for claim in &mut self.claims {
            if partitions.contains(&claim.partition) {
                claim.messages.truncate(CHANNEL);
            }
        }
        self.ending = Some(Ending {
            rebalance,
            partitions,
            flushes: if flushes && self.auto_commit {
                FLUSH_RETRIES + 1
            } else {
                0
            },
        });
        self.advance_ending();
    }

    /// Ends the whole session: the process is to stop.
    fn end_all(&mut self, rebalance: Option<RebalanceId>) {
        let all = self.claims.iter().map(|claim| claim.partition).collect();
        self.end_session(rebalance, all, true);
    }

    /// Flushes the marks and ends the session, once every `ConsumeClaim` returned.
    fn advance_ending(&mut self) {
        let Some(ending) = &mut self.ending else {
            return;
        };
        let mut claims = self.claims.iter();
        let runs = claims.any(|claim| {
            let is_done = !claim.running && claim.messages.is_empty();
            !is_done && ending.partitions.contains(&claim.partition)
        });
        if self.flushing.is_some() || runs {
            return;
        }
        if ending.flushes > 0 && self.claims.iter().any(|claim| claim.dirty) {
            ending.flushes -= 1;
            return self.flush();
        }
        let Ending {
            rebalance,
            partitions,
            ..
        } = std::mem::take(ending);
        self.ending = None;
        self.claims
            .retain(|claim| !partitions.contains(&claim.partition));
        if let Some(rebalance) = rebalance {
            self.commands
                .push_back(Command::CompleteRevoke { rebalance });
        }
        if !self.closing {
            return;
        }
        if self.claims.is_empty() {
            self.commands.push_back(Command::Close);
        } else {
            self.end_all(None);
        }
    }

    fn processed(&mut self, now: Instant, claim: usize, offset: Offset, outcome: Outcome) {
        let claim = &mut self.claims[claim];
        claim.running = false;
        // On a failure the handler says `continue`.
        if outcome == Outcome::Ok && offset.next() > claim.marked {
            claim.marked = offset.next();
            claim.dirty = true;
            self.wind_ticker(now);
        }
        self.advance_ending();
    }

    /// Sets the next tick. The ticker ticks all the time; only a tick that finds something to
    /// commit matters.
    fn wind_ticker(&mut self, now: Instant) {
        if self.auto_commit && self.tick_at.is_none() {
            let interval = self.interval.max(Duration::from_millis(1)).as_nanos() as u64;
            let began = self.session_began.as_nanos();
            let ticks = (now.as_nanos() - began) / interval + 1;
            self.tick_at = Some(Instant::from_nanos(began + ticks * interval));
        }
    }

    fn flush(&mut self) {
        let dirty = self.claims.iter().filter(|claim| claim.dirty);
        let carried: Vec<_> = dirty.map(|claim| (claim.partition, claim.marked)).collect();
        self.last_commit.0 += 1;
        let commit = commit_of(self.last_commit, carried.iter().copied());
        self.commands.push_back(commit);
        self.flushing = Some((self.last_commit, carried));
    }

    fn flushed(&mut self, now: Instant, commit: CommitId, outcome: CommitOutcome) {
        let Some((_, carried)) = self.flushing.take_if(|(id, _)| *id == commit) else {
            return;
        };
        for (partition, next) in carried {
            let mut claims = self.claims.iter_mut();
            if let Some(claim) = claims.find(|claim| claim.partition == partition)
                && outcome == CommitOutcome::Ok
                && claim.marked == next
            {
                claim.dirty = false;
            }
        }
        if self.claims.iter().any(|claim| claim.dirty) {
            self.wind_ticker(now);
        }
        self.advance_ending();
    }

    fn claim(&self, partition: TopicPartition, epoch: AssignmentEpoch) -> Option<usize> {
        let mut claims = self.claims.iter();
        claims.position(|claim| claim.partition == partition && claim.epoch == epoch)
    }
}

impl Machine<Payload> for Sarama {
    fn handle_event(&mut self, now: Instant, event: Event<Payload>) {
        match event {
            Event::Assigned {
                rebalance,
                partitions,
            } if self.closing => {
                drop(partitions);
                self.commands.push_back(Command::CompleteAssign {
                    rebalance,
                    starts: Vec::new(),
                });
            }
            Event::Assigned {
                rebalance,
                partitions,
            } => self.begin_session(now, rebalance, &partitions),
            Event::Revoked { rebalance, .. } if self.closing => self.end_all(Some(rebalance)),
            Event::Revoked {
                rebalance,
                partitions,
            } => self.end_session(Some(rebalance), partitions, true),
            Event::Lost {
                rebalance,
                partitions,
            } => self.end_session(Some(rebalance), partitions, false),
            Event::Fetched {
                partition,
                epoch,
                records,
            } => {
                let ending = self.ending.as_ref();
                if ending.is_none_or(|ending| !ending.partitions.contains(&partition))
                    && let Some(claim) = self.claim(partition, epoch)
                {
                    self.claims[claim].messages.extend(records);
                }
            }
            Event::Processed {
                partition,
                epoch,
                offset,
                outcome,
                ..
            } => {
                if let Some(claim) = self.claim(partition, epoch) {
                    self.processed(now, claim, offset, outcome);
                }
            }
            // Out of range ends the claim, and with it the session: the client sees to that.
            Event::OutOfRange { .. }
            | Event::Passed { .. }
            | Event::DeadLettered { .. }
            | Event::DeadLetterRefused { .. } => {}
            Event::CommitFinished { commit, outcome } => self.flushed(now, commit, outcome),
            Event::Shutdown => {
                self.closing = true;
                if self.ending.is_none() {
                    self.end_all(None);
                }
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.flushing.is_none() && self.tick_at.is_some_and(|at| at <= now) {
            self.tick_at = None;
            if self.ending.is_none() && self.claims.iter().any(|claim| claim.dirty) {
                self.flush();
            }
        }
    }

    fn poll_command(&mut self) -> Option<Command<Payload>> {
        if let Some(command) = self.commands.pop_front() {
            return Some(command);
        }
        let mut claims = self.claims.iter_mut();
        let claim = claims.find(|claim| !claim.running && !claim.messages.is_empty())?;
        let record = claim.messages.pop_front()?;
        claim.running = true;
        Some(Command::Dispatch {
            partition: claim.partition,
            epoch: claim.epoch,
            attempt: 1,
            record,
        })
    }

    fn poll_timeout(&self) -> Option<Instant> {
        // A commit blocks the loop of the ticker.
        self.tick_at.filter(|_| self.flushing.is_none())
    }
}

/// Returns where a claim begins: what is committed must be in range.
fn claim_start(assignment: &Assignment, initial: InitialPosition) -> NextOffset {
    let start = start_of(assignment, initial);
    if assignment.log_start <= start && start <= assignment.high_watermark {
        return start;
    }
    let uncommitted = Assignment {
        committed: None,
        ..*assignment
    };
    start_of(&uncommitted, initial)
}

/// Returns where a claim begins: at `Consumer.Offsets.Initial` where nothing is committed, for new
/// partitions too.
pub(super) fn start_of(assignment: &Assignment, initial: InitialPosition) -> NextOffset {
    assignment.committed.unwrap_or(match initial {
        InitialPosition::Earliest => assignment.log_start,
        InitialPosition::Latest => assignment.high_watermark,
    })
}
