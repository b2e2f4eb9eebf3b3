//! Bugs that repeat what was done: commits that are not made, and positions that are not kept.

use super::{Bug, Command, Commands, Event, Events};
use plimsoll_core::{
    CommitOutcome, Config, NextOffset, Offset, Outcome, RebalanceId, TopicPartition,
};
use std::collections::{BTreeMap, BTreeSet};

/// Takes a commit for accepted without sending it; returns other commands as they are.
fn swallow_commit(command: Command, answers: &mut Events) -> Option<Command> {
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
    fn command(&mut self, command: Command, answers: &mut Events) -> Option<Command> {
        swallow_commit(command, answers)
    }
}

/// Begins ten records before the committed offset, to be on the safe side.
#[derive(Default)]
pub(crate) struct BeginsBelowCommitted;

impl Bug for BeginsBelowCommitted {
    fn event(&mut self, mut event: Event, _: &mut Commands) -> Option<Event> {
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

/// platformatic/kafka#340, kafka-pixy#62: what was finished is not committed when partitions are
/// given up.
#[derive(Default)]
pub(crate) struct NoCommitInRevocation {
    revoking: BTreeSet<RebalanceId>,
}

impl Bug for NoCommitInRevocation {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::Revoked { rebalance, .. } = &event {
            self.revoking.insert(*rebalance);
        }
        Some(event)
    }

    fn command(&mut self, command: Command, answers: &mut Events) -> Option<Command> {
        if let Command::CompleteRevoke { rebalance } = &command {
            self.revoking.remove(rebalance);
        }
        match self.revoking.is_empty() {
            true => Some(command),
            false => swallow_commit(command, answers),
        }
    }
}

/// A revocation is handled as a loss: everything is dropped, and nothing committed.
#[derive(Default)]
pub(crate) struct RevokedTakenForLost;

impl Bug for RevokedTakenForLost {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        Some(match event {
            Event::Revoked {
                rebalance,
                partitions,
            } => Event::Lost {
                rebalance,
                partitions,
            },
            event => event,
        })
    }
}

/// Of the partitions that are given up together, only the first is committed.
#[derive(Default)]
pub(crate) struct CommitsOneOfRevoked {
    revoking: BTreeSet<RebalanceId>,
}

impl Bug for CommitsOneOfRevoked {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::Revoked { rebalance, .. } = &event {
            self.revoking.insert(*rebalance);
        }
        Some(event)
    }

    fn command(&mut self, mut command: Command, _: &mut Events) -> Option<Command> {
        match &mut command {
            Command::CompleteRevoke { rebalance } => {
                self.revoking.remove(rebalance);
            }
            Command::Commit { offsets, .. } if !self.revoking.is_empty() => offsets.truncate(1),
            _ => {}
        }
        Some(command)
    }
}

/// Drains on a stop, and leaves without its last commit.
#[derive(Default)]
pub(crate) struct ClosesUncommitted {
    closing: bool,
}

impl Bug for ClosesUncommitted {
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        self.closing |= matches!(event, Event::Shutdown);
        Some(event)
    }

    fn command(&mut self, command: Command, answers: &mut Events) -> Option<Command> {
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
    fn event(&mut self, event: Event, _: &mut Commands) -> Option<Event> {
        Some(event).filter(|event| !matches!(event, Event::Shutdown))
    }
}

/// Tries a record once more for each rebalance that there has been.
#[derive(Default)]
pub(crate) struct BudgetGrows {
    rebalances: u32,
    dispatched: BTreeMap<(TopicPartition, Offset), Command>,
    extra: BTreeMap<(TopicPartition, Offset), u32>,
}

impl Bug for BudgetGrows {
    fn event(&mut self, event: Event, out: &mut Commands) -> Option<Event> {
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

    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
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
