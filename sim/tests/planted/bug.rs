//! What a bug around the core is, whatever payload the core carries.

use super::Payload;
use plimsoll_core::{CommitOffset, CommitOutcome, Config, Consumer, Instant, Machine};
use std::collections::VecDeque;

pub(crate) type Command = plimsoll_core::Command<Payload>;
pub(crate) type Commands = VecDeque<Command>;
pub(crate) type Event = plimsoll_core::Event<Payload>;
pub(crate) type Events = Vec<Event>;

/// What a planted bug does to the traffic between the driver and the core.
pub(crate) trait Bug: Default + Send + 'static {
    /// Changes the settings.
    fn config(_config: &mut Config) {}

    /// Changes an event on its way in; `None`: the core never learns of it.
    fn event(&mut self, event: Event, _out: &mut Commands) -> Option<Event> {
        Some(event)
    }

    /// Changes a command on its way out; the answers that the core gets at once go into `answers`.
    fn command(&mut self, command: Command, _answers: &mut Events) -> Option<Command> {
        Some(command)
    }

    /// Puts commands around one that goes out, or takes it away.
    fn expand(&mut self, command: Command) -> Vec<Command> {
        vec![command]
    }
}

/// The core with a bug.
pub(crate) struct Planted<B> {
    pub(super) core: Consumer<Payload>,
    bug: B,
    out: Commands,
    now: Instant,
}

impl<B: Bug> Planted<B> {
    /// Makes a process's consumer.
    pub(crate) fn new(mut config: Config) -> Self {
        B::config(&mut config);
        Self {
            core: Consumer::new(config),
            bug: B::default(),
            out: VecDeque::new(),
            now: Instant::ZERO,
        }
    }
}

/// Leaves the offsets out of a commit that `is_left_out` names; a commit of which nothing is left
/// is answered as accepted, and never sent.
pub(crate) fn leave_out(
    command: Command,
    answers: &mut Events,
    is_left_out: impl Fn(&CommitOffset) -> bool,
) -> Option<Command> {
    let Command::Commit {
        commit,
        mut offsets,
    } = command
    else {
        return Some(command);
    };
    offsets.retain(|offset| !is_left_out(offset));
    if offsets.is_empty() {
        answers.push(Event::CommitFinished {
            commit,
            outcome: CommitOutcome::Ok,
        });
        return None;
    }
    Some(Command::Commit { commit, offsets })
}

impl<B: Bug> Machine<Payload> for Planted<B> {
    fn handle_event(&mut self, now: Instant, event: Event) {
        self.now = now;
        if let Some(event) = self.bug.event(event, &mut self.out) {
            self.core.handle_event(now, event);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.core.handle_timeout(now);
    }

    fn poll_command(&mut self) -> Option<Command> {
        loop {
            if let Some(command) = self.out.pop_front() {
                return Some(command);
            }
            let command = self.core.poll_command()?;
            let mut answers = Vec::new();
            let command = self.bug.command(command, &mut answers);
            for answer in answers {
                self.core.handle_event(self.now, answer);
            }
            if let Some(command) = command {
                self.out.extend(self.bug.expand(command));
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.core.poll_timeout()
    }
}

/// No bug: the control.
#[derive(Default)]
pub(crate) struct Control;

impl Bug for Control {}
