//! The lanes of a timeline: the parts of the run, and where each event stands.

use plimsoll_core::TopicPartition;
use plimsoll_oracle::{BrokerId, MemberId, Terms, TraceEvent};

/// A lane, in the order from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    /// Faults, and the phases of the run.
    Scenario,
    /// The producer.
    Producer,
    /// A process of the group.
    Member(MemberId),
    /// A partition: its log, and what is committed for it.
    Partition(TopicPartition),
    /// A broker.
    Broker(BrokerId),
}

impl Lane {
    /// Returns its name.
    pub(super) fn name(self, terms: &Terms) -> String {
        match self {
            Self::Scenario => "scenario".into(),
            Self::Producer => "producer".into(),
            Self::Member(member) => member.to_string(),
            Self::Partition(partition) => terms.partition_name(partition).to_string(),
            Self::Broker(broker) => broker.to_string(),
        }
    }

    /// Returns the class of its kind.
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Scenario => "of-scenario",
            Self::Producer => "of-producer",
            Self::Member(_) => "of-member",
            Self::Partition(_) => "of-partition",
            Self::Broker(_) => "of-broker",
        }
    }
}

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The lane of its mark.
    pub lane: Lane,
    /// The lane of what did it, where that is another one.
    pub from: Option<Lane>,
}

impl Place {
    /// Returns where an event stands: what concerns the log or the offsets of a partition, in the
    /// lane of the partition, and comes from that of the member or broker.
    pub(super) fn of(event: &TraceEvent) -> Self {
        use TraceEvent as E;
        let at = |lane| Self { lane, from: None };
        let from = |lane, from| Self {
            lane,
            from: Some(from),
        };
        match *event {
            E::MemberStarted { member }
            | E::MemberStopping { member }
            | E::MemberStopped { member }
            | E::MemberExited { member, .. }
            | E::MemberCrashed { member }
            | E::MemberPaused { member }
            | E::MemberResumed { member }
            | E::CommitSent { member }
            | E::CommitRefused { member, .. }
            | E::CommitUnknown { member }
            | E::ResponseLost { member, .. }
            | E::HandlerStarted { member, .. }
            | E::Effect { member, .. }
            | E::HandlerStopped { member, .. } => at(Lane::Member(member)),
            E::Assigned {
                member, partition, ..
            }
            | E::Revoked {
                member, partition, ..
            }
            | E::Released { member, partition }
            | E::Lost { member, partition }
            | E::OutOfRange {
                member, partition, ..
            }
            | E::PositionReset {
                member, partition, ..
            }
            | E::Committed {
                member, partition, ..
            }
            | E::LateCommit { member, partition }
            | E::DeadLettered {
                member, partition, ..
            }
            | E::DeadLetterAcknowledged {
                member, partition, ..
            } => from(Lane::Partition(partition), Lane::Member(member)),
            E::Stored { partition, .. }
            | E::Acknowledged { partition, .. }
            | E::Removed { partition, .. }
            | E::Truncated { partition, .. }
            | E::OffsetsReset { partition, .. } => at(Lane::Partition(partition)),
            E::LeaderChanged {
                partition, leader, ..
            } => from(Lane::Partition(partition), Lane::Broker(leader)),
            E::CoordinatorChanged { broker } => at(Lane::Broker(broker)),
            E::ProduceFailed { .. } => at(Lane::Producer),
            E::FaultBegan { .. }
            | E::FaultEnded { .. }
            | E::FaultMissed { .. }
            | E::Healed
            | E::Quiet
            | E::Ended { .. } => at(Lane::Scenario),
        }
    }
}

/// Returns the lanes of the processes that a fault hits, as its beginning tells them; none, where
/// it hits no process by itself.
pub(super) fn hit_by(event: &TraceEvent) -> Vec<Lane> {
    let TraceEvent::FaultBegan { member, broker, .. } = *event else {
        return Vec::new();
    };
    let member = member.map(Lane::Member);
    member.into_iter().chain(broker.map(Lane::Broker)).collect()
}
