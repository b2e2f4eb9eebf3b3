//! A Kafka consumer as a state machine: no I/O, no clock, no randomness, no async.

mod command;
mod config;
mod event;
mod offset;
mod time;

pub use command::{Command, CommitOffset, DeadLetterReason, Start};
pub use config::{
    CommitPolicy, Config, InitialPosition, Ordering, OutOfRangePolicy, RetryPolicy,
};
pub use event::{
    Assignment, AssignmentEpoch, CommitId, CommitOutcome, Event, KeyHash, Outcome, RebalanceId,
    Record,
};
pub use offset::{NextOffset, Offset, TopicPartition};
pub use time::Instant;

/// Event in, command out: what every consumer under a driver is.
///
/// The driver calls [`handle_event`](Self::handle_event) or
/// [`handle_timeout`](Self::handle_timeout), then [`poll_command`](Self::poll_command) until it
/// returns `None`, then arms one timer for [`poll_timeout`](Self::poll_timeout). `now` never goes
/// backwards.
pub trait Machine<P> {
    /// Something happened.
    fn handle_event(&mut self, now: Instant, event: Event<P>);

    /// The moment of [`poll_timeout`](Self::poll_timeout) has come; harmless when called early.
    fn handle_timeout(&mut self, now: Instant);

    /// The next thing that the driver must do.
    fn poll_command(&mut self) -> Option<Command<P>>;

    /// When to call [`handle_timeout`](Self::handle_timeout), if nothing else happens before.
    fn poll_timeout(&self) -> Option<Instant>;
}
