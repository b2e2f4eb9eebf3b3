//! The application: the subject, when it polls its client, and the commands that it gives.

use crate::program::{Handlers, Step};
use crate::recipes::{Payload, Polling};
use plimsoll_core::{Command, Event, Instant, Machine};
use std::collections::VecDeque;
use std::time::Duration;

/// The subject, and what its client keeps for it until it polls.
pub(super) struct Application {
    machine: Box<dyn Machine<Payload>>,
    /// Whether the subject was called since it had nothing more to say: only then is it asked again.
    was_called: bool,
    /// The subject's own deadline, as it was when it had nothing more to say.
    own_deadline: Instant,
    /// The subject's handlers, where they are its own.
    own_handlers: Option<Box<dyn Handlers>>,
    polling: Polling,
    poll_deadline: PollDeadline,
    /// Time of the last poll, while the subject does not poll; [`Instant::FAR_FUTURE`]: it polls
    /// all the time.
    polled: Instant,
    /// Whether the subject has not polled since that time.
    is_away: bool,
    /// Events that the subject learns at once.
    news: VecDeque<Event<Payload>>,
    /// Number of handlers that run.
    handlers: u32,
    /// Number of commits without an outcome.
    commits: u32,
    closed: bool,
}

/// When a client tells that the application has not polled.
#[derive(Clone, Copy, Debug)]
pub(super) struct PollDeadline {
    /// `max.poll.interval.ms`.
    pub interval: Duration,
    /// The beginning of the beat in which the client looks.
    pub began: Instant,
    /// The time between two looks; zero: it looks at the right moment.
    pub looks: Duration,
}

impl PollDeadline {
    /// Returns the first look that is late enough after a poll.
    fn after(&self, polled: Instant) -> Instant {
        let due = polled + self.interval;
        if polled == Instant::FAR_FUTURE || self.looks.is_zero() {
            return due;
        }
        let since = due.saturating_since(self.began).as_nanos();
        let looks = since.div_ceil(self.looks.as_nanos()) as u32;
        self.began + self.looks * looks
    }
}

/// The greatest number of records that a poll of Java's returns (the default of
/// `max.poll.records`).
const POLL_RECORDS: usize = 500;

impl Application {
    /// Creates the application of a new process.
    pub(super) fn new(
        machine: Box<dyn Machine<Payload>>,
        own_handlers: Option<Box<dyn Handlers>>,
        polling: Polling,
        poll_deadline: PollDeadline,
    ) -> Self {
        Self {
            own_deadline: deadline_of(&*machine),
            machine,
            was_called: true,
            own_handlers,
            polling,
            poll_deadline,
            polled: Instant::FAR_FUTURE,
            is_away: false,
            news: VecDeque::new(),
            handlers: 0,
            commits: 0,
            closed: false,
        }
    }

    /// Returns whether the subject is done.
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns whether the subject polls at this moment, as far as handlers go, and commits for
    /// which it waits. One that polls batches has given its commands before.
    #[inline]
    pub(super) fn is_free(&self) -> bool {
        match self.polling {
            Polling::Always => true,
            Polling::Inline => self.handlers == 0,
            Polling::Batches { awaits_commits } => {
                self.handlers == 0 && !(awaits_commits && self.commits > 0)
            }
        }
    }

    /// Returns whether a poll returns the records of many messages, all of which come before the
    /// next poll.
    #[inline]
    pub(super) fn polls_batches(&self) -> bool {
        matches!(self.polling, Polling::Batches { .. })
    }

    /// Returns the number of records that a poll may return; `None`: those that were fetched
    /// together.
    #[inline]
    pub(super) fn poll_size(&self) -> Option<usize> {
        self.polls_batches().then_some(POLL_RECORDS)
    }

