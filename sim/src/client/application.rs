//! The application: the subject, when it polls its client, and the commands that it gives.

use super::action::DeadLetterCopy;
use super::process::{Process, settings};
use crate::env::Env;
use crate::recipes::{Payload, Polling, SubjectSpec};
use crate::sink::HandlerCall;
use crate::topology::PartitionIndex;
use plimsoll_core::{
    Assignment, Command, CommitId, CommitOutcome, Event, Instant, Machine, Outcome, RebalanceId,
    Record, TopicPartition,
};
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::{Purpose, Rng};
use std::collections::VecDeque;
use std::time::Duration;

/// The subject, and what its client keeps for it until it polls.
pub struct Application {
    machine: Box<dyn Machine<Payload>>,
    polling: Polling,
    poll_deadline: Duration,
    /// Time of the last poll, while the subject does not poll; [`Instant::FAR_FUTURE`]: it polls
    /// all the time.
    polled: Instant,
    /// Events that the subject learns at once.
    news: VecDeque<Event<Payload>>,
    /// A rebalance of which the subject will learn when it polls.
    pending: Option<Callback>,
    /// A rebalance that the subject has not answered.
    unanswered: Option<(RebalanceId, Callback)>,
    rebalances: u32,
    /// Records that the subject will get when it polls.
    records: VecDeque<Batch>,
    /// Number of handlers that run.
    handlers: u32,
    closed: bool,
}

/// What the application learns of a rebalance.
#[derive(Debug)]
pub enum Callback {
    /// Partitions that it gets.
    Assigned(Vec<Assignment>),
    /// Partitions that it is to give up.
    Revoked(Vec<PartitionIndex>),
    /// Partitions that are gone.
    Lost(Vec<PartitionIndex>),
}

impl Callback {
    /// Returns the partitions that the application has no more afterwards.
    pub fn partitions(&self) -> &[PartitionIndex] {
        match self {
            Self::Assigned(_) => &[],
            Self::Revoked(partitions) | Self::Lost(partitions) => partitions,
        }
    }
}

/// Fetched records of one partition, with the fetcher's version of that moment.
#[derive(Debug)]
pub struct Batch {
    pub partition: PartitionIndex,
    pub version: u32,
    pub records: Vec<Record<Payload>>,
}

impl Application {
    /// Creates the application of a new process.
    pub fn new(env: &Env<'_>, member: MemberId, spec: SubjectSpec, starts: u32) -> Self {
        let settings = settings(env);
        let mut config = settings.config;
        let process = u64::from(member.0) << 32 | u64::from(starts);
        config.jitter_seed = Rng::substream(env.plan.seed, Purpose::Jitter, process).next_u64();
        Self {
            machine: (spec.build)(&config),
            polling: spec.polling,
            poll_deadline: settings.poll_deadline,
            polled: Instant::FAR_FUTURE,
            news: VecDeque::new(),
            pending: None,
            unanswered: None,
            rebalances: 0,
            records: VecDeque::new(),
            handlers: 0,
            closed: false,
        }
    }

    /// Returns whether it is in the middle of a rebalance, or about to be.
    #[inline]
    pub fn is_rebalancing(&self) -> bool {
        self.pending.is_some() || self.unanswered.is_some()
    }

    /// Returns the earliest deadline.
    #[inline]
    pub fn next_timeout(&self) -> Instant {
        if self.closed {
            return Instant::FAR_FUTURE;
        }
        let own = self.machine.poll_timeout().unwrap_or(Instant::FAR_FUTURE);
        own.min(self.polled + self.poll_deadline)
    }

    /// Returns whether the subject should have polled by now, and did not; says so once.
    pub fn take_missed_poll_deadline(&mut self, now: Instant) -> bool {
        let missed = !self.closed && self.polled + self.poll_deadline <= now;
        if missed {
            self.polled = Instant::FAR_FUTURE;
        }
        missed
    }

    /// Asks the subject to stop.
    pub fn shut_down(&mut self) {
        self.tell(Event::Shutdown);
    }

    /// Gives the subject an event, which it learns at once.
    pub fn tell(&mut self, event: Event<Payload>) {
        self.news.push_back(event);
    }

