//! Kafka's error codes, by Kafka's names.

use crate::scenario::RequestKind;

/// An error code of Kafka's protocol (`org.apache.kafka.common.protocol.Errors`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "Kafka's own names")]
pub enum ErrorName {
    OffsetOutOfRange,
    UnknownTopicOrPartition,
    LeaderNotAvailable,
    NotLeaderOrFollower,
    RequestTimedOut,
    NetworkException,
    CoordinatorLoadInProgress,
    CoordinatorNotAvailable,
    NotCoordinator,
    NotEnoughReplicas,
    NotEnoughReplicasAfterAppend,
    IllegalGeneration,
    InconsistentGroupProtocol,
    UnknownMemberId,
    InvalidSessionTimeout,
    RebalanceInProgress,
    OutOfOrderSequenceNumber,
    FencedLeaderEpoch,
    UnknownLeaderEpoch,
    MemberIdRequired,
    FencedInstanceId,
    UnstableOffsetCommit,
}

impl ErrorName {
    /// All of them, in the order of Kafka's numbers.
    pub const ALL: [Self; 22] = [
        Self::OffsetOutOfRange,
        Self::UnknownTopicOrPartition,
        Self::LeaderNotAvailable,
        Self::NotLeaderOrFollower,
        Self::RequestTimedOut,
        Self::NetworkException,
        Self::CoordinatorLoadInProgress,
        Self::CoordinatorNotAvailable,
        Self::NotCoordinator,
        Self::NotEnoughReplicas,
        Self::NotEnoughReplicasAfterAppend,
        Self::IllegalGeneration,
        Self::InconsistentGroupProtocol,
        Self::UnknownMemberId,
        Self::InvalidSessionTimeout,
        Self::RebalanceInProgress,
        Self::OutOfOrderSequenceNumber,
        Self::FencedLeaderEpoch,
        Self::UnknownLeaderEpoch,
        Self::MemberIdRequired,
        Self::FencedInstanceId,
        Self::UnstableOffsetCommit,
    ];

