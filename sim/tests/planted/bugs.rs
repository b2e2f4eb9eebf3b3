//! Bugs that real consumers had, by the report that names them.

use super::Bug;
use plimsoll_core::{
    Command, CommitId, CommitOffset, CommitOutcome, Config, Event, NextOffset, Ordering, Outcome,
    RebalanceId, TopicPartition,
};
use plimsoll_sim::recipes::Payload;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// No bug: the control.
#[derive(Default)]
pub(crate) struct Control;

impl Bug for Control {}

/// vector#24215: workers side by side, and the highest finished record is committed.
#[derive(Default)]
pub(crate) struct ParallelMaxCommit {
    highest: BTreeMap<TopicPartition, NextOffset>,
}

impl Bug for ParallelMaxCommit {
    fn event(
        &mut self,
        event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        if let Event::Processed {
            partition,
            offset,
            outcome: Outcome::Ok,
            ..
        } = &event
        {
            let highest = self.highest.entry(*partition).or_default();
            *highest = (*highest).max(offset.next());
        }
        Some(event)
    }

    fn command(
        &mut self,
        command: Command<Payload>,
        _: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        Some(raise_commits(command, &self.highest))
    }
}

/// parallel-consumer#826, franz-go PR320: what was polled is committed, finished or not.
#[derive(Default)]
pub(crate) struct CommitPolled {
    polled: BTreeMap<TopicPartition, NextOffset>,
}

impl Bug for CommitPolled {
    fn event(
        &mut self,
        event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        if let Event::Fetched {
            partition, records, ..
        } = &event
            && let Some(last) = records.last()
        {
            self.polled.insert(*partition, last.offset.next());
        }
        Some(event)
    }

    fn command(
        &mut self,
        command: Command<Payload>,
        _: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        Some(raise_commits(command, &self.polled))
    }
}

fn raise_commits(
    command: Command<Payload>,
    to: &BTreeMap<TopicPartition, NextOffset>,
) -> Command<Payload> {
    let Command::Commit {
        commit,
        mut offsets,
    } = command
    else {
        return command;
    };
    for offset in &mut offsets {
        if let Some(next) = to.get(&offset.partition) {
            offset.next = offset.next.max(*next);
        }
    }
    Command::Commit { commit, offsets }
}

/// confluent-kafka-go#195: one is added to what is already one past the record.
#[derive(Default)]
pub(crate) struct WrongPlusOne;

impl Bug for WrongPlusOne {
    fn command(
        &mut self,
        command: Command<Payload>,
        _: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        let Command::Commit {
            commit,
            mut offsets,
        } = command
        else {
            return Some(command);
        };
        for offset in &mut offsets {
            offset.next = NextOffset::new(offset.next.get() + 1);
        }
        Some(Command::Commit { commit, offsets })
    }
}

/// A failed handler is logged and counts as done.
#[derive(Default)]
pub(crate) struct SkipFailures;

impl Bug for SkipFailures {
    fn event(
        &mut self,
        mut event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        if let Event::Processed { outcome, .. } = &mut event {
            *outcome = Outcome::Ok;
        }
        Some(event)
    }
}

/// spring-kafka PR2088: a commit without an answer is sent again after newer ones.
#[derive(Default)]
pub(crate) struct AsyncRetryReorders {
    sent: BTreeMap<CommitId, Vec<CommitOffset>>,
    failed: Option<Vec<CommitOffset>>,
    retries: u32,
}

impl Bug for AsyncRetryReorders {
    fn event(
        &mut self,
        event: Event<Payload>,
        out: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        let Event::CommitFinished { commit, outcome } = event else {
            return Some(event);
        };
        let offsets = self.sent.remove(&commit)?;
        if outcome != CommitOutcome::Ok {
            self.failed = Some(offsets);
        } else if let Some(offsets) = self.failed.take() {
            self.retries += 1;
            out.push_back(Command::Commit {
                commit: CommitId(u32::MAX - self.retries),
                offsets,
            });
        }
        Some(event)
    }

    fn command(
        &mut self,
        command: Command<Payload>,
        _: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        if let Command::Commit { commit, offsets } = &command {
            self.sent.insert(*commit, offsets.clone());
        }
        Some(command)
    }
}