    /// Tells the subject how a commit ended.
    pub fn commit_finished(&mut self, commit: CommitId, outcome: CommitOutcome) {
        self.tell(Event::CommitFinished { commit, outcome });
    }

    /// Tells the subject whether a dead-letter copy was acknowledged.
    pub fn dead_lettered(&mut self, copy: DeadLetterCopy, acknowledged: bool) {
        self.tell(Event::DeadLettered {
            partition: copy.partition,
            epoch: copy.epoch,
            offset: copy.offset,
            acknowledged,
        });
    }

    /// Keeps records that arrived until the subject polls.
    #[inline]
    pub fn fetched(&mut self, batch: Batch) {
        self.records.push_back(batch);
    }

    /// Gives the result of a handler to the subject.
    pub fn processed(&mut self, now: Instant, call: HandlerCall, outcome: Outcome) {
        self.handlers = self.handlers.saturating_sub(1);
        self.note_polling(now);
        if !self.closed {
            let event = Event::Processed {
                partition: call.partition,
                epoch: call.epoch,
                offset: call.offset,
                attempt: call.attempt,
                outcome,
            };
            self.machine.handle_event(now, event);
        }
    }

    /// Lets the subject do what is due at its own deadline.
    pub fn timeout(&mut self, now: Instant) {
        if !self.closed && self.machine.poll_timeout().is_some_and(|at| at <= now) {
            self.machine.handle_timeout(now);
        }
    }

    /// Keeps a rebalance of which the subject will learn when it polls.
    pub fn call(&mut self, callback: Callback) {
        debug_assert!(!self.is_rebalancing(), "one callback at a time");
        self.pending = Some(callback);
    }

    /// Keeps the loss of everything that the subject owns until it polls. The loss overtakes what
    /// the subject was not told yet, and does not wait for the answer to an earlier callback.
    pub fn lose(&mut self, owned: &[PartitionIndex]) {
        self.pending = None;
        let knows = matches!(self.unanswered, Some((_, Callback::Lost(_))));
        if !owned.is_empty() && !knows {
            self.pending = Some(Callback::Lost(owned.to_vec()));
        }
    }

    /// Takes the answer to an assignment; `false` where that is not what the subject was asked
    /// last.
    pub fn take_answered_assign(&mut self, rebalance: RebalanceId) -> bool {
        let answered = self.unanswered.take_if(|(id, callback)| {
            *id == rebalance && matches!(callback, Callback::Assigned(_))
        });
        answered.is_some()
    }

    /// Takes the answer to a revocation or a loss, and returns which one is answered.
    pub fn take_answered_revoke(&mut self, rebalance: RebalanceId) -> Option<Callback> {
        let answered = self.unanswered.take_if(|(id, callback)| {
            *id == rebalance && !matches!(callback, Callback::Assigned(_))
        });
        answered.map(|(_, callback)| callback)
    }

    /// Returns whether the subject polls at this moment, as far as handlers go.
    #[inline]
    fn is_free(&self) -> bool {
        self.polling != Polling::Inline || self.handlers == 0
    }

    /// Notes that the subject polled now, and whether it goes on polling.
    #[inline]
    fn note_polling(&mut self, now: Instant) {
        let polls = self.is_free() && self.unanswered.is_none();
        self.polled = if polls || self.polling == Polling::NoDeadline {
            Instant::FAR_FUTURE
        } else {
            now
        };
    }

    fn can_be_called(&self) -> bool {
        let answered = self.unanswered.is_none();
        match self.pending {
            Some(Callback::Lost(_)) => self.is_free(),
            Some(_) => self.is_free() && answered,
            None => false,
        }
    }

    fn can_get_records(&self) -> bool {
        self.is_free() && !self.is_rebalancing()
    }
}

/// The loop of events and commands.
impl Process {
    /// Gives the application what there is for it, and does what it says, until both are done.
    pub(super) fn run_application(&mut self, env: &mut Env<'_>) {
        loop {
            if self.has_ended() || self.application.closed {
                return;
            }
            let mut idle = !self.deliver(env);
            while let Some(command) = self.application.machine.poll_command() {
                idle = false;
                self.execute(env, command);
                if self.application.closed {
                    return;
                }
            }
            if idle {
                return;
            }
        }
    }

