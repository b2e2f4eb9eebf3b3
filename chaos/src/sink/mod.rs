//! The sink: the HTTP endpoint that handlers write to, and that answers with their outcome.
//!
//! A subject sends `POST /consumer-1` with `{"topic": ..., "partition": ..., "offset": ...}`. What
//! the answer is, and when it comes, follows from the seed, the message and the attempt, which the
//! sink counts: the same as in the simulator. An effect is written the moment before it is
//! answered.
//!
//! [`http`] takes the calls in and reports them; [`Sink`] has the handlers at work, and knows
//! neither HTTP nor time.

mod call;
pub(crate) mod http;
#[cfg(test)]
mod tests;

use crate::channel::{Reply, Sender};
use crate::log::StoredMessage;
use plimsoll_core::{Offset, Outcome, TopicPartition};
use plimsoll_oracle::{MemberId, MessageId, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_sim::sink::{Attempts, End};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What the endpoint reports.
#[derive(Debug)]
pub(crate) enum Report {
    /// A handler reached the sink. The answer lets it begin.
    Called { call: Call, reply: Reply<Begun> },
    /// A call that is none: `caller`, the end of its address, should be the name of a member.
    CalledWrongly { caller: String, mistake: String },
    /// The time that a handler takes is over. The answer comes as soon as its outcome is known, and
    /// never where its process died.
    Due {
        id: HandlerId,
        reply: Reply<Outcome>,
    },
    /// A handler is gone: its subject went away, or it got its answer.
    Gone(HandlerId),
}

/// A call of the sink.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub member: MemberId,
    pub partition: TopicPartition,
    pub offset: Offset,
    pub record: StoredMessage,
}

/// A handler that has begun.
#[derive(Debug)]
pub(crate) struct Begun {
    pub handler: Handler,
    /// The time that it takes.
    pub takes: Duration,
}

/// A handler's number among all of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct HandlerId(u64);

/// The endpoint's end of a handler. Its drop is reported: so a handler whose call is dropped, at
/// whatever moment, is known to be gone.
#[derive(Debug)]
pub(crate) struct Handler {
    id: HandlerId,
    reports: Sender<Report>,
}

impl Handler {
    /// Returns the handler's number.
    pub(crate) fn id(&self) -> HandlerId {
        self.id
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        self.reports.send(Report::Gone(self.id));
    }
}

/// The handlers at work, and what disturbs them.
#[derive(Debug)]
pub(crate) struct Sink {
    plan: Arc<Plan>,
    reports: Sender<Report>,
    /// The attempts so far, and how the next ones end: as in the simulator.
    pub attempts: Attempts,
    running: BTreeMap<HandlerId, Running>,
    /// The number of the next handler.
    next: u64,
    /// The member that tried a message last, by message.
    tried_by: BTreeMap<MessageId, MemberId>,
}

/// A handler at work.
#[derive(Debug)]
struct Running {
    call: Call,
    attempt: u32,
    end: End,
    /// The place of the answer, once the handler's time is over.
    due: Option<Reply<Outcome>>,
}

/// A handler whose outcome is known and whose time is over.
#[derive(Debug)]
pub(crate) struct Finished {
    pub member: MemberId,
    /// The effect, for the trace.
    pub effect: TraceEvent,
    pub outcome: Outcome,
    /// The place of the answer.
    pub reply: Reply<Outcome>,
}

impl Sink {
    /// Makes a sink that has seen nothing; its handlers report to `reports`.
    pub(crate) fn new(plan: Arc<Plan>, reports: Sender<Report>) -> Self {
        Self {
            attempts: Attempts::new(&plan),
            plan,
            reports,
            running: BTreeMap::new(),
            next: 0,
            tried_by: BTreeMap::new(),
        }
    }

