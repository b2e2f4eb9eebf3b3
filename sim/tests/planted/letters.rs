//! Bugs with dead letters and the budget of attempts.

use super::{Bug, Command, Commands, Event, Events};
use plimsoll_core::{Config, Outcome};
use std::time::Duration;

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
    fn command(&mut self, command: Command, answers: &mut Events) -> Option<Command> {
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

/// The answer for every eighth record gets lost on its way, and the record is tried again, without
/// end.
#[derive(Default)]
pub(crate) struct RetriesWhatWentWell;

impl Bug for RetriesWhatWentWell {
    fn config(config: &mut Config) {
        config.retry.attempts = u32::MAX;
        config.retry.backoff = Duration::from_millis(100);
        config.retry.max_backoff = Duration::from_secs(1);
    }

    fn event(&mut self, mut event: Event, _: &mut Commands) -> Option<Event> {
        if let Event::Processed {
            offset, outcome, ..
        } = &mut event
            && offset.get() % 8 == 5
        {
            *outcome = Outcome::Retryable;
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