    /// Delivers one event, if there is one.
    fn deliver(&mut self, env: &mut Env<'_>) -> bool {
        let now = env.now();
        if self.application.can_be_called()
            && let Some(callback) = self.application.pending.take()
        {
            return self.deliver_callback(env, callback);
        }
        if let Some(event) = self.application.news.pop_front() {
            self.application.machine.handle_event(now, event);
            return true;
        }
        while self.application.can_get_records()
            && let Some(batch) = self.application.records.pop_front()
        {
            let Some(epoch) = self.fetcher.deliver(&batch) else {
                continue;
            };
            let event = Event::Fetched {
                partition: env.topology.partition(batch.partition),
                epoch,
                records: batch.records,
            };
            self.application.machine.handle_event(now, event);
            return true;
        }
        false
    }

    fn deliver_callback(&mut self, env: &mut Env<'_>, mut callback: Callback) -> bool {
        self.application.rebalances += 1;
        let rebalance = RebalanceId(self.application.rebalances);
        let event = match &mut callback {
            Callback::Assigned(assignments) => {
                let partitions = std::mem::take(assignments);
                let indices = partitions.iter();
                let indices: Vec<PartitionIndex> = indices
                    .filter_map(|assignment| env.topology.index(assignment.partition))
                    .collect();
                self.tell_assigned(&indices);
                Event::Assigned {
                    rebalance,
                    partitions,
                }
            }
            Callback::Revoked(indices) => {
                let partitions = names(env, indices);
                self.tell_revoked(env, indices);
                Event::Revoked {
                    rebalance,
                    partitions,
                }
            }
            Callback::Lost(indices) => {
                // An earlier revocation may have been answered in between.
                indices.retain(|index| self.group.owned.contains(index));
                if indices.is_empty() {
                    self.join_if_needed(env);
                    return true;
                }
                let partitions = names(env, indices);
                self.tell_lost(env, indices);
                Event::Lost {
                    rebalance,
                    partitions,
                }
            }
        };
        let now = env.now();
        self.application.unanswered = Some((rebalance, callback));
        self.application.note_polling(now);
        self.application.machine.handle_event(now, event);
        true
    }

    fn execute(&mut self, env: &mut Env<'_>, command: Command<Payload>) {
        match command {
            Command::Dispatch {
                partition,
                epoch,
                attempt,
                record,
            } => {
                self.application.handlers += 1;
                self.application.note_polling(env.now());
                env.start_handler(HandlerCall {
                    member: self.id,
                    partition,
                    epoch,
                    offset: record.offset,
                    attempt,
                    message: record.payload.message,
                    key: record.payload.key,
                });
            }
            Command::Cancel {
                partition, offset, ..
            } => {
                self.application.handlers = self.application.handlers.saturating_sub(1);
                env.cancel_handler(self.id, partition, offset);
            }
            Command::DeadLetter {
                partition,
                epoch,
                record,
                ..
            } => {
                let copy = DeadLetterCopy {
                    partition,
                    epoch,
                    offset: record.offset,
                    message: record.payload.message,
                };
                self.dead_letters.write(&self.view, copy);
                self.carry_out(env);
            }
            Command::Commit { commit, offsets } => {
                let identity = self.group.identity();
                self.commits.commit(&self.view, identity, commit, &offsets);
                self.carry_out(env);
            }
            Command::Pause { partition } => {
                if let Some(index) = env.topology.index(partition) {
                    self.fetcher.pause(index);
                }
            }
            Command::Resume { partition } => {
                if let Some(index) = env.topology.index(partition) {
                    self.fetcher.resume(index);
                    self.fetch_all(env);
                }
            }
            Command::Seek {
                partition,
                epoch,
                position,
            } => self.seek(env, partition, epoch, position),
            Command::CompleteAssign { rebalance, starts } => {
                self.complete_assign(env, rebalance, starts);
                self.application.note_polling(env.now());
            }
            Command::CompleteRevoke { rebalance } => {
                self.complete_revoke(env, rebalance);
                self.application.note_polling(env.now());
            }
            Command::Close => {
                self.application.closed = true;
                self.close(env);
            }
        }
    }
}

fn names(env: &Env<'_>, partitions: &[PartitionIndex]) -> Vec<TopicPartition> {
    let partitions = partitions.iter();
    partitions
        .map(|index| env.topology.partition(*index))
        .collect()
}