    /// Counts the handlers of a partition that are at work for a member.
    pub(crate) fn in_flight(&self, member: MemberId, partition: TopicPartition) -> u32 {
        let calls = self.running.values().map(|running| running.call);
        calls
            .filter(|call| call.member == member && call.partition == partition)
            .count() as u32
    }

    /// Returns whether no handler is at work, but for those that hang for ever.
    pub(crate) fn is_idle(&self) -> bool {
        let mut running = self.running.values();
        running.all(|running| running.end == End::Never)
    }

    /// Returns the member that tried a message last: a dead letter does not name its member.
    pub(crate) fn tried_by(&self, message: MessageId) -> Option<MemberId> {
        self.tried_by.get(&message).copied()
    }

    /// Ends a hang: the handlers that hung come back with an error. Returns those that come back
    /// now.
    pub(crate) fn unhang(&mut self, member: MemberId) -> Vec<Finished> {
        if !self.attempts.unhang(member) {
            return Vec::new();
        }
        let mut due = Vec::new();
        for (id, running) in &mut self.running {
            if running.call.member == member && running.end == End::Hang {
                running.end = End::Outcome(Outcome::Retryable);
                due.extend(running.due.take().map(|reply| (*id, reply)));
            }
        }
        let due = due.into_iter();
        due.filter_map(|(id, reply)| self.handle_due(id, reply))
            .collect()
    }

    /// Forgets the handlers of a process that died; returns what the trace says of them.
    pub(crate) fn kill(&mut self, member: MemberId) -> Vec<TraceEvent> {
        let dead = |_: &HandlerId, running: &mut Running| running.call.member == member;
        let dead = self.running.extract_if(.., dead);
        dead.map(|(_, running)| running.stopped()).collect()
    }

    /// Begins a handler; returns it, and its beginning for the trace.
    pub(crate) fn handle_called(&mut self, call: Call) -> (Begun, TraceEvent) {
        let Call { member, record, .. } = call;
        self.tried_by.insert(record.message, member);
        let attempt = self.attempts.count(record.message);
        let attempts = &mut self.attempts;
        let (end, takes) = attempts.end(&self.plan, member, record.message, attempt);
        let id = HandlerId(self.next);
        self.next += 1;
        let running = Running {
            call,
            attempt,
            end,
            due: None,
        };
        self.running.insert(id, running);
        let handler = Handler {
            id,
            reports: self.reports.clone(),
        };
        let started = TraceEvent::HandlerStarted {
            member,
            partition: call.partition,
            offset: call.offset,
            message: record.message,
            attempt,
        };
        (Begun { handler, takes }, started)
    }

    /// Takes in that a handler's time is over. Returns it where its outcome is known and its call
    /// still waits; else it stays until it is killed, is gone, or no longer hangs.
    pub(crate) fn handle_due(&mut self, id: HandlerId, reply: Reply<Outcome>) -> Option<Finished> {
        if reply.is_closed() {
            // That it is gone is on its way.
            return None;
        }
        let running = self.running.get_mut(&id)?;
        let End::Outcome(outcome) = running.end else {
            running.due = Some(reply);
            return None;
        };
        let running = self.running.remove(&id)?;
        let call = running.call;
        let effect = TraceEvent::Effect {
            member: call.member,
            partition: call.partition,
            offset: call.offset,
            message: call.record.message,
            key: call.record.key,
            attempt: running.attempt,
            outcome,
        };
        Some(Finished {
            member: call.member,
            effect,
            outcome,
            reply,
        })
    }

    /// Takes in that a handler is gone; returns what the trace says of it, if it was at work.
    pub(crate) fn handle_gone(&mut self, id: HandlerId) -> Option<TraceEvent> {
        self.running.remove(&id).map(|running| running.stopped())
    }
}

impl Running {
    fn stopped(&self) -> TraceEvent {
        TraceEvent::HandlerStopped {
            member: self.call.member,
            partition: self.call.partition,
            offset: self.call.offset,
            attempt: self.attempt,
        }
    }
}
