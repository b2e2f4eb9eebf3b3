//! Faults: when they begin and end ([`act`]: what they do; [`target`]: whom they hit).

mod act;
mod target;

use crate::env::Event;
use crate::protocol::Node;
use crate::world::World;
use act::Undo;
use plimsoll_oracle::{Entry, ErrorName, MemberId, RequestKind, TraceEvent};
use plimsoll_scenarios::scenario::{Condition, Trigger};
use plimsoll_scenarios::{Plan, Rng};

/// A step of the fault at this index of the plan.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// It begins; triggered ones know who triggered them.
    Begin(usize, Option<MemberId>),
    /// It ends.
    End(usize),
    /// A rolling restart comes to its next process.
    Roll(usize, u32),
}

/// The state of a plan's faults.
#[derive(Debug)]
pub(crate) struct Faults {
    states: Vec<State>,
    /// How many triggers have not fired yet.
    waiting: usize,
    /// How much of the trace the triggers have seen.
    seen: usize,
    errors: Vec<InjectedError>,
    /// By member: the `crash-after-effect` fault that waits for its next effect.
    crash_after_effect: Vec<Option<usize>>,
    /// By member: whether it has a start of its own, or has joined.
    joined: Vec<bool>,
}

#[derive(Debug)]
enum State {
    /// Its time has not come.
    Scheduled,
    /// Its condition was met so many times less than it needs.
    Waiting(u32),
    Active(Undo),
    Over,
}

#[derive(Debug)]
struct InjectedError {
    fault: usize,
    broker: Option<Node>,
    request: RequestKind,
    error: ErrorName,
    share: f64,
    rng: Rng,
}

impl Faults {
    pub(crate) fn new(plan: &Plan) -> Self {
        let states: Vec<State> = plan
            .faults
            .iter()
            .map(|fault| match fault.trigger {
                Trigger::At(_) => State::Scheduled,
                Trigger::When { count, .. } => State::Waiting(count.max(1)),
            })
            .collect();
        let waiting = states
            .iter()
            .filter(|state| matches!(state, State::Waiting(_)))
            .count();
        Self {
            states,
            waiting,
            seen: 0,
            errors: Vec::new(),
            crash_after_effect: vec![None; plan.starts.len()],
            joined: plan.starts.iter().map(Option::is_some).collect(),
        }
    }

    /// Whether any trigger has not fired yet.
    #[inline]
    pub(crate) fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Whether a member is to run when everything is healed.
    pub(crate) fn has_joined(&self, member: MemberId) -> bool {
        self.joined[member.0 as usize]
    }

    /// The error with which an `error` fault answers a request at a broker.
    #[inline]
    pub(crate) fn injected_error(
        &mut self,
        broker: Node,
        kind: Option<RequestKind>,
    ) -> Option<ErrorName> {
        if self.errors.is_empty() {
            return None;
        }
        self.errors.iter_mut().find_map(|injected| {
            let hit = injected.broker.is_none_or(|hit| hit == broker)
                && Some(injected.request) == kind
                && injected.rng.chance(injected.share);
            hit.then_some(injected.error)
        })
    }
}

/// When faults begin and end.
impl World<'_> {
    pub(crate) fn schedule_faults(&mut self) {
        for (index, fault) in self.env.plan.faults.iter().enumerate() {
            if let Trigger::At(at) = fault.trigger {
                self.env
                    .queue
                    .push(at, Event::Fault(Step::Begin(index, None)));
            }
        }
    }

    pub(crate) fn fault_step(&mut self, step: Step) {
        match step {
            Step::Begin(index, subject) => {
                if matches!(self.faults.states[index], State::Scheduled) {
                    self.begin_fault(index, subject);
                }
            }
            Step::End(index) => self.end_fault(index),
            Step::Roll(index, process) => self.roll(index, process),
        }
    }

    /// Shows the triggers what is new in the trace.
    pub(crate) fn trigger_faults(&mut self) {
        while self.faults.seen < self.env.trace.entries().len() {
            let entry = self.env.trace.entries()[self.faults.seen];
            self.faults.seen += 1;
            for index in 0..self.faults.states.len() {
                self.trigger_fault(index, &entry);
            }
        }
    }

    fn trigger_fault(&mut self, index: usize, entry: &Entry) {
        let State::Waiting(missing) = &mut self.faults.states[index] else {
            return;
        };
        let Trigger::When {
            condition, delay, ..
        } = self.env.plan.faults[index].trigger
        else {
            return;
        };
        if !condition.is_met_by(&entry.event) {
            return;
        }
        *missing -= 1;
        if *missing > 0 {
            return;
        }
        self.faults.states[index] = State::Scheduled;
        self.faults.waiting -= 1;
        let subject = Condition::subject_of(&entry.event);
        if delay.is_zero() {
            self.begin_fault(index, subject);
        } else {
            let at = self.env.now() + delay;
            self.env
                .queue
                .push(at, Event::Fault(Step::Begin(index, subject)));
        }
    }

    /// A handler wrote its effect: is this the moment for its process to die?
    pub(crate) fn crash_after_effect(&mut self, member: MemberId) {
        let Some(index) = self.faults.crash_after_effect[member.0 as usize].take() else {
            return;
        };
        let node = self.env.member_node(member);
        self.crash(node);
        self.faults.states[index] = State::Active(Undo::Restart(node));
        self.schedule_end(index);
    }

    fn schedule_end(&mut self, index: usize) {
        if let Some(duration) = self.env.plan.faults[index].duration {
            let at = self.env.now() + duration;
            self.env.queue.push(at, Event::Fault(Step::End(index)));
        }
    }

    fn end_fault(&mut self, index: usize) {
        let state = std::mem::replace(&mut self.faults.states[index], State::Over);
        let State::Active(undo) = state else {
            self.faults.states[index] = state;
            return;
        };
        let fault = self.env.plan.faults[index].id;
        self.env.observe(TraceEvent::FaultEnded { fault });
        self.undo(index, undo);
    }

    /// The safety phase is over: what is active ends, and what has not begun never will.
    pub(crate) fn end_all_faults(&mut self) {
        for index in 0..self.faults.states.len() {
            match self.faults.states[index] {
                State::Active(_) => self.end_fault(index),
                _ => self.faults.states[index] = State::Over,
            }
        }
        self.faults.waiting = 0;
        self.faults.crash_after_effect.fill(None);
    }
}
