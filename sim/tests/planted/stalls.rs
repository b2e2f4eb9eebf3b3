//! Bugs by which a partition stands still, by the report that names them, and one that is none.

use super::Bug;
use plimsoll_core::{Command, CommitOutcome, Event, Outcome};
use plimsoll_sim::recipes::Payload;
use std::collections::VecDeque;

/// The result of a handler that fails is dropped with its task, and the record counts as being
/// handled until its deadline.
#[derive(Default)]
pub(crate) struct DropsFailures;

impl Bug for DropsFailures {
    fn event(
        &mut self,
        event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
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
    fn command(
        &mut self,
        command: Command<Payload>,
        _: &mut Vec<Event<Payload>>,
    ) -> Option<Command<Payload>> {
        Some(command).filter(|command| !matches!(command, Command::Seek { .. }))
    }
}

/// No bug: takes every commit for accepted, as commits without a callback do. The next record that
/// finishes makes good what was refused.
#[derive(Default)]
pub(crate) struct ForgetsFailedCommits;

impl Bug for ForgetsFailedCommits {
    fn event(
        &mut self,
        mut event: Event<Payload>,
        _: &mut VecDeque<Command<Payload>>,
    ) -> Option<Event<Payload>> {
        if let Event::CommitFinished { outcome, .. } = &mut event {
            *outcome = CommitOutcome::Ok;
        }
        Some(event)
    }
}
