//! The marks of a timeline: what each kind of event looks like, and what stands beside it.

use super::super::markup::Element;
use plimsoll_core::Outcome;
use plimsoll_oracle::TraceEvent;

plimsoll_oracle::words! {
    /// What an event looks like: its word is the class that colours it.
    pub(super) enum Mark: "mark" {
        /// process starts, or wakes up
        Start = "start",
        /// process is asked to stop, or ends
        Stop = "stop",
        /// process dies, or ends by itself
        Crash = "crash",
        /// process stands still
        Pause = "pause",
        /// member gets the partition, reads from here
        Assigned = "assigned",
        /// member gives the partition up, or has lost it
        Taken = "taken",
        /// record is stored
        Stored = "stored",
        /// record is not stored
        NotStored = "not-stored",
        /// handler starts
        Begun = "begun",
        /// handler finishes its record
        Done = "done",
        /// handler fails
        Failed = "failed",
        /// handler is stopped
        Stopped = "stopped",
        /// record is dead-lettered
        DeadLetter = "dead-letter",
        /// commit is accepted: the next offset
        Commit = "commit",
        /// commit is sent
        CommitSent = "commit-sent",
        /// commit is refused, or has no answer
        CommitFailed = "commit-failed",
        /// position or committed offset is moved
        Position = "position",
        /// records are removed from the log
        Log = "log",
        /// broker leads the partition, or coordinates the group
        Leader = "leader",
        /// fault begins
        Fault = "fault",
        /// fault ends
        FaultEnd = "fault-end",
        /// all is healed, or the run is over
        Phase = "phase",
    }
}

impl Mark {
    /// Returns the mark of an event.
    pub(super) const fn of(event: &TraceEvent) -> Self {
        use TraceEvent as E;
        match event {
            E::MemberStarted { .. } | E::MemberResumed { .. } => Self::Start,
            E::MemberStopping { .. } | E::MemberStopped { .. } => Self::Stop,
            E::MemberCrashed { .. } | E::MemberExited { .. } => Self::Crash,
            E::MemberPaused { .. } => Self::Pause,
            E::Assigned { .. } => Self::Assigned,
            E::Revoked { .. } | E::Released { .. } | E::Lost { .. } => Self::Taken,
            E::Stored { .. } | E::Acknowledged { .. } => Self::Stored,
            E::ProduceFailed { .. } => Self::NotStored,
            E::HandlerStarted { .. } => Self::Begun,
            E::Effect {
                outcome: Outcome::Ok,
                ..
            } => Self::Done,
            E::Effect { .. } => Self::Failed,
            E::HandlerStopped { .. } => Self::Stopped,
            E::DeadLettered { .. } | E::DeadLetterAcknowledged { .. } => Self::DeadLetter,
            E::Committed { .. } | E::LateCommit { .. } => Self::Commit,
            E::CommitSent { .. } => Self::CommitSent,
            E::CommitRefused { .. } | E::CommitUnknown { .. } => Self::CommitFailed,
            E::OutOfRange { .. } | E::PositionReset { .. } | E::OffsetsReset { .. } => {
                Self::Position
            }
            E::Removed { .. } | E::Truncated { .. } => Self::Log,
            E::LeaderChanged { .. } | E::CoordinatorChanged { .. } => Self::Leader,
            E::FaultBegan { .. } | E::ResponseLost { .. } => Self::Fault,
            E::FaultEnded { .. } | E::FaultMissed { .. } => Self::FaultEnd,
            E::Healed | E::Quiet | E::Ended { .. } => Self::Phase,
        }
    }

