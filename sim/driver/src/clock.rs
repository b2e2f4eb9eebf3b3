//! When the driver's own timer is due, which tokio does not tell.

use plimsoll::{Core, Message};
use plimsoll_core::{Command, Consumer, Event, Instant, Machine};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The deadline for which the driver has armed its timer, in nanoseconds since the driver began;
/// `u64::MAX`: none.
#[derive(Clone, Debug)]
pub(crate) struct Deadline(Arc<AtomicU64>);

impl Deadline {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    /// Returns when the timer fires, in the time of the engine. `began` is when the driver did.
    ///
    /// tokio's timers fire at whole milliseconds of their runtime (`TimeSource::deadline_to_tick`),
    /// whose clock began with the engine's.
    pub(crate) fn fires_at(&self, began: Instant) -> Option<Instant> {
        let nanos = self.0.load(Ordering::Relaxed);
        let at = began
            .as_nanos()
            .checked_add(nanos)
            .filter(|at| *at < u64::MAX)?;
        Some(Instant::from_millis(at.div_ceil(1_000_000)))
    }

    fn set(&self, at: Option<Instant>) {
        let nanos = at.map_or(u64::MAX, Instant::as_nanos);
        self.0.store(nanos, Ordering::Relaxed);
    }
}

/// The core, as the driver drives it; the deadline that it tells the driver is noted.
#[derive(Debug)]
pub(crate) struct Watched {
    core: Consumer<Message>,
    deadline: Deadline,
}

impl Watched {
    pub(crate) fn new(core: Consumer<Message>, deadline: Deadline) -> Self {
        Self { core, deadline }
    }
}

impl Core for Watched {
    fn consumer(&self) -> &Consumer<Message> {
        &self.core
    }
}

impl Machine<Message> for Watched {
    fn handle_event(&mut self, now: Instant, event: Event<Message>) {
        self.core.handle_event(now, event);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.core.handle_timeout(now);
    }

    fn poll_command(&mut self) -> Option<Command<Message>> {
        self.core.poll_command()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let at = self.core.poll_timeout();
        self.deadline.set(at);
        at
    }
}