/// connect#4477, librdkafka PR5604: offsets of a revoked partition go out with a later commit.
#[derive(Default)]
pub(crate) struct CommitAfterRevoke {
    seen: BTreeMap<TopicPartition, CommitOffset>,
}

impl Bug for CommitAfterRevoke {
    fn command(
        &mut self,
        command: Command<Payload>,
        _: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        let Command::Commit { commit, offsets } = command else {
            return Some(command);
        };
        for offset in offsets {
            self.seen.insert(offset.partition, offset);
        }
        let offsets = self.seen.values().copied().collect();
        Some(Command::Commit { commit, offsets })
    }
}

/// kafka-go#1398: what was buffered is handled after the revocation.
#[derive(Default)]
pub(crate) struct RevokedBufferDelivered;

impl Bug for RevokedBufferDelivered {
    fn event(
        &mut self,
        event: Event<Payload>,
        out: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        let Event::Revoked { rebalance, .. } = event else {
            return Some(event);
        };
        out.push_back(Command::CompleteRevoke { rebalance });
        None
    }
}

/// Keys are forgotten: records of one key run side by side.
#[derive(Default)]
pub(crate) struct ForgetsKeys;

impl Bug for ForgetsKeys {
    fn config(config: &mut Config) {
        config.ordering = Ordering::Unordered;
    }
}

/// The first failure goes to the dead letters.
#[derive(Default)]
pub(crate) struct DeadLettersTooSoon;

impl Bug for DeadLettersTooSoon {
    fn config(config: &mut Config) {
        config.retry.attempts = 1;
    }
}

/// agent-kernel PR630: the dead letter counts before its topic acknowledged it.
#[derive(Default)]
pub(crate) struct DeadLetterNotAwaited;

impl Bug for DeadLetterNotAwaited {
    fn command(
        &mut self,
        command: Command<Payload>,
        answers: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        let Command::DeadLetter {
            partition,
            epoch,
            record,
            ..
        } = command
        else {
            return Some(command);
        };
        let offset = record.offset;
        answers.push(Event::DeadLettered {
            partition,
            epoch,
            offset,
            acknowledged: true,
        });
        None
    }
}

/// The budget of retries is not kept.
#[derive(Default)]
pub(crate) struct RetriesWithoutEnd;

impl Bug for RetriesWithoutEnd {
    fn config(config: &mut Config) {
        config.retry.attempts = u32::MAX;
    }
}

/// Commits ten times as rarely as agreed.
#[derive(Default)]
pub(crate) struct CommitsRarely;

impl Bug for CommitsRarely {
    fn config(config: &mut Config) {
        config.commit.interval = config.commit.interval.map(|interval| interval * 10);
    }
}

/// franz-go#507: a paused partition is never resumed.
#[derive(Default)]
pub(crate) struct NeverResumes;

impl Bug for NeverResumes {
    fn command(
        &mut self,
        command: Command<Payload>,
        _: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        Some(command).filter(|command| !matches!(command, Command::Resume { .. }))
    }
}

/// librdkafka#2933: a commit that failed leaves the consumer waiting for ever.
#[derive(Default)]
pub(crate) struct CommitFailureStops;

impl Bug for CommitFailureStops {
    fn event(
        &mut self,
        event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        match event {
            Event::CommitFinished { outcome, .. } if outcome != CommitOutcome::Ok => None,
            event => Some(event),
        }
    }
}

/// A stop that neither drains nor commits.
#[derive(Default)]
pub(crate) struct ClosesAtOnce;

impl Bug for ClosesAtOnce {
    fn event(
        &mut self,
        event: Event<Payload>,
        out: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        match event {
            Event::Shutdown => {
                out.push_back(Command::Close);
                None
            }
            event => Some(event),
        }
    }
}

/// kafka-go#904: a group that starts at the end commits nothing until a record came.
#[derive(Default)]
pub(crate) struct LatestUncommitted {
    starts: BTreeMap<TopicPartition, NextOffset>,
}

impl Bug for LatestUncommitted {
    fn event(
        &mut self,
        event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        if let Event::Assigned { partitions, .. } = &event {
            let uncommitted = partitions
                .iter()
                .filter(|assigned| assigned.committed.is_none());
            self.starts
                .extend(uncommitted.map(|assigned| (assigned.partition, assigned.high_watermark)));
        }
        Some(event)
    }

