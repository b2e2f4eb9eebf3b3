//! Bugs by which a process ends that was not asked to.

use super::{Bug, Command, Commands, Event};
use plimsoll_core::{CommitOutcome, Outcome};

/// confluent-kafka-go#494: a commit that is refused ends the process.
#[derive(Default)]
pub(crate) struct EndsWhenACommitFails;

impl Bug for EndsWhenACommitFails {
    fn event(&mut self, event: Event, out: &mut Commands) -> Option<Event> {
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
    fn event(&mut self, event: Event, out: &mut Commands) -> Option<Event> {
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
    fn event(&mut self, event: Event, out: &mut Commands) -> Option<Event> {
        if let Event::Revoked { .. } = &event {
            out.push_back(Command::Close);
            return None;
        }
        Some(event)
    }
}

/// A worker that ends after some work, so that it leaks nothing, and leaves it to others to start
/// it again.
#[derive(Default)]
pub(crate) struct EndsAfterFiveCommits {
    accepted: u32,
}

impl Bug for EndsAfterFiveCommits {
    fn event(&mut self, event: Event, out: &mut Commands) -> Option<Event> {
        if let Event::CommitFinished { outcome, .. } = &event
            && *outcome == CommitOutcome::Ok
        {
            self.accepted += 1;
            if self.accepted == 5 {
                out.push_back(Command::Close);
            }
        }
        Some(event)
    }
}
