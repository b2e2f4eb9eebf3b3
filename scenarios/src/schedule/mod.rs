//! When the faults of a plan begin and end, and what they hit: decided here once, for every
//! backend, so that a fault and its end mean the same thing in every trace.
//!
//! [`FaultSchedule`] is a state machine: it has no clock, sends nothing and draws nothing. A
//! backend tells it what happened (`handle_*`), and then asks for the steps of the faults that
//! this concerns ([`FaultSchedule::poll_step`]) until there are none. What a step does to the
//! world is the backend's business; it reports with [`FaultSchedule::handle_done`] when it is
//! done, at once or later.
//!
//! Faults are polled one by one, and each has a timer of its own. On real Kafka, the steps of the
//! fault that an observation triggers are taken before the observer goes on. In the simulator, the
//! seed decides the order of timers that are due at the same moment.

mod course;
mod roll;
mod target;
#[cfg(test)]
mod tests;

pub use target::{Situation, Target};

use crate::Plan;
use crate::scenario::{Condition, Fault, FaultKind, Lasts, Moment, Trigger};
use course::{Course, CourseState};
use plimsoll_core::Instant;
use plimsoll_oracle::{BrokerId, MemberId, Missed, RequestKind, TraceEvent};
use roll::{Roll, Turn};

/// A fault, by its place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FaultIndex(u32);

/// What a backend has to do for a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// An entry for the trace: the fault began, or ended, or was missed.
    Observe(TraceEvent),
    /// What a kind of fault does, or how it is undone; [`FaultSchedule::handle_done`] when that is
    /// done.
    Act(Act, Target),
    /// The graceful stop of a process, which starts again as soon as it has ended;
    /// [`FaultSchedule::handle_done`] when it is back: a member, when its process runs again; a
    /// broker, when the cluster is whole again.
    Restart(ProcessId),
    /// The moment of the next [`FaultSchedule::handle_timeout`].
    WakeAt(Instant),
}

/// One half of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// What the fault does to the world.
    Do,
    /// How that is undone; never asked of a kind of fault that is over at once.
    Undo,
}

/// The outcome of an [`Act`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Something changed.
    Changed,
    /// There was nothing that it could change: no process to stop, no request that it answered.
    Vain,
}

impl From<bool> for Done {
    fn from(changed: bool) -> Self {
        match changed {
            true => Self::Changed,
            false => Self::Vain,
        }
    }
}

/// A process that a rolling restart comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessId {
    /// A member's.
    Member(MemberId),
    /// A broker's.
    Broker(BrokerId),
}

/// When the faults of a plan begin and end, and what they hit.
#[derive(Debug)]
pub struct FaultSchedule {
    courses: Vec<Course>,
    /// The number of faults that wait for an observation: their condition, or the loss of an
    /// answer.
    waiting: usize,
    /// By member: the `crash-after-effect` fault that waits for its next effect.
    armed: Vec<Option<FaultIndex>>,
    /// By member: whether it has a start of its own, or has joined.
    joined: Vec<bool>,
    brokers: u32,
    heal_at: Instant,
    healed: bool,
}

impl FaultIndex {
    /// Returns the fault of a plan at this place.
    pub fn of(self, plan: &Plan) -> &Fault {
        &plan.faults[self.0 as usize]
    }
}

impl FaultSchedule {
    /// Makes the schedule of a plan of which nothing has happened. Every fault is to be polled
    /// once: that sets the timers of those that have a time.
    pub fn new(plan: &Plan) -> Self {
        let courses: Vec<_> = plan.faults.iter().map(Course::new).collect();
        let waiting = courses.iter().filter(|course| course.is_waiting());
        Self {
            waiting: waiting.count(),
            courses,
            armed: vec![None; plan.starts.len()],
            joined: plan.starts.iter().map(Option::is_some).collect(),
            brokers: plan.settings.cluster.brokers,
            heal_at: plan.heal_at,
            healed: false,
        }
    }

    /// Returns all faults, in the order of the plan.
    pub fn faults(&self) -> impl Iterator<Item = FaultIndex> + use<> {
        (0..self.courses.len() as u32).map(FaultIndex)
    }

    /// Returns whether a fault waits for an observation: else none need be shown.
    #[inline]
    pub fn is_waiting(&self) -> bool {
        self.waiting > 0
    }

    /// Returns whether a member is to run when everything is healed: it has a start of its own, or
    /// a `join` fault has started it.
    pub fn has_joined(&self, member: MemberId) -> bool {
        self.joined[member.0 as usize]
    }

    /// Returns whether nothing is left to do or to undo.
    pub fn is_over(&self) -> bool {
        let mut courses = self.courses.iter();
        courses.all(|course| matches!(course.state, CourseState::Over))
    }

