//! One fault, from its trigger to its end.

use super::roll::{self, Roll, Turn};
use super::target::{self, Situation, Target};
use crate::scenario::{Fault, FaultKind, Lasts, Trigger};
use plimsoll_core::Instant;
use plimsoll_oracle::{MemberId, Missed, RequestKind, TraceEvent};

/// One fault, from its trigger to its end.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) fault: Fault,
    pub(super) state: CourseState,
    /// The member that its trigger was about.
    pub(super) triggered_by: Option<MemberId>,
    /// What it hits, once it has begun.
    pub(super) target: Target,
    /// Whether a `lose-response` has taken its answer away.
    pub(super) has_lost: bool,
    /// The reason why it did not take effect, once that is known.
    pub(super) missed: Option<Missed>,
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
    Closing,
    /// The wait of a `lose-response`, which has ended, for the answer that it takes away.
    Laid,
    /// The moment to write into the trace whether it was missed.
    Telling,
    /// The time after its end, or after it was missed.
    Over,
}

impl Course {
    pub(super) fn new(fault: &Fault) -> Self {
        let mut course = Self {
            fault: fault.clone(),
            state: CourseState::Asleep,
            triggered_by: None,
            target: Target::default(),
            has_lost: false,
            missed: None,
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

    /// Returns whether it waits for this answer to be lost.
    pub(super) fn is_laid_for(&self, member: MemberId, request: RequestKind) -> bool {
        use CourseState as S;
        let is_laid = matches!(self.state, S::Acting | S::Acted | S::Closing | S::Laid);
        is_laid
            && !self.has_lost
            && self.target.member == Some(member)
            && self.lost_request() == Some(request)
    }

    /// Returns the kind of the request whose answer it takes away, if it does that.
    pub(super) fn lost_request(&self) -> Option<RequestKind> {
        match self.fault.kind {
            FaultKind::LoseResponse { request, .. } => Some(request),
            _ => None,
        }
    }

    /// Ends it without an effect.
    pub(super) fn miss(&mut self, reason: Missed, state: CourseState) {
        self.missed = Some(reason);
        self.state = state;
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
            self.state = CourseState::Closing;
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
        if turn == Turn::Over && !roll.has_restarted() {
            self.missed = Some(Missed::NoEffect);
        }
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

    /// Returns what the trace says at the very end: nothing, where it took effect.
    pub(super) fn told(&self) -> Option<TraceEvent> {
        self.missed.map(|reason| TraceEvent::FaultMissed {
            fault: self.fault.id,
            reason,
        })
    }

    pub(super) fn ended(&self) -> TraceEvent {
        TraceEvent::FaultEnded {
            fault: self.fault.id,
        }
    }
}