    fn command(
        &mut self,
        command: Command<Payload>,
        answers: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        let Command::Commit {
            commit,
            mut offsets,
        } = command
        else {
            return Some(command);
        };
        offsets.retain(|offset| self.starts.get(&offset.partition) != Some(&offset.next));
        if offsets.is_empty() {
            answers.push(Event::CommitFinished {
                commit,
                outcome: CommitOutcome::Ok,
            });
            return None;
        }
        Some(Command::Commit { commit, offsets })
    }
}

/// sarama#1739, KAFKA-12261: a partition added later is read from its end.
#[derive(Default)]
pub(crate) struct LatestNewPartition;

impl Bug for LatestNewPartition {
    fn event(
        &mut self,
        mut event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        if let Event::Assigned { partitions, .. } = &mut event {
            for assigned in partitions {
                assigned.founding_partitions = None;
            }
        }
        Some(event)
    }
}

/// spring-kafka#1287: a record that no handler can handle is tried without end.
#[derive(Default)]
pub(crate) struct PoisonLoop;

impl Bug for PoisonLoop {
    fn config(config: &mut Config) {
        config.dead_letters = false;
    }
}

/// A rebalance that is never answered.
#[derive(Default)]
pub(crate) struct NeverAnswersRevoke {
    ignored: Option<RebalanceId>,
}

impl Bug for NeverAnswersRevoke {
    fn command(
        &mut self,
        command: Command<Payload>,
        _: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        match command {
            Command::CompleteRevoke { rebalance } if self.ignored.is_none() => {
                self.ignored = Some(rebalance);
                None
            }
            command => Some(command),
        }
    }
}

/// franz-go#507: a pause outlives its assignment, and nothing resumes the next one.
#[derive(Default)]
pub(crate) struct PauseOutlivesAssignment {
    paused: BTreeSet<TopicPartition>,
}

impl Bug for PauseOutlivesAssignment {
    fn expand(&mut self, command: Command<Payload>) -> Vec<Command<Payload>> {
        let mut commands = Vec::new();
        match &command {
            Command::Pause { partition } => {
                self.paused.insert(*partition);
            }
            Command::Resume { partition } => {
                self.paused.remove(partition);
            }
            Command::CompleteAssign { starts, .. } => {
                let partitions = starts.iter().map(|start| start.partition);
                let paused = partitions.filter(|partition| self.paused.contains(partition));
                commands.extend(paused.map(|partition| Command::Pause { partition }));
            }
            _ => {}
        }
        commands.insert(0, command);
        commands
    }
}

/// parallel-consumer#826: what a drain cancels at its deadline counts as finished.
#[derive(Default)]
pub(crate) struct CancelledCountsAsFinished {
    draining: bool,
    cancelled: BTreeMap<TopicPartition, NextOffset>,
    commits: u32,
}

impl CancelledCountsAsFinished {
    const FIRST: u32 = u32::MAX / 2;
}

impl Bug for CancelledCountsAsFinished {
    fn event(
        &mut self,
        event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        match &event {
            Event::Revoked { .. } | Event::Shutdown => self.draining = true,
            Event::CommitFinished { commit, .. } if commit.0 >= Self::FIRST => return None,
            _ => {}
        }
        Some(event)
    }

    fn expand(&mut self, command: Command<Payload>) -> Vec<Command<Payload>> {
        match &command {
            Command::Cancel {
                partition, offset, ..
            } if self.draining => {
                self.cancelled.insert(*partition, offset.next());
            }
            Command::CompleteRevoke { .. } | Command::Close => {
                self.draining = false;
                let cancelled = std::mem::take(&mut self.cancelled);
                if !cancelled.is_empty() {
                    let offsets = cancelled.into_iter();
                    let offsets = offsets.map(|(partition, next)| CommitOffset {
                        partition,
                        next,
                        founding_partitions: 0,
                    });
                    let commit = CommitId(Self::FIRST + self.commits);
                    self.commits += 1;
                    let offsets = offsets.collect();
                    return vec![Command::Commit { commit, offsets }, command];
                }
            }
            _ => {}
        }
        vec![command]
    }
}

/// A handler that has passed its deadline counts as in flight for ever: a stop waits for it.
#[derive(Default)]
pub(crate) struct ExpiredStaysInFlight {
    draining: bool,
    expired: bool,
}

