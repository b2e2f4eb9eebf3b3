//! A Kafka consumer as a state machine: no I/O, no clock, no randomness, no async.
//!
//! Events go in, commands come out. A driver does what the commands say, on a real cluster, in a
//! simulator or in a test, and reports what happened. The time is an argument, so a day takes as
//! long as its events.
//!
//! ```
//! use std::time::Duration;
//! use plimsoll_core::{
//!     Assignment, Command, CommitOutcome, Config, Consumer, Event, Instant, Machine, NextOffset,
//!     Offset, Outcome, RebalanceId, Record, TopicPartition,
//! };
//!
//! let orders = TopicPartition::new(0, 0);
//! let mut consumer: Consumer<&str> = Consumer::new(Config::default());
//! let now = Instant::ZERO;
//!
//! // The group gives us a partition for which offset 7 was committed as the next one.
//! consumer.handle_event(now, Event::Assigned {
//!     rebalance: RebalanceId(1),
//!     partitions: vec![Assignment {
//!         partition: orders,
//!         committed: Some(NextOffset::new(7)),
//!         log_start: NextOffset::ZERO,
//!         high_watermark: NextOffset::new(9),
//!         founding_partitions: Some(1),
//!         partitions: 1,
//!     }],
//! });
//! let Some(Command::CompleteAssign { starts, .. }) = consumer.poll_command() else { panic!() };
//! assert_eq!(starts[0].position, NextOffset::new(7));
//! let epoch = starts[0].epoch;
//!
//! // We fetch from there. One record of a partition is handled at a time, in order.
//! let record = |offset, payload| Record {
//!     offset: Offset::new(offset),
//!     key: None,
//!     bytes: 5,
//!     payload,
//! };
//! consumer.handle_event(now, Event::Fetched {
//!     partition: orders,
//!     epoch,
//!     records: vec![record(7, "apple"), record(8, "peach")],
//! });
//! let Some(Command::Dispatch { attempt, record, .. }) = consumer.poll_command() else { panic!() };
//! assert_eq!((attempt, record.payload), (1, "apple"));
//! assert_eq!(consumer.poll_command(), None);
//!
//! // The handler did its work. The next record is started, and a timer wants to be armed.
//! consumer.handle_event(now, Event::Processed {
//!     partition: orders,
//!     epoch,
//!     offset: Offset::new(7),
//!     attempt: 1,
//!     outcome: Outcome::Ok,
//! });
//! assert!(matches!(consumer.poll_command(), Some(Command::Dispatch { .. })));
//! let due = consumer.poll_timeout().unwrap();
//! assert_eq!(due, now + Duration::from_secs(5));
//!
//! // When the timer fires, what is finished is committed, and nothing else.
//! consumer.handle_timeout(due);
//! let Some(Command::Commit { commit, offsets }) = consumer.poll_command() else { panic!() };
//! assert_eq!(offsets[0].next, Offset::new(7).next());
//! consumer.handle_event(due, Event::CommitFinished { commit, outcome: CommitOutcome::Ok });
//! ```
//!
//! Where to look: [`Machine`] is the contract between a driver and any consumer, [`Event`] and
//! [`Command`] are its words, [`Consumer`] is Plimsoll's own consumer, [`Config`] its settings.

mod batches;
mod command;
mod commit;
mod config;
mod consumer;
mod event;
mod flights;
mod hash;
mod index;
mod lanes;
mod offset;
mod partition;
mod rebalance;
mod retry;
mod shared;
mod slab;
mod status;
mod time;
mod watermark;

pub use command::{Command, CommitOffset, DeadLetterReason, Start};
pub use config::{
    CommitPolicy, Config, ConfigError, InitialPosition, Ordering, OutOfRangePolicy,
    RefusedLetterPolicy, RetryPolicy,
};
pub use consumer::Consumer;
pub use event::{
    Assignment, AssignmentEpoch, CommitId, CommitOutcome, Event, KeyHash, Outcome, RebalanceId,
    Record,
};
pub use offset::{NextOffset, Offset, TopicPartition};
pub use status::{Counters, PartitionStatus};
pub use time::Instant;

/// A consumer under a driver, as a state machine: event in, command out.
///
/// The driver calls [`handle_event`](Self::handle_event) or
/// [`handle_timeout`](Self::handle_timeout), then [`poll_command`](Self::poll_command) until it
/// returns `None`, then arms one timer for [`poll_timeout`](Self::poll_timeout). `now` never goes
/// backwards.
pub trait Machine<P> {
    /// Takes an event, and decides what follows from it.
    fn handle_event(&mut self, now: Instant, event: Event<P>);

    /// Does what is due at `now`; harmless when called before [`poll_timeout`](Self::poll_timeout).
    fn handle_timeout(&mut self, now: Instant);

    /// Returns the next command for the driver.
    fn poll_command(&mut self) -> Option<Command<P>>;

    /// Returns when to call [`handle_timeout`](Self::handle_timeout), if no event comes before.
    fn poll_timeout(&self) -> Option<Instant>;
}
