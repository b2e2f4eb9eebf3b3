//! What clients, brokers and the controller say to each other: requests and their answers.

use crate::{
    Acks, AdminRequest, AdminResponse, BrokerSet, ClusterMetadata, CommittedOffset, Dialect,
    ErrorName, FetchRequest, FetchResponse, FetchedPartition, FoundOffset, GroupIndex,
    GroupMemberId, JoinError, JoinGroupRequest, JoinGroupResponse, Leaving, Left, Node,
    OffsetCommitResponse, OffsetsRequest, PartitionIndex, PartitionState, RequestKind, Sender,
    SyncGroupResponse, VotedProtocol, Wanted,
};
use plimsoll_core::Offset;

/// Number of a request, chosen by its sender, unique in its process for as long as that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Correlation(pub u32);

/// A message on the network.
#[derive(Debug)]
pub enum Message<D: Dialect> {
    /// A request.
    Request(Correlation, Request<D>),
    /// The answer to a request.
    Response(Correlation, Response<D>),
    /// What the controller decided, to a broker, newer than any before (KRaft: records of the
    /// metadata log).
    MetadataUpdate {
        /// The partitions whose state has changed, or all that there are.
        partitions: Vec<PartitionState>,
        /// Partitions that are gone, or that are still to come.
        removed: Vec<PartitionIndex>,
        /// The brokers that may lead, and be in in-sync sets: neither fenced nor on their way to
        /// stop.
        active: BrokerSet,
        /// The brokers whose processes have registered since the last update: what was known of
        /// them was true of earlier ones (a broker epoch that differs).
        registered: BrokerSet,
    },
}

/// `request.timeout.ms` of producers, which they send with each request, as clients have it by
/// default.
pub const PRODUCE_TIMEOUT_MS: u32 = 30_000;

/// What a client asks of a broker, a follower of a leader, a broker of the controller.
#[derive(Debug)]
pub enum Request<D: Dialect> {
    /// What a client sends first on a connection, and waits for (`rd_kafka_broker_connect_up`).
    ApiVersions,
    /// A request for brokers, topics and leaders.
    Metadata,
    /// A request for the coordinator of a group.
    FindCoordinator {
        /// The group.
        group: GroupIndex,
    },
    /// A batch of records for a partition.
    Produce {
        /// The partition.
        partition: PartitionIndex,
        /// The records.
        batch: D::Batch,
        /// The replicas that must have them before the answer.
        acks: Acks,
        /// Longest wait for the replicas, in milliseconds.
        timeout_ms: u32,
    },
    /// A request for records.
    Fetch(Box<FetchRequest>),
    /// A question about the offsets of a partition, as `ListOffsets` and others ask it.
    Offsets(OffsetsRequest),
    /// The parts of one request, which are worked at side by side and answered together.
    Parts(Vec<Self>),
    /// A member's request to be in a new generation of its group.
    JoinGroup(Box<JoinGroupRequest<D>>),
    /// A member's request for what the group's leader gives it.
    SyncGroup {
        /// The member.
        sender: Sender,
        /// The protocol by which the member believes the group to be assigned (KIP-559); `None`:
        /// it does not say.
        protocol: Option<VotedProtocol<D>>,
        /// Assignments of all members, from the group's leader only.
        assignments: Vec<(GroupMemberId, D::Assignment)>,
    },
    /// A member's sign of life to its coordinator.
    Heartbeat(Sender),
    /// The end of memberships.
    LeaveGroup {
        /// The group.
        group: GroupIndex,
        /// The members that leave it.
        members: Vec<Leaving>,
    },
    /// From a member, or, with generation -1, from a client that is none.
    OffsetCommit {
        /// The member, or the group alone.
        sender: Sender,
        /// The offsets.
        offsets: Vec<CommittedOffset<D>>,
    },
    /// A request for offsets that a group committed.
    OffsetFetch {
        /// The group.
        group: GroupIndex,
        /// The partitions of which it wants to know; `None`: all of which the group committed.
        partitions: Option<Vec<PartitionIndex>>,
        /// Whether the answer waits for what is written and not replicated yet
        /// (`OffsetFetchRequest.requireStable`, KIP-447).
        require_stable: bool,
    },

    /// What a tool asks.
    Admin(Box<AdminRequest<D>>),
    /// A broker's sign of life to the controller; also its registration after a start.
    BrokerHeartbeat {
        /// Number of the broker's start; a new one asks for a full `MetadataUpdate`.
        incarnation: u32,
        /// Whether the broker wants to stop, once its leaderships have moved away.
        wants_shutdown: bool,
    },
    /// A leader's proposal of a new in-sync set to the controller.
    AlterPartition {
        /// The partition that it leads.
        partition: PartitionIndex,
        /// The epoch in which it leads.
        leader_epoch: u32,
        /// Epoch of the state that the leader knows: a proposal for an older one is refused, as
        /// with Kafka's partition epoch.
        partition_epoch: u32,
        /// The proposed set.
        in_sync: BrokerSet,
    },
}

impl<D: Dialect> Message<D> {
    /// Returns whether it changes something where it arrives although nothing reads the answer.
    pub fn has_effect(&self) -> bool {
        match self {
            Self::Request(_, request) => request.has_effect(),
            Self::Response(..) | Self::MetadataUpdate { .. } => true,
        }
    }
}