    /// Shows an observation to a fault. Returns `true` where the fault waited for it, and is to be
    /// polled.
    pub fn handle_observation(
        &mut self,
        now: Instant,
        fault: FaultIndex,
        event: &TraceEvent,
    ) -> bool {
        if let TraceEvent::ResponseLost { member, request } = *event {
            self.handle_loss(fault, member, request);
            return false;
        }
        let member = Condition::triggering_member(event);
        self.come_true(now, fault, member, |condition| condition.is_met_by(event))
    }

    /// Shows a moment of a member to a fault. Returns `true` where the fault waited for it, and is
    /// to be polled.
    pub fn handle_moment(
        &mut self,
        now: Instant,
        fault: FaultIndex,
        member: MemberId,
        moment: Moment,
    ) -> bool {
        let is_met = |condition: Condition| condition.moment() == Some(moment);
        self.come_true(now, fault, Some(member), is_met)
    }

    /// Returns whether a fault waits for a moment: else none need be shown.
    pub fn waits_for_moments(&self) -> bool {
        let mut courses = self.courses.iter();
        courses.any(|course| course.is_waiting() && course.fault.waits_for_moment())
    }

    /// Counts the condition of a fault that waits for it, if it has come true. Returns whether that
    /// was the time that counts.
    fn come_true(
        &mut self,
        now: Instant,
        fault: FaultIndex,
        member: Option<MemberId>,
        is_met: impl Fn(Condition) -> bool,
    ) -> bool {
        let course = &mut self.courses[fault.0 as usize];
        let (
            CourseState::Waiting { missing },
            Trigger::When {
                condition, delay, ..
            },
        ) = (&mut course.state, course.fault.trigger)
        else {
            return false;
        };
        if !is_met(condition) {
            return false;
        }
        *missing -= 1;
        if *missing > 0 {
            return false;
        }
        self.waiting -= 1;
        course.triggered_by = member;
        if delay.is_zero() {
            course.state = CourseState::Due;
        } else {
            course.sleep_until(now + delay);
        }
        true
    }

    /// Takes in that a handler of the member wrote its effect, of whatever outcome, and that its
    /// result has not reached the member yet. Returns the `crash-after-effect` fault that waited
    /// for this and is to be polled.
    #[inline]
    pub fn handle_effect(&mut self, member: MemberId) -> Option<FaultIndex> {
        let fault = self.armed[member.0 as usize].take()?;
        self.courses[fault.0 as usize].state = CourseState::Striking;
        Some(fault)
    }

