//! Bugs by which a partition stands still, by the report that names them, and one that is none.

use super::{Bug, Command, Commands, Event, Events};
use plimsoll_core::{CommitId, CommitOutcome, Outcome, TopicPartition};
use std::collections::{BTreeMap, BTreeSet};

/// quix-streams#1124, librdkafka#843: after a commit that failed, one of its partitions is read no
/// more, until it is assigned anew.
#[derive(Default)]
pub(crate) struct ForgetsAfterFailedCommit {
    sent: BTreeMap<CommitId, TopicPartition>,
    forgotten: Option<TopicPartition>,
}

impl Bug for ForgetsAfterFailedCommit {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        match &event {
            Event::CommitFinished { commit, outcome } => {
                let first = self.sent.remove(commit);
                if *outcome != CommitOutcome::Ok {
                    self.forgotten = self.forgotten.or(first);
                }
            }
            Event::Assigned { partitions, .. } => {
                let again = |id| partitions.iter().any(|assigned| assigned.partition == id);
                self.forgotten = self.forgotten.filter(|&id| !again(id));
            }
            Event::Fetched { partition, .. } if self.forgotten == Some(*partition) => return None,
            _ => {}
        }
        Some(event)
    }

    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        if let Command::Commit { commit, offsets } = &command
            && let Some(first) = offsets.first()
        {
            self.sent.insert(*commit, first.partition);
        }
        Some(command)
    }
}

/// A wakeup is lost: after its third record, a partition is read no more until it is assigned
/// anew.
#[derive(Default)]
pub(crate) struct LosesAWakeup {
    fetched: BTreeMap<TopicPartition, usize>,
}

impl Bug for LosesAWakeup {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        match &event {
            Event::Fetched {
                partition, records, ..
            } => {
                let fetched = self.fetched.entry(*partition).or_default();
                if *fetched >= 3 {
                    return None;
                }
                *fetched += records.len();
            }
            Event::Assigned { partitions, .. } => {
                for assigned in partitions {
                    self.fetched.remove(&assigned.partition);
                }
            }
            _ => {}
        }
        Some(event)
    }
}

/// The result of a handler that fails is dropped with its task, and the record counts as being
/// handled until its deadline.
#[derive(Default)]
pub(crate) struct DropsFailures;

impl Bug for DropsFailures {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        let fails = matches!(
            event,
            Event::Processed {
                outcome: Outcome::Retryable,
                ..
            }
        );
        (!fails).then_some(event)
    }
}

/// telegraf#3553: after an answer that the position is out of range, the partition is read no more,
/// whatever the policy says.
#[derive(Default)]
pub(crate) struct NeverSeeks;

impl Bug for NeverSeeks {
    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        Some(command).filter(|command| !matches!(command, Command::Seek { .. }))
    }
}

/// No bug: takes every commit for accepted, as commits without a callback do. The next record that
/// finishes makes good what was refused.
#[derive(Default)]
pub(crate) struct ForgetsFailedCommits;

impl Bug for ForgetsFailedCommits {
    fn event(&mut self, mut event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::CommitFinished { outcome, .. } = &mut event {
            *outcome = CommitOutcome::Ok;
        }
        Some(event)
    }
}

/// franz-go#507: a paused partition is never resumed.
#[derive(Default)]
pub(crate) struct NeverResumes;

impl Bug for NeverResumes {
    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        Some(command).filter(|command| !matches!(command, Command::Resume { .. }))
    }
}

/// librdkafka#2933: a commit that failed leaves the consumer waiting for ever.
#[derive(Default)]
pub(crate) struct CommitFailureStops;

impl Bug for CommitFailureStops {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        match event {
            Event::CommitFinished { outcome, .. } if outcome != CommitOutcome::Ok => None,
            event => Some(event),
        }
    }
}

/// franz-go#507: a pause outlives its assignment, and nothing resumes the next one.
#[derive(Default)]
pub(crate) struct PauseOutlivesAssignment {
    paused: BTreeSet<TopicPartition>,
}

impl Bug for PauseOutlivesAssignment {
    fn expand(&mut self, command: Command) -> Vec<Command> {
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
