//! Handlers, and the downstream system that they write to: where effects are observed.
//!
//! A handler runs in its member's process and ends with one call to the sink, whose answer is its
//! outcome: a function of the seed, the message and the attempt, which the sink counts. One that is
//! the subject's `own` calls the sink and ends as it says. Backend `turmoil` has the same sink.

mod attempts;
mod own;

pub use attempts::{Attempts, End};

use own::Own;
use plimsoll_core::{AssignmentEpoch, Instant, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{MemberId, MessageId, TraceEvent};
use plimsoll_scenarios::Plan;
use std::collections::BTreeSet;

/// Number of a running handler, never used twice in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HandlerId(pub u32);

/// A call of a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandlerCall {
    /// The member whose process runs it.
    pub member: MemberId,
    /// The record's partition.
    pub partition: TopicPartition,
    /// Epoch of the assignment under which the consumer dispatched the record.
    pub epoch: AssignmentEpoch,
    /// The record's offset.
    pub offset: Offset,
    /// Number of the attempt, as the consumer counts within one assignment.
    pub attempt: u32,
    /// The message that the record carries.
    pub message: MessageId,
    /// The message's key, if it has one.
    pub key: Option<u32>,
}

/// The sink, and the handlers in flight.
#[derive(Debug, Default)]
pub struct Sink {
    /// The attempts so far, and how the next ones end.
    pub attempts: Attempts,
    /// The messages that a handler has finished that is the subject's own.
    done: BTreeSet<MessageId>,
    running: Vec<Running>,
    next: u32,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    id: HandlerId,
    call: HandlerCall,
    /// Number of the attempt, as the sink counts over the whole run.
    attempt: u32,
    /// The answer of the sink, which is the simulator's handler's outcome.
    end: End,
    /// How far it has come, where it is the subject's own.
    own: Option<Own>,
}

/// The answer of the sink to a handler.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    /// The trace's entry about it, if there is one.
    pub observation: Option<TraceEvent>,
    /// The handler that gets it.
    pub call: HandlerCall,
    /// What it says.
    pub outcome: Outcome,
}

/// A handler that began.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// The trace's entry about its start.
    pub observation: TraceEvent,
    /// Its number.
    pub handler: HandlerId,
    /// The time at which the handler comes back; `None`: not by itself.
    pub done: Option<(Instant, HandlerId)>,
}

impl Sink {
    /// Creates a sink that has seen nothing.
    pub fn new(plan: &Plan) -> Self {
        Self {
            attempts: Attempts::new(plan),
            ..Self::default()
        }
    }

    /// Starts a handler.
    pub fn start(&mut self, plan: &Plan, now: Instant, call: HandlerCall) -> Started {
        let attempt = self.attempts.count(call.message);
        let (end, takes) = self.attempts.end(plan, call.member, call.message, attempt);
        let id = HandlerId(self.next);
        Started {
            observation: self.run(call, attempt, end, None),
            handler: id,
            done: matches!(end, End::Outcome(_)).then_some((now + takes, id)),
        }
    }

    /// Adds a handler to those that run; returns the trace's entry about its start.
    fn run(&mut self, call: HandlerCall, attempt: u32, end: End, own: Option<Own>) -> TraceEvent {
        self.running.push(Running {
            id: HandlerId(self.next),
            call,
            attempt,
            end,
            own,
        });
        self.next += 1;
        TraceEvent::HandlerStarted {
            member: call.member,
            partition: call.partition,
            offset: call.offset,
            message: call.message,
            attempt,
        }
    }

    /// Gives a handler the answer of the sink, which is the end of the simulator's handlers. `None`
    /// where it was stopped before.
    pub fn finish(&mut self, id: HandlerId) -> Option<Answer> {
        let index = self.running.iter().position(|running| running.id == id)?;
        let running = self.running[index];
        let End::Outcome(outcome) = running.end else {
            return None;
        };
        let observation = match running.own {
            Some(_) => self.answer(index, outcome),
            None => Some(self.running.swap_remove(index).effect(outcome)),
        };
        Some(Answer {
            observation,
            call: running.call,
            outcome,
        })
    }

    /// Returns the member that runs a handler.
    pub fn member_of(&self, id: HandlerId) -> Option<MemberId> {
        self.running
            .iter()
            .find(|running| running.id == id)
            .map(|running| running.call.member)
    }

    /// Stops a handler, if it runs; returns what the trace says of it, and its call.
    pub fn cancel(
        &mut self,
        member: MemberId,
        partition: TopicPartition,
        offset: Offset,
    ) -> Option<(Option<TraceEvent>, HandlerCall)> {
        let index = self.running.iter().position(|running| {
            let call = &running.call;
            let is_meant =
                call.member == member && call.partition == partition && call.offset == offset;
            is_meant && !running.has_returned()
        })?;
        let running = self.running[index];
        match running.own {
            Some(_) => self.leave_behind(index),
            None => drop(self.running.swap_remove(index)),
        }
        Some((running.stopped(), running.call))
    }

    /// Stops all handlers of a process that died.
    pub fn kill(&mut self, member: MemberId, mut observe: impl FnMut(TraceEvent)) {
        self.running.retain(|running| {
            let lives = running.call.member != member;
            if !lives {
                running.stopped().into_iter().for_each(&mut observe);
            }
            lives
        });
    }

    /// Returns whether no handler runs, nor work that one left behind is at the sink.
    pub fn is_idle(&self) -> bool {
        let mut running = self.running.iter();
        running.all(|r| r.has_returned() && r.own.is_none_or(|own| !own.calls))
    }

    /// Returns the number of a partition's handlers that run in a member's process.
    pub fn in_flight(&self, member: MemberId, partition: TopicPartition) -> u32 {
        let running = self.running.iter();
        running
            .filter(|r| r.call.member == member && r.call.partition == partition)
            .filter(|r| !r.has_returned())
            .count() as u32
    }

    /// Ends a hang: the handlers that hung come back now, with an error. Returns them.
    pub fn unhang(&mut self, member: MemberId) -> Vec<HandlerId> {
        if !self.attempts.unhang(member) {
            return Vec::new();
        }
        let running = self.running.iter_mut();
        let hung = running.filter(|r| r.call.member == member && r.end == End::Hang);
        hung.map(|running| {
            running.end = End::Outcome(Outcome::Retryable);
            running.id
        })
        .collect()
    }
}

impl Running {
    /// Returns whether it ended, and may only have left work behind.
    fn has_returned(&self) -> bool {
        self.own.is_some_and(|own| own.has_returned)
    }

    fn effect(&self, outcome: Outcome) -> TraceEvent {
        TraceEvent::Effect {
            member: self.call.member,
            partition: self.call.partition,
            offset: self.call.offset,
            message: self.call.message,
            key: self.call.key,
            attempt: self.attempt,
            outcome,
        }
    }

    /// Returns what the trace says of a handler that is stopped: nothing where it has told how it
    /// ended.
    fn stopped(&self) -> Option<TraceEvent> {
        let is_told = self.own.is_some_and(|own| own.has_effect || own.is_stopped);
        (!is_told).then_some(TraceEvent::HandlerStopped {
            member: self.call.member,
            partition: self.call.partition,
            offset: self.call.offset,
            attempt: self.attempt,
        })
    }
}
