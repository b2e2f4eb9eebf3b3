//! Handlers that are a subject's own ([`crate::program`]): when they reach the sink, and how they
//! end, they say themselves.

use super::{End, HandlerCall, HandlerId, Running, Sink};
use crate::program::CallId;
use plimsoll_core::{Instant, Outcome};
use plimsoll_oracle::{MemberId, TraceEvent};
use plimsoll_scenarios::Plan;

/// The progress of a handler that is a subject's own.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Own {
    /// Whether it waits for an answer of the sink.
    pub(super) calls: bool,
    /// Whether it has called the sink before.
    pub(super) has_called: bool,
    /// Whether its effect is there.
    pub(super) has_effect: bool,
    /// Whether it ended without an effect, well or by being stopped. Work that it left behind may
    /// have it yet.
    pub(super) has_returned: bool,
    /// Whether it was stopped.
    pub(super) is_stopped: bool,
}

impl Sink {
    /// Starts a handler that is the subject's own; returns the trace's entry about it.
    pub(crate) fn start_own(&mut self, call: HandlerCall) -> TraceEvent {
        let attempt = self.attempts.count(call.message);
        self.run(call, attempt, End::Never, Some(Own::default()))
    }

    /// Calls the sink; returns when its answer comes. `None`: never, or the handler is gone.
    pub(crate) fn write(
        &mut self,
        plan: &Plan,
        now: Instant,
        member: MemberId,
        id: CallId,
    ) -> Option<(Instant, HandlerId)> {
        let index = self.find(member, id)?;
        let Running {
            call, attempt, own, ..
        } = self.running[index];
        let message = call.message;
        // Each call is an attempt at the sink, and the first one is counted already.
        let attempt = match own?.has_called {
            true => self.attempts.count(message),
            false => attempt,
        };
        let (end, takes) = self.attempts.end(plan, member, message, attempt);
        let running = &mut self.running[index];
        running.end = end;
        let own = running.own.as_mut()?;
        own.has_called = true;
        own.calls = true;
        matches!(end, End::Outcome(_)).then_some((now + takes, running.id))
    }

    /// Finishes the record of a handler without an effect; returns the trace's entry about it.
    pub(crate) fn skip(&mut self, member: MemberId, id: CallId) -> Option<TraceEvent> {
        let index = self.find(member, id)?;
        self.take_effect(index)
    }

    /// Ends a handler that is the subject's own; returns the trace's entry about it, if there is
    /// one.
    pub(crate) fn end(
        &mut self,
        member: MemberId,
        id: CallId,
        outcome: Outcome,
    ) -> Option<TraceEvent> {
        let index = self.find(member, id)?;
        let running = &mut self.running[index];
        let own = running.own.as_mut()?;
        if own.has_effect {
            self.running.swap_remove(index);
            return None;
        }
        if outcome != Outcome::Ok {
            let running = self.running.swap_remove(index);
            return Some(running.effect(outcome));
        }
        own.has_returned = true;
        // What was done before needs no effect again.
        let is_done = self.done.contains(&running.call.message);
        is_done.then(|| self.take_effect(index)).flatten()
    }

    /// Notes that a handler is stopped that is the subject's own: what it waited for comes to
    /// nothing, and work that it left behind goes on.
    pub(super) fn leave_behind(&mut self, index: usize) {
        let running = &mut self.running[index];
        running.end = End::Never;
        running.own = running.own.map(|own| Own {
            calls: false,
            has_returned: true,
            is_stopped: true,
            ..own
        });
    }

    /// Takes the answer of the sink to a handler that is the subject's own; returns what the trace
    /// says of it.
    pub(super) fn answer(&mut self, index: usize, outcome: Outcome) -> Option<TraceEvent> {
        let running = &mut self.running[index];
        running.end = End::Never;
        running.own.as_mut()?.calls = false;
        match outcome {
            Outcome::Ok => self.take_effect(index),
            // Whether it fails by that, it says itself.
            Outcome::Retryable | Outcome::Permanent => None,
        }
    }

    /// Notes the effect of a handler, unless it had one; returns the trace's entry about it.
    fn take_effect(&mut self, index: usize) -> Option<TraceEvent> {
        let running = &mut self.running[index];
        let own = running.own.as_mut()?;
        if std::mem::replace(&mut own.has_effect, true) {
            return None;
        }
        let has_returned = own.has_returned;
        let effect = running.effect(Outcome::Ok);
        self.done.insert(running.call.message);
        if has_returned {
            self.running.swap_remove(index);
        }
        Some(effect)
    }

    fn find(&self, member: MemberId, id: CallId) -> Option<usize> {
        self.running.iter().position(|running| {
            let HandlerCall {
                partition,
                epoch,
                offset,
                attempt,
                ..
            } = running.call;
            let found = CallId {
                partition,
                epoch,
                offset,
                attempt,
            };
            running.call.member == member && found == id
        })
    }
}
