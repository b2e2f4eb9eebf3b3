//! Handlers at work, and the sink that they write to: the one of the simulator.

use super::World;
use plimsoll_core::{Instant, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{MemberId, MessageId};
use plimsoll_scenarios::Plan;
use plimsoll_sim::sink::{HandlerCall, HandlerId, Sink};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::oneshot;

/// The handlers at work.
pub(super) struct Handlers {
    pub(super) sink: Sink,
    /// The moments at which handlers come back.
    due: BTreeSet<(Instant, HandlerId)>,
    /// The places of their results.
    waiting: BTreeMap<HandlerId, oneshot::Sender<Outcome>>,
    /// The member that tried a message last: a dead letter does not name its member.
    tried_by: BTreeMap<MessageId, MemberId>,
}

/// A handler that has begun.
pub(crate) struct Begun {
    /// The process in which it runs.
    pub(crate) member: MemberId,
    /// The number of that process.
    pub(crate) process: u64,
    pub(crate) partition: TopicPartition,
    pub(crate) offset: Offset,
    /// Gets its result, if ever one comes.
    pub(crate) result: oneshot::Receiver<Outcome>,
}

impl Handlers {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            sink: Sink::new(plan),
            due: BTreeSet::new(),
            waiting: BTreeMap::new(),
            tried_by: BTreeMap::new(),
        }
    }

    pub(super) fn are_idle(&self) -> bool {
        self.sink.is_idle()
    }

    /// Returns the member that tried a message last.
    pub(super) fn tried_by(&self, message: MessageId) -> Option<MemberId> {
        self.tried_by.get(&message).copied()
    }

    /// Takes out the next handler whose time is over.
    pub(super) fn due(&mut self, now: Instant) -> Option<HandlerId> {
        let next = self.due.first().filter(|(at, _)| *at <= now)?.1;
        self.due.pop_first();
        Some(next)
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }
}

impl World {
    /// Begins a handler.
    pub(crate) fn begin_handler(&mut self, call: HandlerCall, process: u64) -> Begun {
        let now = self.now();
        self.handlers.tried_by.insert(call.message, call.member);
        let started = self.handlers.sink.start(&self.plan, now, call);
        let (place, result) = oneshot::channel();
        // One that hangs comes back when the hang ends.
        self.handlers.waiting.insert(started.handler, place);
        self.handlers.due.extend(started.done);
        self.observe(started.observation);
        Begun {
            member: call.member,
            process,
            partition: call.partition,
            offset: call.offset,
            result,
        }
    }

    /// Takes in that a handler was stopped by its consumer. That of a process that is gone has
    /// stopped with it.
    pub(crate) fn cancel_handler(&mut self, stopped: &Begun) {
        if !self.is_at_work(stopped.member, stopped.process) {
            return;
        }
        let (member, partition, offset) = (stopped.member, stopped.partition, stopped.offset);
        let sink = &mut self.handlers.sink;
        if let Some((Some(told), _)) = sink.cancel(member, partition, offset) {
            self.observe(told);
        }
    }

    /// Gives a handler its result: first the effect is written, and then its process may die.
    pub(super) fn handler_done(&mut self, handler: HandlerId) {
        let Some(member) = self.handlers.sink.member_of(handler) else {
            self.handlers.waiting.remove(&handler);
            return;
        };
        let process = &mut self.processes[member.0 as usize];
        if process.is_paused() {
            process.defer(handler);
            return;
        }
        let Some(answer) = self.handlers.sink.finish(handler) else {
            return;
        };
        if let Some(effect) = answer.observation {
            self.observe(effect);
            if let Some(fault) = self.schedule.handle_effect(member) {
                self.drive(fault);
            }
        }
        if let Some(place) = self.handlers.waiting.remove(&handler) {
            // One that was stopped, or whose process died, does not wait.
            let _ = place.send(answer.outcome);
        }
    }

    /// Stops all handlers of a process that died.
    pub(super) fn kill_handlers(&mut self, member: MemberId) {
        let mut stopped = Vec::new();
        self.handlers.sink.kill(member, |told| stopped.push(told));
        stopped.into_iter().for_each(|told| self.observe(told));
    }
}
