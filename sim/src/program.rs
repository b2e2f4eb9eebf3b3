//! Subjects whose handlers are their own: code of a user's, and not the simulator's.
//!
//! The simulator's own handlers take their time, call the sink once, and end as that answers. What
//! a [`Program`]'s handlers do, it tells as [`Step`]s: they call the sink when they come to it,
//! also more than once or never, and end as they like.

use crate::recipes::Payload;
use plimsoll_core::{AssignmentEpoch, Config, Machine, Offset, Outcome, TopicPartition};
use plimsoll_oracle::MemberId;
use std::fmt::Debug;

/// The maker of a run's processes.
pub trait Programs: Debug {
    /// Starts a process of a member, with no memory of earlier ones.
    fn start(&self, member: MemberId, config: &Config) -> Program;
}

/// A process: its consumer, and the handlers that the consumer calls.
pub struct Program {
    /// The consumer. Each of its `Dispatch` commands begins a handler.
    pub machine: Box<dyn Machine<Payload>>,
    /// What its handlers do.
    pub handlers: Box<dyn Handlers>,
}

/// The handlers of a process.
pub trait Handlers {
    /// Returns what a handler did next, where that is the next thing that the process says. It is
    /// asked where the consumer has no command: one that comes later has to wait.
    fn poll_step(&mut self) -> Option<Step>;
}

/// A call of a handler, within its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallId {
    /// The record's partition.
    pub partition: TopicPartition,
    /// The assignment under which the consumer dispatched the record.
    pub epoch: AssignmentEpoch,
    /// The record's offset.
    pub offset: Offset,
    /// The number of the attempt, as the consumer counts.
    pub attempt: u32,
}

/// A step of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Calls the sink, which answers by `Event::Processed`, as the scenario says. One call at a
    /// time; it may be made after the handler's end, by work that it left behind.
    Write(CallId),
    /// Finishes its record without an effect.
    Skip(CallId),
    /// Ends.
    End(CallId, Outcome),
}
