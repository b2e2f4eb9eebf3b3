//! A subject that notes what it learns, and says what a test lets it say.

use crate::recipes::Payload;
use plimsoll_core::{
    AssignmentEpoch, Command, Config, Event, Instant, Machine, RebalanceId, Start,
};
use std::cell::RefCell;
use std::collections::VecDeque;

thread_local! {
    static STATE: RefCell<ProbeState> = RefCell::default();
}

#[derive(Default)]
struct ProbeState {
    events: Vec<Event<Payload>>,
    commands: VecDeque<Command<Payload>>,
    /// Whether callbacks are answered by the test, not at once.
    silent: bool,
    dispatches: bool,
    epoch: u32,
}

struct Probe;

/// Forgets everything that an earlier test left on this thread.
pub(super) fn reset() {
    STATE.take();
}

/// Leaves callbacks unanswered from now on.
pub(super) fn be_silent() {
    STATE.with_borrow_mut(|state| state.silent = true);
}

/// Handles each fetched record from now on.
pub(super) fn dispatch() {
    STATE.with_borrow_mut(|state| state.dispatches = true);
}

/// Gives the client a command.
pub(super) fn say(command: Command<Payload>) {
    STATE.with_borrow_mut(|state| state.commands.push_back(command));
}

/// Takes what the subject learned since the last call.
pub(super) fn take_events() -> Vec<Event<Payload>> {
    STATE.with_borrow_mut(|state| std::mem::take(&mut state.events))
}

pub(super) fn build(_: &Config) -> Box<dyn Machine<Payload>> {
    Box::new(Probe)
}

impl ProbeState {
    fn answer(&mut self, event: &Event<Payload>) {
        match event {
            Event::Assigned {
                rebalance,
                partitions,
            } if !self.silent => {
                let starts = partitions.iter().map(|assignment| {
                    self.epoch += 1;
                    Start {
                        partition: assignment.partition,
                        epoch: AssignmentEpoch(self.epoch),
                        position: assignment.committed.unwrap_or(assignment.log_start),
                    }
                });
                let starts = starts.collect();
                self.commands.push_back(Command::CompleteAssign {
                    rebalance: *rebalance,
                    starts,
                });
            }
            Event::Revoked { rebalance, .. } | Event::Lost { rebalance, .. } if !self.silent => {
                self.commands.push_back(Command::CompleteRevoke {
                    rebalance: *rebalance,
                });
            }
            Event::Fetched {
                partition,
                epoch,
                records,
            } if self.dispatches => {
                self.commands
                    .extend(records.iter().map(|record| Command::Dispatch {
                        partition: *partition,
                        epoch: *epoch,
                        attempt: 1,
                        record: record.clone(),
                    }));
            }
            _ => {}
        }
    }
}

impl Machine<Payload> for Probe {
    fn handle_event(&mut self, _: Instant, event: Event<Payload>) {
        STATE.with_borrow_mut(|state| {
            state.answer(&event);
            state.events.push(event);
        });
    }

    fn handle_timeout(&mut self, _: Instant) {}

    fn poll_command(&mut self) -> Option<Command<Payload>> {
        STATE.with_borrow_mut(|state| state.commands.pop_front())
    }

    /// Wants to be called for what a test lets it say.
    fn poll_timeout(&self) -> Option<Instant> {
        STATE.with_borrow(|state| (!state.commands.is_empty()).then_some(Instant::ZERO))
    }
}

/// Returns the rebalance that an event is about.
pub(super) fn rebalance_of(event: &Event<Payload>) -> RebalanceId {
    match event {
        Event::Assigned { rebalance, .. }
        | Event::Revoked { rebalance, .. }
        | Event::Lost { rebalance, .. } => *rebalance,
        other => panic!("no rebalance: {other:?}"),
    }
}
