//! Bugs by which a commit carries what it must not, or comes when it must not.

use super::{Bug, Command, Commands, Event, Events, leave_out};
use plimsoll_core::{
    CommitId, CommitOffset, CommitOutcome, Config, NextOffset, Outcome, TopicPartition,
};
use std::collections::BTreeMap;

/// vector#24215: workers side by side, and the highest finished record is committed.
#[derive(Default)]
pub(crate) struct ParallelMaxCommit {
    highest: BTreeMap<TopicPartition, NextOffset>,
}

impl Bug for ParallelMaxCommit {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
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

    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        Some(raise_commits(command, &self.highest))
    }
}

/// parallel-consumer#826, franz-go PR320: what was polled is committed, finished or not.
#[derive(Default)]
pub(crate) struct CommitPolled {
    polled: BTreeMap<TopicPartition, NextOffset>,
}

impl Bug for CommitPolled {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::Fetched {
            partition, records, ..
        } = &event
            && let Some(last) = records.last()
        {
            self.polled.insert(*partition, last.offset.next());
        }
        Some(event)
    }

    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        Some(raise_commits(command, &self.polled))
    }
}

fn raise_commits(mut command: Command, to: &BTreeMap<TopicPartition, NextOffset>) -> Command {
    for offset in carried(&mut command) {
        if let Some(next) = to.get(&offset.partition) {
            offset.next = offset.next.max(*next);
        }
    }
    command
}

/// Returns the offsets that a commit carries; none of any other command.
fn carried(command: &mut Command) -> &mut [CommitOffset] {
    match command {
        Command::Commit { offsets, .. } => offsets,
        _ => &mut [],
    }
}

/// confluent-kafka-go#195: one is added to what is already one past the record.
#[derive(Default)]
pub(crate) struct WrongPlusOne;

impl Bug for WrongPlusOne {
    fn command(&mut self, mut command: Command, _: &mut Events) -> Option<Command> {
        for offset in carried(&mut command) {
            offset.next = NextOffset::new(offset.next.get() + 1);
        }
        Some(command)
    }
}

/// A failed handler is logged and counts as done.
#[derive(Default)]
pub(crate) struct SkipFailures;

impl Bug for SkipFailures {
    fn event(&mut self, mut event: Event, _: &mut Commands) -> Option<Event> {
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
    fn event(&mut self, event: Event, out: &mut Commands) -> Option<Event> {
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

    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        if let Command::Commit { commit, offsets } = &command {
            self.sent.insert(*commit, offsets.clone());
        }
        Some(command)
    }
}

/// Commits only what is new: a commit that arrives after a later one is not made good.
#[derive(Default)]
pub(crate) struct NeverCommitsAgain {
    sent: BTreeMap<CommitId, Vec<CommitOffset>>,
    accepted: BTreeMap<TopicPartition, NextOffset>,
}

impl Bug for NeverCommitsAgain {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        match &event {
            Event::Assigned { partitions, .. } => {
                for assigned in partitions {
                    self.accepted.remove(&assigned.partition);
                }
            }
            Event::CommitFinished { commit, outcome } => {
                let offsets = self.sent.remove(commit).unwrap_or_default();
                if *outcome == CommitOutcome::Ok {
                    let accepted = offsets.iter();
                    self.accepted
                        .extend(accepted.map(|offset| (offset.partition, offset.next)));
                }
            }
            _ => {}
        }
        Some(event)
    }

    fn command(&mut self, command: Command, answers: &mut Events) -> Option<Command> {
        let is_known =
            |offset: &CommitOffset| self.accepted.get(&offset.partition) == Some(&offset.next);
        let command = leave_out(command, answers, is_known)?;
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
    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
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

/// An outcome is taken for that of the commit in flight, whichever it is of.
#[derive(Default)]
pub(crate) struct IgnoresCommitIds {
    newest: CommitId,
}

impl Bug for IgnoresCommitIds {
    fn event(&mut self, mut event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::CommitFinished { commit, .. } = &mut event {
            *commit = self.newest;
        }
        Some(event)
    }

    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        if let Command::Commit { commit, .. } = &command {
            self.newest = *commit;
        }
        Some(command)
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

/// The first commit after an assignment carries the start of the partition, as after a
/// `seekToBeginning` in the callback.
#[derive(Default)]
pub(crate) struct FirstCommitIsTheStart {
    fresh: BTreeMap<TopicPartition, NextOffset>,
}

impl Bug for FirstCommitIsTheStart {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::Assigned { partitions, .. } = &event {
            let starts = partitions.iter();
            self.fresh
                .extend(starts.map(|assigned| (assigned.partition, assigned.log_start)));
        }
        Some(event)
    }

    fn command(&mut self, mut command: Command, _: &mut Events) -> Option<Command> {
        for offset in carried(&mut command) {
            if let Some(start) = self.fresh.remove(&offset.partition) {
                offset.next = start;
            }
        }
        Some(command)
    }
}

/// A second thread commits now and then what it had read before the newest commit.
#[derive(Default)]
pub(crate) struct StaleCommitThread {
    commits: u32,
    before: BTreeMap<TopicPartition, NextOffset>,
}

impl Bug for StaleCommitThread {
    fn command(&mut self, mut command: Command, _: &mut Events) -> Option<Command> {
        let Command::Commit { offsets, .. } = &mut command else {
            return Some(command);
        };
        self.commits += 1;
        if !self.commits.is_multiple_of(4) {
            self.before
                .extend(offsets.iter().map(|offset| (offset.partition, offset.next)));
            return Some(command);
        }
        for offset in offsets {
            let before = self.before.get(&offset.partition);
            let before = before.map_or(0, |before| before.get());
            offset.next = NextOffset::new(before.saturating_sub(1));
        }
        Some(command)
    }
}

/// A filter takes every sixteenth record for one that needs no handling.
#[derive(Default)]
pub(crate) struct FiltersTooMuch;

impl Bug for FiltersTooMuch {
    fn command(&mut self, command: Command, answers: &mut Events) -> Option<Command> {
        let Command::Dispatch {
            partition,
            epoch,
            attempt,
            record,
        } = &command
        else {
            return Some(command);
        };
        if record.offset.get() % 16 != 9 {
            return Some(command);
        }
        answers.push(Event::Processed {
            partition: *partition,
            epoch: *epoch,
            offset: record.offset,
            attempt: *attempt,
            outcome: Outcome::Ok,
        });
        None
    }
}