impl<D: Dialect> Request<D> {
    /// Returns whether it changes something at its broker although nothing reads the answer.
    pub fn has_effect(&self) -> bool {
        match self {
            Self::Offsets(request) => matches!(request.wanted, Wanted::Removal { .. }),
            Self::Parts(parts) => parts.iter().any(Self::has_effect),
            Self::ApiVersions
            | Self::Metadata
            | Self::FindCoordinator { .. }
            | Self::Fetch(_)
            | Self::OffsetFetch { .. } => false,
            Self::Produce { .. }
            | Self::JoinGroup(_)
            | Self::SyncGroup { .. }
            | Self::Heartbeat(_)
            | Self::LeaveGroup { .. }
            | Self::OffsetCommit { .. }
            | Self::Admin(_)
            | Self::BrokerHeartbeat { .. }
            | Self::AlterPartition { .. } => true,
        }
    }

    /// Returns the request's name where it is one that clients want something with; `None` between
    /// brokers and controller, for what opens a connection, and for what tools ask.
    pub fn kind(&self) -> Option<RequestKind> {
        Some(match self {
            Self::Metadata => RequestKind::Metadata,
            Self::FindCoordinator { .. } => RequestKind::FindCoordinator,
            Self::Produce { .. } => RequestKind::Produce,
            Self::Fetch(_) => RequestKind::Fetch,
            Self::Offsets(request) if request.is_listing() => RequestKind::ListOffsets,
            Self::Parts(parts) => return parts.first()?.kind(),
            Self::JoinGroup(_) => RequestKind::JoinGroup,
            Self::SyncGroup { .. } => RequestKind::SyncGroup,
            Self::Heartbeat(_) => RequestKind::Heartbeat,
            Self::LeaveGroup { .. } => RequestKind::LeaveGroup,
            Self::OffsetCommit { .. } => RequestKind::OffsetCommit,
            Self::OffsetFetch { .. } => RequestKind::OffsetFetch,
            Self::ApiVersions
            | Self::Offsets(_)
            | Self::Admin(_)
            | Self::BrokerHeartbeat { .. }
            | Self::AlterPartition { .. } => return None,
        })
    }

    /// Returns whether a request is about a partition.
    pub fn names(&self, of: PartitionIndex) -> bool {
        match self {
            Self::Produce { partition, .. } => *partition == of,
            Self::Offsets(request) => request.partition == of,
            Self::Parts(parts) => parts.iter().any(|part| part.names(of)),
            Self::Fetch(fetch) => fetch.positions.get(of).is_some(),
            _ => false,
        }
    }

    /// Returns the answer that this request failed for a partition. A fetch is answered at once if
    /// one of its partitions fails (`DelayedFetch`); what the others have comes with the next one.
    pub fn into_failure(
        self,
        error: ErrorName,
        partition: PartitionIndex,
        mut response: Box<FetchResponse<D>>,
    ) -> Response<D> {
        let Self::Fetch(mut request) = self else {
            return Response::Failed(error);
        };
        std::mem::swap(&mut response.asked, &mut request.positions);
        response.partitions.push(FetchedPartition {
            partition,
            error: Some(error),
            entries: 0,
            high_watermark: 0,
            log_start: 0,
            diverging: None,
        });
        Response::Fetch(response)
    }
}

/// The answer to a request; where `error` is set the other fields mean nothing.
#[derive(Debug)]
pub enum Response<D: Dialect> {
    /// The versions of requests that the broker knows, which nothing here reads.
    ApiVersions,
    /// The cluster, as far as the broker knows.
    Metadata(ClusterMetadata),
    /// The coordinator.
    FindCoordinator(Result<Node, ErrorName>),
    /// The record's offset (with acks=0 no response is sent).
    Produce(Result<Offset, ErrorName>),
    /// The records, and what is told of their partitions.
    Fetch(Box<FetchResponse<D>>),
    /// The place that was asked for; `None`: there is no such.
    Offsets(Result<Option<FoundOffset>, ErrorName>),
    /// The answers to the parts of a request, in their order.
    Parts(Vec<Self>),
    /// The new generation.
    JoinGroup(Result<Box<JoinGroupResponse<D>>, JoinError>),
    /// What the member gets in it.
    SyncGroup(Result<SyncGroupResponse<D>, ErrorName>),
    /// Whether the coordinator counts the member in.
    Heartbeat(Result<(), ErrorName>),
    /// What became of each member that was to leave.
    LeaveGroup(Result<Vec<Left>, ErrorName>),
    /// What became of the offsets.
    OffsetCommit(OffsetCommitResponse),
    /// What the group committed, of the partitions that were asked for.
    OffsetFetch(Result<Vec<CommittedOffset<D>>, ErrorName>),
    /// The controller's answer to a sign of life.
    BrokerHeartbeat {
        /// Whether a broker that asked to stop may do so now.
        should_shutdown: bool,
    },
    /// Whether the in-sync set is what was proposed.
    AlterPartition(Result<(), AlterRefusal>),
    /// The answer to what a tool asked.
    Admin(Box<AdminResponse<D>>),
    /// An error before the request was looked at: injected by a fault.
    Failed(ErrorName),
}

/// Why the controller does not take an in-sync set that a leader proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlterRefusal {
    /// A broker of the set may not be in it (`INELIGIBLE_REPLICA`): nothing has changed.
    Ineligible,
    /// The leader does not know the partition's state (`FENCED_LEADER_EPOCH`,
    /// `INVALID_UPDATE_VERSION` and others), which it will be told.
    Stale,
}
