//! Duties that a driver leaves out, around whatever it drives or is: under simulated time here, and
//! under turmoil, too.

use plimsoll_core::{Command, Event, Instant, Machine, Outcome};
use plimsoll_oracle::Property;

/// A duty of a driver.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Takes a call of the handler for done when it ends, and not before.
    AwaitHandlers,
    /// Wakes for the core's deadlines.
    ArmTimers,
    /// Stops when it is asked to.
    Stop,
}

impl Duty {
    /// Returns the scenario, by its name in the library, in which it shows that the duty is left
    /// out, and the property that convicts it.
    pub(crate) const fn shows_in(self) -> (&'static str, Property) {
        match self {
            Self::AwaitHandlers => ("quick/member-killed", Property::CommitCoversOnlyFinished),
            Self::ArmTimers => ("quick/member-killed", Property::Liveness),
            Self::Stop => ("shutdown/graceful-stop", Property::CleanShutdown),
        }
    }
}

/// A machine whose driver seems to leave out a duty, or none.
pub(crate) struct Neglected<M> {
    pub(crate) machine: M,
    duty: Option<Duty>,
    now: Instant,
}

impl<M> Neglected<M> {
    pub(crate) const fn new(machine: M, duty: Option<Duty>) -> Self {
        Self {
            machine,
            duty,
            now: Instant::ZERO,
        }
    }

    fn neglects(&self, duty: Duty) -> bool {
        self.duty == Some(duty)
    }
}

impl<P, M: Machine<P>> Machine<P> for Neglected<M> {
    fn handle_event(&mut self, now: Instant, event: Event<P>) {
        self.now = now;
        if !(self.neglects(Duty::Stop) && matches!(event, Event::Shutdown)) {
            self.machine.handle_event(now, event);
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        self.machine.handle_timeout(now);
    }

    fn poll_command(&mut self) -> Option<Command<P>> {
        let command = self.machine.poll_command()?;
        if let Command::Dispatch {
            partition,
            epoch,
            attempt,
            record,
        } = &command
            && self.neglects(Duty::AwaitHandlers)
        {
            let done = Event::Processed {
                partition: *partition,
                epoch: *epoch,
                offset: record.offset,
                attempt: *attempt,
                outcome: Outcome::Ok,
            };
            self.machine.handle_event(self.now, done);
        }
        Some(command)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let at = self.machine.poll_timeout();
        at.filter(|_| !self.neglects(Duty::ArmTimers))
    }
}