    /// Returns its shape, as the path of an SVG around the point (0, 0), 14 units wide.
    const fn path(self) -> &'static str {
        match self {
            Self::Start => "M-5-6.5 7 0-5 6.5Z",
            Self::Stop => "M-5.5-5.5h11v11h-11Z",
            Self::Crash => {
                "M-6-3.2-3.2-6 0-2.8 3.2-6 6-3.2 2.8 0 6 3.2 3.2 6 0 2.8-3.2 6-6 3.2-2.8 0Z"
            }
            Self::Pause => "M-5.5-6h4v12h-4ZM1.5-6h4v12h-4Z",
            Self::Assigned => "M-6-6H1L7 0 1 6H-6Z",
            Self::Taken => "M6-6H-1L-7 0-1 6H6Z",
            Self::Stored | Self::NotStored => "M0-5.5A5.5 5.5 0 1 1 0 5.5 5.5 5.5 0 1 1 0-5.5Z",
            Self::Begun => "M-2-6.5H2V6.5H-2Z",
            Self::Done => "M0-7A7 7 0 1 1 0 7 7 7 0 1 1 0-7Z",
            Self::Failed => "M-2.9-7H2.9L7-2.9V2.9L2.9 7H-2.9L-7 2.9V-2.9Z",
            Self::Stopped => "M-7-2.5H7V2.5H-7Z",
            Self::DeadLetter => "M-7-5H7V5H-7Z",
            Self::Commit | Self::CommitSent | Self::CommitFailed => "M0-7.5 7.5 0 0 7.5-7.5 0Z",
            Self::Position => "M-2-6.5H2V0H6L0 7-6 0H-2Z",
            Self::Log => "M-6-6H-2.5V3H6V6H-6Z",
            Self::Leader => "M-7-4.5-3.2-.5 0-6.5 3.2-.5 7-4.5 5.5 5.5h-11Z",
            Self::Fault => "M2-7.5-5.5 1.5H-1L-2 7.5 5.5-1.5H1Z",
            Self::FaultEnd => "M-2-7H2V7H-2Z",
            Self::Phase => "M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z",
        }
    }

    /// Returns what is drawn over its shape, in the colour of the page.
    const fn detail(self) -> Option<&'static str> {
        match self {
            Self::Done => Some("M-3.2.2-1 2.6 3.2-2.4"),
            Self::Failed => Some("M-2.6-2.6 2.6 2.6M2.6-2.6-2.6 2.6"),
            Self::DeadLetter => Some("M-7-5 0 1 7-5"),
            Self::CommitFailed => Some("M-2.2-2.2 2.2 2.2M2.2-2.2-2.2 2.2"),
            Self::NotStored => Some("M-3.4 3.4 3.4-3.4"),
            _ => None,
        }
    }

    /// Draws it around the point (0, 0).
    pub(super) fn draw(self) -> Element {
        let shape = Element::new("path").class("shape").with("d", self.path());
        let detail = self.detail();
        let detail = detail.map(|path| Element::new("path").class("detail").with("d", path));
        Element::new("g")
            .class(format!("mark {}", plimsoll_oracle::Word::word(self)))
            .child(shape)
            .children(detail)
    }

    /// Draws it as a picture of its own, to stand in a line of text.
    pub(super) fn icon(self) -> Element {
        Element::new("svg")
            .class("icon")
            .with("viewBox", "-9 -9 18 18")
            .with("aria-hidden", "true")
            .child(self.draw())
    }
}

/// Returns what stands beside the mark of an event: the offset that it is about.
pub(super) fn label(event: &TraceEvent) -> Option<String> {
    use TraceEvent as E;
    match event {
        E::Committed { next, .. } | E::OffsetsReset { next, .. } => Some(next.to_string()),
        E::Assigned { position, .. } => Some(format!("from {position}")),
        E::OutOfRange { position, .. } => Some(format!("{position}?")),
        E::PositionReset { from, to, .. } => Some(format!("{from} → {to}")),
        E::Stored { offset, .. } | E::Acknowledged { offset, .. } => Some(format!("@{offset}")),
        E::DeadLettered { offset, .. } | E::DeadLetterAcknowledged { offset, .. } => {
            Some(format!("@{offset}"))
        }
        E::Removed { log_start, .. } => Some(format!("below {log_start}")),
        E::Truncated { log_end, .. } => Some(format!("from {log_end}")),
        E::Healed => Some("healed".into()),
        E::Quiet => Some("at rest".into()),
        E::Ended { .. } => Some("end".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_oracle::Word;
    use std::collections::BTreeSet;

    /// Colour is not all that tells marks apart: no two kinds are drawn alike.
    #[test]
    fn every_mark_has_a_look_of_its_own() {
        let outlined = [Mark::CommitSent];
        let looks = Mark::ALL.iter().map(|mark| {
            let is_outlined = outlined.contains(mark);
            (mark.path(), mark.detail(), is_outlined)
        });
        assert_eq!(looks.collect::<BTreeSet<_>>().len(), Mark::ALL.len());
    }

    /// The style sheet colours every kind.
    #[test]
    fn every_mark_has_a_colour() {
        for mark in Mark::ALL {
            let class = format!(".{}", mark.word());
            let style = super::super::super::STYLE;
            assert!(style.contains(&class), "no colour for {mark:?}");
        }
    }
}
