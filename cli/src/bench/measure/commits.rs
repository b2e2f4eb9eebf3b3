//! The commits of one trace, and their way to the broker.

use plimsoll_core::Instant;
use plimsoll_oracle::{MemberId, TraceEvent};
use std::collections::BTreeMap;
use std::time::Duration;

/// The commits of one trace.
#[derive(Debug, Default)]
pub(super) struct Commits {
    /// The number of commits that were sent.
    pub sent: u64,
    /// The time from the sending of each commit that was accepted to its acceptance by the broker.
    pub ways: Vec<Duration>,
    /// When each member sent the commit that is in flight.
    in_flight: BTreeMap<MemberId, Instant>,
}

impl Commits {
    /// Reads an entry of the trace.
    pub(super) fn observe(&mut self, at: Instant, event: &TraceEvent) {
        match *event {
            TraceEvent::CommitSent { member } => {
                self.sent += 1;
                self.in_flight.insert(member, at);
            }
            TraceEvent::Committed { member, .. } => {
                if let Some(sent) = self.in_flight.remove(&member) {
                    self.ways.push(at.saturating_since(sent));
                }
            }
            TraceEvent::CommitRefused { member, .. }
            | TraceEvent::CommitUnknown { member }
            | TraceEvent::MemberStopped { member }
            | TraceEvent::MemberExited { member, .. }
            | TraceEvent::MemberCrashed { member } => {
                self.in_flight.remove(&member);
            }
            _ => {}
        }
    }
}