    /// Takes in that an answer was lost. Of several faults that wait for the same answer, the last
    /// one has it.
    fn handle_loss(&mut self, fault: FaultIndex, member: MemberId, request: RequestKind) {
        let mut courses = self.courses.iter();
        let last = courses.rposition(|course| course.is_laid_for(member, request));
        if last != Some(fault.0 as usize) {
            return;
        }
        let course = &mut self.courses[fault.0 as usize];
        course.has_lost = true;
        if let CourseState::Laid = course.state {
            course.state = CourseState::Over;
        }
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// Takes in that the timer of a fault is due. The fault is to be polled.
    pub fn handle_timeout(&mut self, fault: FaultIndex) {
        let state = &mut self.courses[fault.0 as usize].state;
        match state {
            CourseState::Asleep => *state = CourseState::Due,
            CourseState::Active => *state = CourseState::Ending,
            CourseState::Rolling(roll) => roll.handle_timeout(),
            // A timer that the healing has overtaken.
            _ => {}
        }
    }

    /// Takes in that the last [`Step::Act`] or one [`Step::Restart`] of a fault is done. The fault
    /// is to be polled.
    pub fn handle_done(&mut self, fault: FaultIndex, done: Done) {
        let course = &mut self.courses[fault.0 as usize];
        if done == Done::Vain {
            course.missed = Some(Missed::NoEffect);
        }
        let state = &mut course.state;
        match state {
            CourseState::Acting => *state = CourseState::Acted,
            CourseState::Rolling(roll) => roll.handle_done(),
            CourseState::Undoing { end_is_noted: true } => *state = CourseState::Telling,
            CourseState::Undoing {
                end_is_noted: false,
            } => *state = CourseState::Closing,
            // A process of a rolling restart that the healing has ended.
            _ => {}
        }
    }

    /// Ends the safety phase: what has begun ends, and what has not begun never will. All faults
    /// are to be polled.
    pub fn handle_healing(&mut self) {
        self.healed = true;
        self.waiting = 0;
        self.armed.fill(None);
        for course in &mut self.courses {
            match course.state {
                CourseState::Waiting { .. } => {
                    course.miss(Missed::NoCondition, CourseState::Telling);
                }
                CourseState::Asleep | CourseState::Due => {
                    course.miss(Missed::Healed, CourseState::Telling);
                }
                CourseState::Laid => course.miss(Missed::NoEffect, CourseState::Telling),
                CourseState::Armed => course.miss(Missed::NoEffect, CourseState::Closing),
                CourseState::Active => course.state = CourseState::Ending,
                // What is under way is ended by `poll_step`, as soon as it is done.
                CourseState::Begun
                | CourseState::Striking
                | CourseState::Acting
                | CourseState::Acted
                | CourseState::Rolling(_)
                | CourseState::Ending
                | CourseState::Undo
                | CourseState::Undoing { .. }
                | CourseState::Closing
                | CourseState::Telling
                | CourseState::Over => {}
            }
        }
    }

    /// Returns what is to be done next for a fault; `None` until something happens.
    pub fn poll_step(
        &mut self,
        now: Instant,
        fault: FaultIndex,
        situation: &impl Situation,
    ) -> Option<Step> {
        loop {
            let course = &mut self.courses[fault.0 as usize];
            if let Some(at) = course.wake.take() {
                return Some(Step::WakeAt(at));
            }
            match course.state {
                CourseState::Waiting { .. }
                | CourseState::Asleep
                | CourseState::Armed
                | CourseState::Acting
                | CourseState::Active
                | CourseState::Undoing { .. }
                | CourseState::Laid
                | CourseState::Over => return None,
                CourseState::Due => match course.begin(situation) {
                    Some(began) => return Some(Step::Observe(began)),
                    None => course.miss(Missed::NoTarget, CourseState::Telling),
                },
                CourseState::Begun => self.go_on(fault),
                CourseState::Striking => {
                    course.state = CourseState::Acting;
                    return Some(Step::Act(Act::Do, course.target));
                }
                CourseState::Acted => course.last(now, self.healed),
                CourseState::Rolling(_) => {
                    let stops = self.healed || now >= self.heal_at;
                    match course.roll(now, stops, situation) {
                        Turn::Restart(process) => return Some(Step::Restart(process)),
                        Turn::Skip(_) => {}
                        Turn::Wait => return None,
                        Turn::Over => course.state = CourseState::Closing,
                    }
                }
                CourseState::Ending if course.takes_time(situation) => {
                    course.state = CourseState::Undoing {
                        end_is_noted: false,
                    };
                    return Some(Step::Act(Act::Undo, course.target));
                }
                CourseState::Ending => {
                    course.state = CourseState::Undo;
                    return Some(Step::Observe(course.ended()));
                }
                CourseState::Undo => {
                    course.state = CourseState::Undoing { end_is_noted: true };
                    return Some(Step::Act(Act::Undo, course.target));
                }
                CourseState::Closing => {
                    let ended = course.ended();
                    self.close(fault);
                    return Some(Step::Observe(ended));
                }
                CourseState::Telling => {
                    course.state = CourseState::Over;
                    if let Some(missed) = course.told() {
                        return Some(Step::Observe(missed));
                    }
                }
            }
        }
    }
}

impl FaultSchedule {
    /// Takes a fault from its beginning to what it does.
    fn go_on(&mut self, fault: FaultIndex) {
        let course = &mut self.courses[fault.0 as usize];
        if let FaultKind::Join { member } = course.fault.kind {
            self.joined[member.0 as usize] = true;
        }
        if course.lost_request().is_some() && !self.healed {
            self.waiting += 1;
        }
        course.state = match course.fault.kind.lasts() {
            Lasts::MemberByMember => {
                CourseState::Rolling(Roll::of_members(self.joined.len() as u32))
            }
            Lasts::BrokerByBroker => CourseState::Rolling(Roll::of_brokers(self.brokers)),
            Lasts::AWhile if course.waits_for_effect() && self.healed => {
                course.missed = Some(Missed::NoEffect);
                CourseState::Closing
            }
            Lasts::AWhile if course.waits_for_effect() => {
                if let Some(member) = course.target.member {
                    // An earlier fault that waits for the same member waits in vain from now on.
                    self.armed[member.0 as usize] = Some(fault);
                }
                CourseState::Armed
            }
            Lasts::AMoment | Lasts::AWhile | Lasts::Always => CourseState::Striking,
        };
    }

    /// Takes a fault from its end to what is left: a `lose-response` still waits for the answer
    /// that it takes away.
    fn close(&mut self, fault: FaultIndex) {
        let course = &mut self.courses[fault.0 as usize];
        if course.lost_request().is_none() || course.has_lost {
            course.state = CourseState::Telling;
        } else if self.healed {
            course.miss(Missed::NoEffect, CourseState::Telling);
        } else {
            course.state = CourseState::Laid;
        }
    }
}