    /// Notes that the subject polled now. `waits` says whether a rebalance waits for its answer:
    /// then, or while a handler keeps it, a poll loop does not go on polling.
    #[inline]
    pub(super) fn note_polling(&mut self, now: Instant, waits: bool) {
        let polls = self.polling == Polling::Always || (self.is_free() && !waits);
        if polls {
            self.polled = Instant::FAR_FUTURE;
        } else if !self.is_away || !self.polls_batches() {
            self.polled = now;
        }
        self.is_away = !polls;
    }

    /// Returns whether the subject should have polled by now, and did not; says so once.
    pub(super) fn take_missed_poll_deadline(&mut self, now: Instant) -> bool {
        let missed = !self.closed && self.poll_deadline.after(self.polled) <= now;
        if missed {
            self.polled = Instant::FAR_FUTURE;
        }
        missed
    }

    /// Notes that the subject gave its last command.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Notes that the subject called a handler.
    #[inline]
    pub(super) fn start_handler(&mut self, now: Instant, waits: bool) {
        self.handlers += 1;
        self.note_polling(now, waits);
    }

    /// Notes that the subject committed.
    pub(super) fn start_commit(&mut self) {
        self.commits += 1;
    }

    /// Notes that a commit has an outcome.
    pub(super) fn end_commit(&mut self) {
        self.commits = self.commits.saturating_sub(1);
    }

    /// Notes that the subject stopped a handler.
    pub(super) fn cancel_handler(&mut self) {
        self.handlers = self.handlers.saturating_sub(1);
    }

    /// Gives the result of a handler to the subject.
    pub(super) fn handle_processed(&mut self, now: Instant, waits: bool, result: Event<Payload>) {
        self.handlers = self.handlers.saturating_sub(1);
        if !self.polls_batches() {
            self.note_polling(now, waits);
        }
        if !self.closed {
            self.handle_event(now, result);
        }
    }

    /// Gives the subject an event: a handler's result, or what it polled for, records or a
    /// rebalance.
    #[inline]
    pub(super) fn handle_event(&mut self, now: Instant, event: Event<Payload>) {
        self.was_called = true;
        self.machine.handle_event(now, event);
    }

    /// Keeps an event that the subject learns at once, before records.
    pub(super) fn tell(&mut self, event: Event<Payload>) {
        self.news.push_back(event);
    }

    /// Gives the subject the next event of those that it learns at once; returns whether there was
    /// one.
    #[inline]
    pub(super) fn handle_news(&mut self, now: Instant) -> bool {
        let Some(event) = self.news.pop_front() else {
            return false;
        };
        self.handle_event(now, event);
        true
    }

    /// Lets the subject do what is due at its own deadline.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if !self.closed && deadline_of(&*self.machine) <= now {
            self.was_called = true;
            self.machine.handle_timeout(now);
        }
    }

    /// Returns whether the subject may have something to say.
    #[inline]
    pub(super) fn may_speak(&self) -> bool {
        self.was_called && !self.closed
    }

    /// Notes that the subject has nothing more to say until it is called.
    #[inline]
    pub(super) fn note_silence(&mut self) {
        self.was_called = false;
        self.own_deadline = deadline_of(&*self.machine);
    }

    /// Takes the subject's next command.
    #[inline]
    pub(super) fn poll_command(&mut self) -> Option<Command<Payload>> {
        self.machine.poll_command()
    }

    /// Takes what a handler of the subject's own did, where that comes before its next command.
    #[inline]
    pub(super) fn poll_step(&mut self) -> Option<Step> {
        self.own_handlers.as_mut()?.poll_step()
    }

    /// Returns the earliest deadline.
    #[inline]
    pub(super) fn poll_timeout(&self) -> Instant {
        if self.closed {
            return Instant::FAR_FUTURE;
        }
        debug_assert_eq!(self.own_deadline, deadline_of(&*self.machine));
        let deadline = self.poll_deadline.after(self.polled);
        self.own_deadline.min(deadline)
    }
}

/// Returns a subject's own deadline.
fn deadline_of(machine: &dyn Machine<Payload>) -> Instant {
    machine.poll_timeout().unwrap_or(Instant::FAR_FUTURE)
}
