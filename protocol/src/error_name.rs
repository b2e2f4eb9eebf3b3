//! Kafka's error codes, by Kafka's names.

use crate::{RequestKind, Word};

crate::words! {
    /// An error code of Kafka's protocol (`org.apache.kafka.common.protocol.Errors`), in the order
    /// of Kafka's numbers.
    pub enum ErrorName: "error" {
        /// The broker met with what it did not expect.
        UnknownServerError = "UNKNOWN_SERVER_ERROR",
        /// The offset is outside of what the partition holds.
        OffsetOutOfRange = "OFFSET_OUT_OF_RANGE",
        /// The broker does not host the topic or the partition.
        UnknownTopicOrPartition = "UNKNOWN_TOPIC_OR_PARTITION",
        /// The partition has no leader, as while one is elected.
        LeaderNotAvailable = "LEADER_NOT_AVAILABLE",
        /// The broker does not lead the partition.
        NotLeaderOrFollower = "NOT_LEADER_OR_FOLLOWER",
        /// The broker could not do in time what was asked for.
        RequestTimedOut = "REQUEST_TIMED_OUT",
        /// The metadata of a committed offset are too long.
        OffsetMetadataTooLarge = "OFFSET_METADATA_TOO_LARGE",
        /// The connection broke before the answer.
        NetworkException = "NETWORK_EXCEPTION",
        /// The coordinator still reads the log of its groups.
        CoordinatorLoadInProgress = "COORDINATOR_LOAD_IN_PROGRESS",
        /// The group has no coordinator at the moment.
        CoordinatorNotAvailable = "COORDINATOR_NOT_AVAILABLE",
        /// The broker does not coordinate the group.
        NotCoordinator = "NOT_COORDINATOR",
        /// Fewer replicas are in sync than must be; nothing was written.
        NotEnoughReplicas = "NOT_ENOUGH_REPLICAS",
        /// Fewer replicas are in sync than must be; the leader has the records.
        NotEnoughReplicasAfterAppend = "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
        /// The generation in the request is not the group's.
        IllegalGeneration = "ILLEGAL_GENERATION",
        /// The member supports no assignor that the others do.
        InconsistentGroupProtocol = "INCONSISTENT_GROUP_PROTOCOL",
        /// The coordinator does not know the member.
        UnknownMemberId = "UNKNOWN_MEMBER_ID",
        /// The session timeout is outside of what the broker allows.
        InvalidSessionTimeout = "INVALID_SESSION_TIMEOUT",
        /// The group rebalances, so that the member must join again.
        RebalanceInProgress = "REBALANCE_IN_PROGRESS",
        /// There is such a topic or partition already.
        TopicAlreadyExists = "TOPIC_ALREADY_EXISTS",
        /// There are too few brokers for the replicas of a partition.
        InvalidReplicationFactor = "INVALID_REPLICATION_FACTOR",
        /// The replicas that were chosen for a partition cannot be its replicas.
        InvalidReplicaAssignment = "INVALID_REPLICA_ASSIGNMENT",
        /// The producer skipped a sequence number.
        OutOfOrderSequenceNumber = "OUT_OF_ORDER_SEQUENCE_NUMBER",
        /// A newer process of the producer has written since.
        InvalidProducerEpoch = "INVALID_PRODUCER_EPOCH",
        /// The group has members.
        NonEmptyGroup = "NON_EMPTY_GROUP",
        /// There is no such group.
        GroupIdNotFound = "GROUP_ID_NOT_FOUND",
        /// The leader epoch in the request is older than the broker's.
        FencedLeaderEpoch = "FENCED_LEADER_EPOCH",
        /// The leader epoch in the request is newer than the broker's.
        UnknownLeaderEpoch = "UNKNOWN_LEADER_EPOCH",
        /// The leader does not know yet up to where its log can be read.
        OffsetNotAvailable = "OFFSET_NOT_AVAILABLE",
        /// The member must join again with the id that the answer gives it.
        MemberIdRequired = "MEMBER_ID_REQUIRED",
        /// The preferred leader cannot lead.
        PreferredLeaderNotAvailable = "PREFERRED_LEADER_NOT_AVAILABLE",
        /// Another member has joined with the same instance id.
        FencedInstanceId = "FENCED_INSTANCE_ID",
        /// No replica can lead.
        EligibleLeadersNotAvailable = "ELIGIBLE_LEADERS_NOT_AVAILABLE",
        /// The partition has a leader already, as good as the election would give it.
        ElectionNotNeeded = "ELECTION_NOT_NEEDED",
        /// Members of the group have subscribed to the topic.
        GroupSubscribedToTopic = "GROUP_SUBSCRIBED_TO_TOPIC",
        /// The group has commits that are not stable yet.
        UnstableOffsetCommit = "UNSTABLE_OFFSET_COMMIT",
        else
        /// An error of which only the number is known: Kafka has more than these, and newer brokers
        /// have more than Kafka 4.1. It is called as clients call one that they do not know
        /// (`Errors.forCode`).
        Other(i16) = UnknownServerError,
    }
}

impl ErrorName {
    /// Returns the errors with which a broker answers requests of a kind, as Kafka's own request
    /// handlers and coordinators do (`KafkaApis`, `ReplicaManager`, `GroupCoordinatorService`).
    pub const fn of_request(request: RequestKind) -> &'static [Self] {
        match request {
            RequestKind::Produce => &[
                Self::UnknownTopicOrPartition,
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
                Self::NotLeaderOrFollower,
                Self::FencedLeaderEpoch,
                Self::UnknownLeaderEpoch,
                Self::OffsetNotAvailable,
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
            RequestKind::FindCoordinator => &[Self::CoordinatorNotAvailable],
            RequestKind::JoinGroup => &[
                Self::CoordinatorLoadInProgress,
                Self::CoordinatorNotAvailable,
                Self::NotCoordinator,
                Self::InconsistentGroupProtocol,
                Self::UnknownMemberId,
                Self::InvalidSessionTimeout,
                Self::RebalanceInProgress,
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

    /// Returns Kafka's number of the error.
    pub const fn code(self) -> i16 {
        match self {
            Self::Other(code) => code,
            Self::UnknownServerError => -1,
            Self::OffsetOutOfRange => 1,
            Self::UnknownTopicOrPartition => 3,
            Self::LeaderNotAvailable => 5,
            Self::NotLeaderOrFollower => 6,
            Self::RequestTimedOut => 7,
            Self::OffsetMetadataTooLarge => 12,
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
            Self::TopicAlreadyExists => 36,
            Self::InvalidReplicationFactor => 38,
            Self::InvalidReplicaAssignment => 39,
            Self::OutOfOrderSequenceNumber => 45,
            Self::InvalidProducerEpoch => 47,
            Self::NonEmptyGroup => 68,
            Self::GroupIdNotFound => 69,
            Self::FencedLeaderEpoch => 74,
            Self::UnknownLeaderEpoch => 75,
            Self::OffsetNotAvailable => 78,
            Self::MemberIdRequired => 79,
            Self::PreferredLeaderNotAvailable => 80,
            Self::FencedInstanceId => 82,
            Self::EligibleLeadersNotAvailable => 83,
            Self::ElectionNotNeeded => 84,
            Self::GroupSubscribedToTopic => 86,
            Self::UnstableOffsetCommit => 88,
        }
    }

    /// Returns the error of a number; `None`: it is the number of no error, 0.
    pub fn from_code(code: i16) -> Option<Self> {
        let mut named = Self::ALL.iter().copied();
        let named = named.find(|error| error.code() == code);
        (code != 0).then(|| named.unwrap_or(Self::Other(code)))
    }
}
