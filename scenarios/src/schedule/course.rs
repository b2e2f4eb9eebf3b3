//! One fault, from its trigger to its end.

use super::Missed;
use super::roll::{self, Roll, Turn};
use super::target::{self, Situation, Target};
use crate::scenario::{Fault, FaultKind, Lasts, Trigger};
use plimsoll_core::Instant;
use plimsoll_oracle::{MemberId, TraceEvent};

/// One fault, from its trigger to its end.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) fault: Fault,
    pub(super) state: CourseState,
    /// The member that its trigger was about.
    pub(super) triggered_by: Option<MemberId>,
    /// What it hits, once it has begun.
    pub(super) target: Target,
    /// The moment of its timer; absent once the backend knows it.
    pub(super) wake: Option<Instant>,
}

/// How far a fault has come.
#[derive(Clone, Copy, Debug)]
pub(super) enum CourseState {
    /// The wait for its condition, which must come true `missing` more times.
    Waiting { missing: u32 },
    /// The wait for its timer, with which it begins.
    Asleep,
    /// The moment to begin, if its target is there.
    Due,
    /// The moment after the trace has its beginning.
    Begun,
    /// The wait of a `crash-after-effect` for an effect.
    Armed,
    /// The moment to do what it does.
    Striking,
    /// The time in which the backend does it.
    Acting,
    /// The moment after the backend has done it.
    Acted,
    /// The time for which it lasts, until its timer is due or everything is healed.
    Active,
    /// The time in which it restarts one process after the other.
    Rolling(Roll),
    /// The moment to end.
    Ending,
    /// The moment to undo it; the trace has its end.
    Undo,
    /// The time in which the backend undoes it.
    Undoing { end_is_noted: bool },
    /// The moment to write its end into the trace: nothing else is left to do.
    Closing(Option<Missed>),
    /// The time after its end, or after it was missed.
    Over(Option<Missed>),
}

impl Course {
    pub(super) fn new(fault: &Fault) -> Self {
        let mut course = Self {
            fault: fault.clone(),
            state: CourseState::Asleep,
            triggered_by: None,
            target: Target::default(),
            wake: None,
        };
        match fault.trigger {
            Trigger::At(at) => course.sleep_until(at),
            Trigger::When { count, .. } => {
                course.state = CourseState::Waiting {
                    missing: count.max(1),
                };
            }
        }
        course
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, CourseState::Waiting { .. })
    }

    pub(super) fn sleep_until(&mut self, at: Instant) {
        self.state = CourseState::Asleep;
        self.wake = Some(at);
    }

    /// Finds the target; returns what the trace says, or `None` where the target is not there.
    pub(super) fn begin(&mut self, situation: &impl Situation) -> Option<TraceEvent> {
        self.target = Target::find(&self.fault.kind, self.triggered_by, situation)?;
        self.state = CourseState::Begun;
        Some(TraceEvent::FaultBegan {
            fault: self.fault.id,
            member: self.target.member,
            broker: self.target.broker,
        })
    }

    /// Lets the fault last, now that what it does is done, or ends it.
    pub(super) fn last(&mut self, now: Instant, healed: bool) {
        if matches!(self.fault.kind.lasts(), Lasts::AMoment | Lasts::Always) {
            self.state = CourseState::Closing(None);
        } else if healed {
            self.state = CourseState::Ending;
        } else {
            self.state = CourseState::Active;
            self.wake = self.fault.duration.map(|duration| now + duration);
        }
    }

    /// Takes a turn of a rolling restart. `stops`: no further process is restarted.
    pub(super) fn roll(&mut self, now: Instant, stops: bool, situation: &impl Situation) -> Turn {
        let takes_time = self.takes_time(situation);
        let CourseState::Rolling(roll) = &mut self.state else {
            return Turn::Wait;
        };
        if stops && !takes_time {
            roll.leave_them();
        }
        let turn = roll.poll(stops, |process| target::runs(process, situation));
        if matches!(turn, Turn::Restart(_) | Turn::Skip(_)) && roll.is_pausing() {
            self.wake = Some(now + self.fault.duration.unwrap_or(roll::PAUSE));
        }
        turn
    }

    /// Returns whether it does nothing before the next effect of its member.
    pub(super) fn waits_for_effect(&self) -> bool {
        matches!(self.fault.kind, FaultKind::CrashAfterEffect { .. })
    }

    pub(super) fn takes_time(&self, situation: &impl Situation) -> bool {
        self.fault.kind.breaks_brokers() && situation.brokers_take_time()
    }

    pub(super) fn ended(&self) -> TraceEvent {
        TraceEvent::FaultEnded {
            fault: self.fault.id,
        }
    }
}
