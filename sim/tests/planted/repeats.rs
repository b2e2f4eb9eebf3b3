//! Bugs that repeat what was done: commits that are not made, and positions that are not kept.

use super::Bug;
use plimsoll_core::{
    Command, CommitOutcome, Config, Event, NextOffset, Offset, Outcome, TopicPartition,
};
use plimsoll_sim::recipes::Payload;
use std::collections::{BTreeMap, VecDeque};

/// Takes a commit for accepted without sending it; returns other commands as they are.
fn swallow_commit(
    command: Command<Payload>,
    answers: &mut Vec<Event<Payload>>,
) -> Option<Command<Payload>> {
    let Command::Commit { commit, .. } = command else {
        return Some(command);
    };
    answers.push(Event::CommitFinished {
        commit,
        outcome: CommitOutcome::Ok,
    });
    None
}

/// Sarama with auto-commit off, and an application that forgot to commit.
#[derive(Default)]
pub(crate) struct NeverCommits;

impl Bug for NeverCommits {
    fn command(
        &mut self,
        command: Command<Payload>,
        answers: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        swallow_commit(command, answers)
    }
}

/// Begins ten records before the committed offset, to be on the safe side.
#[derive(Default)]
pub(crate) struct BeginsBelowCommitted;

impl Bug for BeginsBelowCommitted {
    fn event(
        &mut self,
        mut event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        if let Event::Assigned { partitions, .. } = &mut event {
            for assigned in partitions {
                let before = |next: NextOffset| NextOffset::new(next.get().saturating_sub(10));
                let begin = assigned.committed.map(before);
                assigned.committed = begin.map(|begin| begin.max(assigned.log_start));
            }
        }
        Some(event)
    }
}

/// Drains on a stop, and leaves without its last commit.
#[derive(Default)]
pub(crate) struct ClosesUncommitted {
    closing: bool,
}

impl Bug for ClosesUncommitted {
    fn event(
        &mut self,
        event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        self.closing |= matches!(event, Event::Shutdown);
        Some(event)
    }

    fn command(
        &mut self,
        command: Command<Payload>,
        answers: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        match self.closing {
            true => swallow_commit(command, answers),
            false => Some(command),
        }
    }
}

/// Does not hear that it is asked to stop.
#[derive(Default)]
pub(crate) struct NeverStops;

impl Bug for NeverStops {
    fn event(
        &mut self,
        event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        Some(event).filter(|event| !matches!(event, Event::Shutdown))
    }
}

/// Tries a record once more for each rebalance that there has been.
#[derive(Default)]
pub(crate) struct BudgetGrows {
    rebalances: u32,
    dispatched: BTreeMap<(TopicPartition, Offset), Command<Payload>>,
    extra: BTreeMap<(TopicPartition, Offset), u32>,
}

impl Bug for BudgetGrows {
    fn event(
        &mut self,
        event: Event<Payload>,
        out: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        match &event {
            Event::Revoked { .. } => self.rebalances += 1,
            Event::Processed {
                partition,
                offset,
                outcome: Outcome::Retryable,
                ..
            } => {
                let id = (*partition, *offset);
                let extra = self.extra.entry(id).or_default();
                if *extra < self.rebalances {
                    *extra += 1;
                    out.extend(self.dispatched.get(&id).cloned());
                    return None;
                }
            }
            _ => {}
        }
        Some(event)
    }

    fn command(
        &mut self,
        command: Command<Payload>,
        _: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        if let Command::Dispatch {
            partition, record, ..
        } = &command
        {
            let id = (*partition, record.offset);
            self.dispatched.insert(id, command.clone());
        }
        Some(command)
    }
}

/// Tries each record once more than it may.
#[derive(Default)]
pub(crate) struct OneTryTooMany;

impl Bug for OneTryTooMany {
    fn config(config: &mut Config) {
        config.retry.attempts += 1;
    }
}
