//! Faults: when they begin and end ([`act`]: what they do; [`target`]: whom they hit).

mod act;
mod target;

use crate::lock::lock;
use crate::world::World;
use act::Undo;
use plimsoll_core::Instant;
use plimsoll_oracle::{MemberId, TraceEvent};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{Condition, Trigger};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The state of a plan's faults.
#[derive(Debug)]
pub(crate) struct Faults {
    states: Mutex<Vec<State>>,
    /// How many triggers have not fired yet.
    waiting: AtomicUsize,
    /// By member: whether it has a start of its own, or has joined.
    joined: Mutex<Vec<bool>>,
}

#[derive(Debug)]
enum State {
    /// Its time has not come.
    Scheduled,
    /// Its condition was met so many times less than it needs.
    Waiting(u32),
    /// It is being done, or undone.
    Busy,
    Active(Undo),
    Over,
}

impl Faults {
    pub(crate) fn new(plan: &Plan) -> Self {
        let faults = plan.faults.iter();
        let states: Vec<State> = faults
            .map(|fault| match fault.trigger {
                Trigger::At(_) => State::Scheduled,
                Trigger::When { count, .. } => State::Waiting(count.max(1)),
            })
            .collect();
        let waiting = states.iter().filter(|s| matches!(s, State::Waiting(_)));
        Self {
            waiting: AtomicUsize::new(waiting.count()),
            states: Mutex::new(states),
            joined: Mutex::new(plan.starts.iter().map(Option::is_some).collect()),
        }
    }

    /// Whether a member is to run when everything is healed.
    pub(crate) fn has_joined(&self, member: MemberId) -> bool {
        lock(&self.joined)[member.0 as usize]
    }

    /// Whether nothing is being done or undone, and nothing is left to end.
    fn is_over(&self) -> bool {
        let states = lock(&self.states);
        states.iter().all(|state| matches!(state, State::Over))
    }

    fn set(&self, index: usize, state: State) {
        lock(&self.states)[index] = state;
    }

    /// Takes a scheduled fault; `false` where it must not begin any more.
    fn take_scheduled(&self, index: usize) -> bool {
        let state = &mut lock(&self.states)[index];
        let scheduled = matches!(state, State::Scheduled);
        if scheduled {
            *state = State::Busy;
        }
        scheduled
    }

    /// Takes what would end an active fault.
    fn take_active(&self, index: usize) -> Option<Undo> {
        let state = &mut lock(&self.states)[index];
        match std::mem::replace(state, State::Busy) {
            State::Active(undo) => Some(undo),
            other => {
                *state = other;
                None
            }
        }
    }
}

/// When faults begin and end.
impl World {
    /// Lets the faults with a time begin at it.
    pub(crate) fn schedule_faults(self: &Arc<Self>) {
        for (index, fault) in self.plan.faults.iter().enumerate() {
            if let Trigger::At(at) = fault.trigger {
                self.begin_later(index, at, None);
            }
        }
    }

    /// Shows an observation to the faults that wait for one.
    pub(crate) fn trigger_faults(self: &Arc<Self>, event: &TraceEvent) {
        if self.faults.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        for (index, fault) in self.plan.faults.iter().enumerate() {
            let Trigger::When {
                condition, delay, ..
            } = fault.trigger
            else {
                continue;
            };
            if !condition.is_met_by(event) || !self.count_down(index) {
                continue;
            }
            let subject = Condition::subject_of(event);
            if delay.is_zero() {
                self.begin_fault(index, subject);
            } else {
                self.begin_later(index, self.now() + delay, subject);
            }
        }
    }

    /// One time less; `true` where that was the last.
    fn count_down(&self, index: usize) -> bool {
        let state = &mut lock(&self.faults.states)[index];
        let State::Waiting(missing) = state else {
            return false;
        };
        *missing -= 1;
        let met = *missing == 0;
        if met {
            *state = State::Scheduled;
            self.faults.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        met
    }

    fn begin_later(self: &Arc<Self>, index: usize, at: Instant, subject: Option<MemberId>) {
        let world = self.clone();
        self.spawn(async move {
            world.sleep_until(at).await;
            world.begin_fault(index, subject);
        });
    }

    fn end_later(self: &Arc<Self>, index: usize) {
        if let Some(duration) = self.plan.faults[index].duration {
            let (world, at) = (self.clone(), self.now() + duration);
            self.spawn(async move {
                world.sleep_until(at).await;
                world.end_fault(index).await;
            });
        }
    }

    async fn end_fault(self: &Arc<Self>, index: usize) {
        if let Some(undo) = self.faults.take_active(index) {
            self.undo(index, undo).await;
            self.faults.set(index, State::Over);
        }
    }

    /// The safety phase is over: what is active ends, and what has not begun never will. Returns
    /// when all of it is undone.
    pub(crate) async fn end_all_faults(self: &Arc<Self>) {
        self.faults.waiting.store(0, Ordering::Relaxed);
        for state in &mut *lock(&self.faults.states) {
            if matches!(state, State::Scheduled | State::Waiting(_)) {
                *state = State::Over;
            }
        }
        while !self.faults.is_over() {
            for index in 0..self.plan.faults.len() {
                self.end_fault(index).await;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}
