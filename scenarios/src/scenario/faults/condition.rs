//! When a condition comes true: what of a trace meets it, and which member that is about.

use super::Condition;
use plimsoll_core::Outcome;
use plimsoll_oracle::{MemberId, TraceEvent};

impl Condition {
    /// Returns whether this observation is what the condition waits for.
    pub fn is_met_by(self, event: &TraceEvent) -> bool {
        match self {
            Self::CommitInFlight => matches!(event, TraceEvent::CommitSent { .. }),
            Self::CommitAccepted => matches!(event, TraceEvent::Committed { .. }),
            Self::HandlerStarted => matches!(event, TraceEvent::HandlerStarted { .. }),
            Self::Effect => {
                matches!(event, TraceEvent::Effect { outcome, .. } if *outcome == Outcome::Ok)
            }
            Self::HandlerFailed => {
                matches!(event, TraceEvent::Effect { outcome, .. } if *outcome != Outcome::Ok)
            }
            Self::Assigned => matches!(event, TraceEvent::Assigned { .. }),
            Self::Revoked => matches!(event, TraceEvent::Revoked { .. }),
            Self::RevokedInFlight => {
                matches!(event, TraceEvent::Revoked { in_flight, .. } if *in_flight > 0)
            }
            Self::Acknowledged => matches!(event, TraceEvent::Acknowledged { .. }),
            Self::DeadLettered => matches!(event, TraceEvent::DeadLettered { .. }),
        }
    }

    /// Returns the member that an observation which meets a condition is about: `triggering`
    /// in a scenario file. What is acknowledged to the producer is about none.
    pub const fn triggering_member(event: &TraceEvent) -> Option<MemberId> {
        match event {
            TraceEvent::Assigned { member, .. }
            | TraceEvent::Revoked { member, .. }
            | TraceEvent::CommitSent { member }
            | TraceEvent::Committed { member, .. }
            | TraceEvent::HandlerStarted { member, .. }
            | TraceEvent::Effect { member, .. }
            | TraceEvent::DeadLettered { member, .. } => Some(*member),
            _ => None,
        }
    }
}
