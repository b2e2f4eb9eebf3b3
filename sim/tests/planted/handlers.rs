//! Bugs in how handlers are called and how records are given up: order, limits, dead letters.

use super::{Bug, Command, Commands, Event, Events};
use plimsoll_core::{
    AssignmentEpoch, Config, DeadLetterReason, Offset, Ordering, Outcome, TopicPartition,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Order is not kept, neither by partition nor by key.
#[derive(Default)]
pub(crate) struct Unordered;

impl Bug for Unordered {
    fn config(config: &mut Config) {
        config.ordering = Ordering::Unordered;
    }
}

/// A record that is dispatched is dispatched once more before its handler has come back.
#[derive(Default)]
pub(crate) struct DispatchesTwice {
    again: Option<Command>,
}

impl Bug for DispatchesTwice {
    fn event(&mut self, event: Event, out: &mut Commands) -> Option<Event> {
        match event {
            Event::Fetched { .. } => out.extend(self.again.take()),
            _ => self.again = None,
        }
        Some(event)
    }

    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        if let Command::Dispatch { .. } = &command {
            self.again = Some(command.clone());
        }
        Some(command)
    }
}

/// A record is handled in the name of another partition, which may be another member's.
#[derive(Default)]
pub(crate) struct MixesPartitionsUp {
    done: bool,
}

impl Bug for MixesPartitionsUp {
    fn command(&mut self, mut command: Command, _: &mut Events) -> Option<Command> {
        if let Command::Dispatch { partition, .. } = &mut command
            && !std::mem::replace(&mut self.done, true)
        {
            *partition = TopicPartition::new(partition.topic, (partition.partition + 2) % 4);
        }
        Some(command)
    }
}

/// The first acknowledgement of each dead letter is overlooked, so the copy is written again.
#[derive(Default)]
pub(crate) struct WritesLettersTwice {
    written: BTreeSet<(TopicPartition, u64)>,
}

impl Bug for WritesLettersTwice {
    fn event(&mut self, mut event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::DeadLettered {
            partition,
            offset,
            acknowledged,
            ..
        } = &mut event
        {
            *acknowledged &= !self.written.insert((*partition, offset.get()));
        }
        Some(event)
    }
}

/// A record that went well after a failure is dead-lettered for that failure.
#[derive(Default)]
pub(crate) struct LettersWhatWentWell {
    failed: BTreeSet<(TopicPartition, u64)>,
    dispatched: Vec<Command>,
}

impl Bug for LettersWhatWentWell {
    fn event(&mut self, event: Event, out: &mut Commands) -> Option<Event> {
        if let Event::Processed {
            partition,
            offset,
            outcome,
            ..
        } = event
        {
            let id = (partition, offset.get());
            if outcome != Outcome::Ok {
                self.failed.insert(id);
            } else if self.failed.remove(&id) {
                out.extend(self.dispatched.iter().rev().find_map(|c| letter_of(c, id)));
            }
        }
        Some(event)
    }

    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        if let Command::Dispatch { .. } = &command {
            self.dispatched.push(command.clone());
        }
        Some(command)
    }
}

fn letter_of(dispatched: &Command, (partition, offset): (TopicPartition, u64)) -> Option<Command> {
    match dispatched {
        Command::Dispatch {
            partition: id,
            epoch,
            attempt,
            record,
        } if *id == partition && record.offset.get() == offset => Some(Command::DeadLetter {
            partition,
            epoch: *epoch,
            record: record.clone(),
            attempts: *attempt,
            reason: DeadLetterReason::AttemptsExhausted,
        }),
        _ => None,
    }
}

/// The limit of handlers at once is not kept.
#[derive(Default)]
pub(crate) struct NoLimitOfHandlers;

impl Bug for NoLimitOfHandlers {
    fn config(config: &mut Config) {
        config.max_in_flight = usize::MAX;
    }
}

/// A record that failed is tried again at once.
#[derive(Default)]
pub(crate) struct NoBackoff;

impl Bug for NoBackoff {
    fn config(config: &mut Config) {
        config.retry.backoff = Duration::ZERO;
        config.retry.max_backoff = Duration::ZERO;
    }
}

/// All pauses are as long as the first.
#[derive(Default)]
pub(crate) struct BackoffDoesNotGrow;

impl Bug for BackoffDoesNotGrow {
    fn config(config: &mut Config) {
        config.retry.max_backoff = config.retry.backoff;
    }
}

/// All members try again at the same moment.
#[derive(Default)]
pub(crate) struct NoJitter;

impl Bug for NoJitter {
    fn config(config: &mut Config) {
        config.retry.jitter = 0.0;
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

/// A result is taken for that of the newest attempt at its record, whichever it is of.
#[derive(Default)]
pub(crate) struct IgnoresAttempts {
    newest: BTreeMap<(TopicPartition, Offset), u32>,
}

impl Bug for IgnoresAttempts {
    fn event(&mut self, mut event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::Processed {
            partition,
            offset,
            attempt,
            ..
        } = &mut event
            && let Some(newest) = self.newest.get(&(*partition, *offset))
        {
            *attempt = *newest;
        }
        Some(event)
    }

    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        if let Command::Dispatch {
            partition,
            attempt,
            record,
            ..
        } = &command
        {
            self.newest.insert((*partition, record.offset), *attempt);
        }
        Some(command)
    }
}

/// A result is taken for one under the partition's newest assignment, whichever it is of.
#[derive(Default)]
pub(crate) struct IgnoresEpochs {
    newest: BTreeMap<TopicPartition, AssignmentEpoch>,
}

impl Bug for IgnoresEpochs {
    fn event(&mut self, mut event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::Processed {
            partition, epoch, ..
        } = &mut event
            && let Some(newest) = self.newest.get(partition)
        {
            *epoch = *newest;
        }
        Some(event)
    }

    fn command(&mut self, command: Command, _: &mut Events) -> Option<Command> {
        if let Command::CompleteAssign { starts, .. } = &command {
            let epochs = starts.iter();
            self.newest
                .extend(epochs.map(|start| (start.partition, start.epoch)));
        }
        Some(command)
    }
}