impl Bug for ExpiredStaysInFlight {
    fn event(
        &mut self,
        event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        self.draining |= matches!(event, Event::Revoked { .. } | Event::Shutdown);
        Some(event)
    }

    fn expand(&mut self, command: Command<Payload>) -> Vec<Command<Payload>> {
        match &command {
            Command::Cancel { .. } if !self.draining => self.expired = true,
            Command::CompleteRevoke { .. } => self.draining = false,
            Command::Close if self.expired => return Vec::new(),
            _ => {}
        }
        vec![command]
    }
}

/// kafkajs#1119: a position that is said to be out of range goes to the end, wherever it is.
#[derive(Default)]
pub(crate) struct OutOfRangeToTheEnd;

impl Bug for OutOfRangeToTheEnd {
    fn event(
        &mut self,
        event: Event<Payload>,
        out: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        let Event::OutOfRange {
            partition,
            epoch,
            high_watermark,
            ..
        } = event
        else {
            return Some(event);
        };
        out.push_back(Command::Seek {
            partition,
            epoch,
            position: high_watermark,
        });
        None
    }
}

/// The first commit after an assignment carries the start of the partition, as after a
/// `seekToBeginning` in the callback.
#[derive(Default)]
pub(crate) struct FirstCommitIsTheStart {
    fresh: BTreeMap<TopicPartition, NextOffset>,
}

impl Bug for FirstCommitIsTheStart {
    fn event(
        &mut self,
        event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        if let Event::Assigned { partitions, .. } = &event {
            let starts = partitions.iter();
            self.fresh
                .extend(starts.map(|assigned| (assigned.partition, assigned.log_start)));
        }
        Some(event)
    }

    fn command(
        &mut self,
        command: Command<Payload>,
        _: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        let Command::Commit {
            commit,
            mut offsets,
        } = command
        else {
            return Some(command);
        };
        for offset in &mut offsets {
            if let Some(start) = self.fresh.remove(&offset.partition) {
                offset.next = start;
            }
        }
        Some(Command::Commit { commit, offsets })
    }
}

/// A second thread commits now and then what it had read before the newest commit.
#[derive(Default)]
pub(crate) struct StaleCommitThread {
    commits: u32,
    before: BTreeMap<TopicPartition, NextOffset>,
}

impl Bug for StaleCommitThread {
    fn command(
        &mut self,
        command: Command<Payload>,
        _: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        let Command::Commit {
            commit,
            mut offsets,
        } = command
        else {
            return Some(command);
        };
        self.commits += 1;
        if !self.commits.is_multiple_of(4) {
            self.before
                .extend(offsets.iter().map(|offset| (offset.partition, offset.next)));
            return Some(Command::Commit { commit, offsets });
        }
        for offset in &mut offsets {
            let before = self.before.get(&offset.partition);
            let before = before.map_or(0, |before| before.get());
            offset.next = NextOffset::new(before.saturating_sub(1));
        }
        Some(Command::Commit { commit, offsets })
    }
}

/// confluent-kafka-go#494: a commit that is refused ends the process.
#[derive(Default)]
pub(crate) struct EndsWhenACommitFails;

impl Bug for EndsWhenACommitFails {
    fn event(
        &mut self,
        event: Event<Payload>,
        out: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        if let Event::CommitFinished { outcome, .. } = &event
            && *outcome != CommitOutcome::Ok
        {
            out.push_back(Command::Close);
        }
        Some(event)
    }
}

/// A handler that throws takes its process with it.
#[derive(Default)]
pub(crate) struct EndsWhenAHandlerFails;

impl Bug for EndsWhenAHandlerFails {
    fn event(
        &mut self,
        event: Event<Payload>,
        out: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        if let Event::Processed { outcome, .. } = &event
            && *outcome != Outcome::Ok
        {
            out.push_back(Command::Close);
        }
        Some(event)
    }
}

/// A consumer that takes the loss of its partitions for the end of its work.
#[derive(Default)]
pub(crate) struct EndsWhenRevoked;

impl Bug for EndsWhenRevoked {
    fn event(
        &mut self,
        event: Event<Payload>,
        out: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        if let Event::Revoked { .. } = &event {
            out.push_back(Command::Close);
            return None;
        }
        Some(event)
    }
}