    /// The errors that a broker answers to requests of a kind, as Kafka's own request handlers
    /// and coordinators do (`KafkaApis`, `ReplicaManager`, `GroupCoordinatorService`).
    pub const fn of_request(request: RequestKind) -> &'static [Self] {
        match request {
            RequestKind::Produce => &[
                Self::UnknownTopicOrPartition,
                Self::LeaderNotAvailable,
                Self::NotLeaderOrFollower,
                Self::RequestTimedOut,
                Self::NotEnoughReplicas,
                Self::NotEnoughReplicasAfterAppend,
                Self::OutOfOrderSequenceNumber,
            ],
            RequestKind::Fetch => &[
                Self::OffsetOutOfRange,
                Self::UnknownTopicOrPartition,
                Self::NotLeaderOrFollower,
                Self::FencedLeaderEpoch,
                Self::UnknownLeaderEpoch,
            ],
            RequestKind::ListOffsets => &[
                Self::UnknownTopicOrPartition,
                Self::LeaderNotAvailable,
                Self::NotLeaderOrFollower,
                Self::FencedLeaderEpoch,
                Self::UnknownLeaderEpoch,
            ],
            RequestKind::Metadata => &[Self::UnknownTopicOrPartition, Self::LeaderNotAvailable],
            RequestKind::OffsetCommit => &[
                Self::UnknownTopicOrPartition,
                Self::RequestTimedOut,
                Self::CoordinatorLoadInProgress,
                Self::CoordinatorNotAvailable,
                Self::NotCoordinator,
                Self::IllegalGeneration,
                Self::UnknownMemberId,
                Self::RebalanceInProgress,
                Self::FencedInstanceId,
            ],
            RequestKind::OffsetFetch => &[
                Self::CoordinatorLoadInProgress,
                Self::CoordinatorNotAvailable,
                Self::NotCoordinator,
                Self::UnstableOffsetCommit,
            ],
            RequestKind::FindCoordinator => &[
                Self::CoordinatorLoadInProgress,
                Self::CoordinatorNotAvailable,
            ],
            RequestKind::JoinGroup => &[
                Self::CoordinatorLoadInProgress,
                Self::CoordinatorNotAvailable,
                Self::NotCoordinator,
                Self::InconsistentGroupProtocol,
                Self::UnknownMemberId,
                Self::InvalidSessionTimeout,
                Self::RebalanceInProgress,
                Self::MemberIdRequired,
                Self::FencedInstanceId,
            ],
            RequestKind::SyncGroup => &[
                Self::CoordinatorLoadInProgress,
                Self::CoordinatorNotAvailable,
                Self::NotCoordinator,
                Self::IllegalGeneration,
                Self::InconsistentGroupProtocol,
                Self::UnknownMemberId,
                Self::RebalanceInProgress,
                Self::FencedInstanceId,
            ],
            // A coordinator that still loads answers heartbeats with success.
            RequestKind::Heartbeat => &[
                Self::CoordinatorNotAvailable,
                Self::NotCoordinator,
                Self::IllegalGeneration,
                Self::UnknownMemberId,
                Self::RebalanceInProgress,
                Self::FencedInstanceId,
            ],
            RequestKind::LeaveGroup => &[
                Self::CoordinatorLoadInProgress,
                Self::CoordinatorNotAvailable,
                Self::NotCoordinator,
                Self::UnknownMemberId,
                Self::FencedInstanceId,
            ],
        }
    }

    /// Kafka's number of the error.
    pub const fn code(self) -> i16 {
        match self {
            Self::OffsetOutOfRange => 1,
            Self::UnknownTopicOrPartition => 3,
            Self::LeaderNotAvailable => 5,
            Self::NotLeaderOrFollower => 6,
            Self::RequestTimedOut => 7,
            Self::NetworkException => 13,
            Self::CoordinatorLoadInProgress => 14,
            Self::CoordinatorNotAvailable => 15,
            Self::NotCoordinator => 16,
            Self::NotEnoughReplicas => 19,
            Self::NotEnoughReplicasAfterAppend => 20,
            Self::IllegalGeneration => 22,
            Self::InconsistentGroupProtocol => 23,
            Self::UnknownMemberId => 25,
            Self::InvalidSessionTimeout => 26,
            Self::RebalanceInProgress => 27,
            Self::OutOfOrderSequenceNumber => 45,
            Self::FencedLeaderEpoch => 74,
            Self::UnknownLeaderEpoch => 75,
            Self::MemberIdRequired => 79,
            Self::FencedInstanceId => 82,
            Self::UnstableOffsetCommit => 88,
        }
    }

    /// The error of this number, if it is one of ours.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.code() == code)
    }

    /// The error of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|error| error.name() == name)
    }

    /// The name as Kafka writes it, for example `NOT_LEADER_OR_FOLLOWER`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OffsetOutOfRange => "OFFSET_OUT_OF_RANGE",
            Self::UnknownTopicOrPartition => "UNKNOWN_TOPIC_OR_PARTITION",
            Self::LeaderNotAvailable => "LEADER_NOT_AVAILABLE",
            Self::NotLeaderOrFollower => "NOT_LEADER_OR_FOLLOWER",
            Self::RequestTimedOut => "REQUEST_TIMED_OUT",
            Self::NetworkException => "NETWORK_EXCEPTION",
            Self::CoordinatorLoadInProgress => "COORDINATOR_LOAD_IN_PROGRESS",
            Self::CoordinatorNotAvailable => "COORDINATOR_NOT_AVAILABLE",
            Self::NotCoordinator => "NOT_COORDINATOR",
            Self::NotEnoughReplicas => "NOT_ENOUGH_REPLICAS",
            Self::NotEnoughReplicasAfterAppend => "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
            Self::IllegalGeneration => "ILLEGAL_GENERATION",
            Self::InconsistentGroupProtocol => "INCONSISTENT_GROUP_PROTOCOL",
            Self::UnknownMemberId => "UNKNOWN_MEMBER_ID",
            Self::InvalidSessionTimeout => "INVALID_SESSION_TIMEOUT",
            Self::RebalanceInProgress => "REBALANCE_IN_PROGRESS",
            Self::OutOfOrderSequenceNumber => "OUT_OF_ORDER_SEQUENCE_NUMBER",
            Self::FencedLeaderEpoch => "FENCED_LEADER_EPOCH",
            Self::UnknownLeaderEpoch => "UNKNOWN_LEADER_EPOCH",
            Self::MemberIdRequired => "MEMBER_ID_REQUIRED",
            Self::FencedInstanceId => "FENCED_INSTANCE_ID",
            Self::UnstableOffsetCommit => "UNSTABLE_OFFSET_COMMIT",
        }
    }
}
