//! When a condition comes true: what of a trace meets it, and which member that is about.

use super::{Condition, Moment};
use plimsoll_core::Outcome;
use plimsoll_oracle::{MemberId, RequestKind, TraceEvent};

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
            Self::PartitionsLost => matches!(event, TraceEvent::Lost { .. }),
            Self::Acknowledged => matches!(event, TraceEvent::Acknowledged { .. }),
            Self::DeadLettered => matches!(event, TraceEvent::DeadLettered { .. }),
            Self::RevokedBuffered
            | Self::JoinInFlight
            | Self::SyncInFlight
            | Self::OffsetFetchInFlight
            | Self::LookupInFlight
            | Self::FetchInFlight
            | Self::HeartbeatInFlight => false,
        }
    }

    /// Returns the moment that the condition waits for, where no observation meets it: only the
    /// simulator sees such moments.
    pub const fn moment(self) -> Option<Moment> {
        Some(match self {
            Self::RevokedBuffered => Moment::RevokedBuffered,
            Self::JoinInFlight => Moment::Sent(RequestKind::JoinGroup),
            Self::SyncInFlight => Moment::Sent(RequestKind::SyncGroup),
            Self::OffsetFetchInFlight => Moment::Sent(RequestKind::OffsetFetch),
            Self::LookupInFlight => Moment::Sent(RequestKind::ListOffsets),
            Self::FetchInFlight => Moment::Sent(RequestKind::Fetch),
            Self::HeartbeatInFlight => Moment::Sent(RequestKind::Heartbeat),
            Self::CommitInFlight
            | Self::CommitAccepted
            | Self::HandlerStarted
            | Self::Effect
            | Self::HandlerFailed
            | Self::Assigned
            | Self::Revoked
            | Self::RevokedInFlight
            | Self::PartitionsLost
            | Self::Acknowledged
            | Self::DeadLettered => return None,
        })
    }

    /// Returns the member that an observation which meets a condition is about: `triggering`
    /// in a scenario file. What is acknowledged to the producer is about none.
    pub const fn triggering_member(event: &TraceEvent) -> Option<MemberId> {
        match event {
            TraceEvent::Assigned { member, .. }
            | TraceEvent::Revoked { member, .. }
            | TraceEvent::Lost { member, .. }
            | TraceEvent::CommitSent { member }
            | TraceEvent::Committed { member, .. }
            | TraceEvent::HandlerStarted { member, .. }
            | TraceEvent::Effect { member, .. }
            | TraceEvent::DeadLettered { member, .. } => Some(*member),
            _ => None,
        }
    }
}
