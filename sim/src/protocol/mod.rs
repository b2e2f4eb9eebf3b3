//! What clients, brokers and the controller say to each other: lean types with Kafka's names.
//!
//! One type for each request of Kafka that is modelled. They carry what the state machines read,
//! and nothing for the wire. Measured on the reference scenario, an event costs 110 ns with lean
//! messages, 210 ns with the structs of the crate `kafka-protocol`, and 430 ns with encoded bytes.

mod fetch;

pub(crate) use fetch::{FetchPosition, FetchRequest, FetchResponse, FetchedPartition, Positions};

use crate::table::{DenseId, Table};
use crate::topology::PartitionIndex;
use plimsoll_core::{AssignmentEpoch, NextOffset, Offset};
use plimsoll_oracle::{ErrorName, MemberId, MessageId, RequestKind};
use plimsoll_scenarios::scenario::{Acks, Assignor};
use std::time::Duration;

/// An actor with an address: brokers first, then the controller, the producer and the members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node(pub u8);

/// One value for each node.
pub(crate) type PerNode<T> = Table<Node, T>;

/// One value for each broker: it has none for the other nodes.
pub(crate) type PerBroker<T> = Table<Node, T>;

impl DenseId for Node {
    #[inline]
    fn from_index(index: usize) -> Self {
        Self(index as u8)
    }

    #[inline]
    fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A connection between a client and a broker. A broker answers the requests of one connection
/// one by one, in order (`SocketServer` mutes a channel until its response is sent), so a long
/// poll would hold up whatever came behind it: clients keep separate connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Channel {
    /// Produce, Metadata, ListOffsets, FindCoordinator; between brokers and the controller: all.
    Data,
    /// Fetch.
    Fetch,
    /// Everything about the group.
    Coordinator,
}

impl Channel {
    /// Number of channels.
    pub(crate) const COUNT: usize = 3;
}

/// Number of a request, chosen by its sender, unique in its process for as long as that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Correlation(pub u32);

/// A member's id in the group protocol: given by the coordinator, never used twice in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupMemberId(pub u32);

impl GroupMemberId {
    /// The empty id, which no member ever gets.
    pub(crate) const EMPTY: Self = Self(0);
}

/// A generation of the group; -1 stands for none.
pub(crate) type Generation = i32;

/// What travels on the network.
#[derive(Debug)]
pub(crate) enum Message {
    /// A request.
    Request(Correlation, Request),
    /// The answer to a request.
    Response(Correlation, Response),
    /// What the controller decided, to a broker, newer than any before (KRaft: records of the
    /// metadata log).
    MetadataUpdate {
        partitions: Vec<PartitionState>,
        /// The brokers that may lead, and be in in-sync sets: neither fenced nor on their way to
        /// stop.
        active: BrokerSet,
        /// The brokers whose processes have registered since the last update: what was known of
        /// them was true of earlier ones (a broker epoch that differs).
        registered: BrokerSet,
    },
}

/// What a client asks of a broker, a follower of a leader, a broker of the controller.
#[derive(Debug)]
pub(crate) enum Request {
    /// What a client sends first on a connection, and waits for (`rd_kafka_broker_connect_up`).
    ApiVersions,
    Metadata,
    FindCoordinator,
    Produce {
        partition: PartitionIndex,
        value: Value,
        acks: Acks,
    },
    Fetch(Box<FetchRequest>),
    /// A request for both ends of a partition.
    ListOffsets {
        partition: PartitionIndex,
    },
    JoinGroup(Box<JoinGroupRequest>),
    SyncGroup {
        generation: Generation,
        member: GroupMemberId,
        /// `group.instance.id`, of static members only.
        instance: Option<u32>,
        /// Partitions of all members, from the group's leader only.
        assignments: Vec<(GroupMemberId, Vec<PartitionIndex>)>,
    },
    Heartbeat {
        generation: Generation,
        member: GroupMemberId,
        /// `group.instance.id`, of static members only.
        instance: Option<u32>,
    },
    /// From dynamic members only (KIP-345).
    LeaveGroup {
        member: GroupMemberId,
    },
    OffsetCommit {
        generation: Generation,
        member: GroupMemberId,
        /// `group.instance.id`, of static members only.
        instance: Option<u32>,
        offsets: Vec<CommittedOffset>,
    },
    /// A request for all that the group committed.
    OffsetFetch {
        /// Whether the answer waits for what is written and not replicated yet
        /// (`OffsetFetchRequest.requireStable`, KIP-447).
        require_stable: bool,
    },

    /// A broker's sign of life to the controller; also its registration after a start.
    BrokerHeartbeat {
        /// Number of the broker's start; a new one asks for a full `MetadataUpdate`.
        incarnation: u32,
        /// Whether the broker wants to stop, once its leaderships have moved away.
        wants_shutdown: bool,
    },
    /// A leader's proposal of a new in-sync set to the controller.
    AlterPartition {
        partition: PartitionIndex,
        leader_epoch: u32,
        /// Epoch of the state that the leader knows: a proposal for an older one is refused, as
        /// with Kafka's partition epoch.
        partition_epoch: u32,
        in_sync: BrokerSet,
    },
}

impl Message {
    /// Returns whether it changes something where it arrives although nothing reads the answer.
    pub(crate) fn has_effect(&self) -> bool {
        match self {
            Self::Request(_, request) => request.has_effect(),
            Self::Response(..) | Self::MetadataUpdate { .. } => true,
        }
    }
}

impl Request {
    /// Returns whether it changes something at its broker although nothing reads the answer.
    pub(crate) fn has_effect(&self) -> bool {
        match self {
            Self::ApiVersions
            | Self::Metadata
            | Self::FindCoordinator
            | Self::Fetch(_)
            | Self::ListOffsets { .. }
            | Self::OffsetFetch { .. } => false,
            Self::Produce { .. }
            | Self::JoinGroup(_)
            | Self::SyncGroup { .. }
            | Self::Heartbeat { .. }
            | Self::LeaveGroup { .. }
            | Self::OffsetCommit { .. }
            | Self::BrokerHeartbeat { .. }
            | Self::AlterPartition { .. } => true,
        }
    }

    /// Returns the request's name where it is one that clients want something with; `None` between
    /// brokers and controller, and for what opens a connection.
    pub(crate) fn kind(&self) -> Option<RequestKind> {
        Some(match self {
            Self::Metadata => RequestKind::Metadata,
            Self::FindCoordinator => RequestKind::FindCoordinator,
            Self::Produce { .. } => RequestKind::Produce,
            Self::Fetch(_) => RequestKind::Fetch,
            Self::ListOffsets { .. } => RequestKind::ListOffsets,
            Self::JoinGroup(_) => RequestKind::JoinGroup,
            Self::SyncGroup { .. } => RequestKind::SyncGroup,
            Self::Heartbeat { .. } => RequestKind::Heartbeat,
            Self::LeaveGroup { .. } => RequestKind::LeaveGroup,
            Self::OffsetCommit { .. } => RequestKind::OffsetCommit,
            Self::OffsetFetch { .. } => RequestKind::OffsetFetch,
            Self::ApiVersions | Self::BrokerHeartbeat { .. } | Self::AlterPartition { .. } => {
                return None;
            }
        })
    }

    /// Returns whether a request is about a partition.
    pub(crate) fn names(&self, of: PartitionIndex) -> bool {
        match self {
            Self::Produce { partition, .. } | Self::ListOffsets { partition } => *partition == of,
            Self::Fetch(fetch) => fetch.positions.get(of).is_some(),
            _ => false,
        }
    }

    /// Returns the answer that this request failed for a partition. A fetch is answered at once if
    /// one of its partitions fails (`DelayedFetch`); what the others have comes with the next one.
    pub(crate) fn into_failure(
        self,
        error: ErrorName,
        partition: PartitionIndex,
        mut response: Box<FetchResponse>,
    ) -> Response {
        let Self::Fetch(mut request) = self else {
            return Response::Failed(error);
        };
        std::mem::swap(&mut response.asked, &mut request.positions);
        response.partitions.push(FetchedPartition {
            partition,
            error: Some(error),
            records: 0,
            high_watermark: 0,
            log_start: 0,
            diverging: None,
        });
        Response::Fetch(response)
    }
}

/// The answer to a request; where `error` is set the other fields mean nothing.
#[derive(Debug)]
pub(crate) enum Response {
    ApiVersions,
    Metadata(Vec<LeaderInfo>),
    FindCoordinator(Result<Node, ErrorName>),
    /// The record's offset (with acks=0 no response is sent).
    Produce(Result<Offset, ErrorName>),
    Fetch(Box<FetchResponse>),
    /// The answers to the two questions for which one request stands.
    ListOffsets {
        earliest: Result<NextOffset, ErrorName>,
        latest: Result<NextOffset, ErrorName>,
    },
    JoinGroup(Result<Box<JoinGroupResponse>, JoinError>),
    /// The member's partitions.
    SyncGroup(Result<Vec<PartitionIndex>, ErrorName>),
    Heartbeat(Result<(), ErrorName>),
    LeaveGroup(Result<(), ErrorName>),
    OffsetCommit(Result<(), ErrorName>),
    OffsetFetch(Result<Vec<CommittedOffset>, ErrorName>),
    BrokerHeartbeat {
        /// Whether a broker that asked to stop may do so now.
        should_shutdown: bool,
    },
    AlterPartition(Result<(), AlterRefusal>),
    /// An error before the request was looked at: injected by a fault.
    Failed(ErrorName),
}

/// Why the controller does not take an in-sync set that a leader proposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AlterRefusal {
    /// A broker of the set may not be in it (`INELIGIBLE_REPLICA`): nothing has changed.
    Ineligible,
    /// The leader does not know the partition's state (`FENCED_LEADER_EPOCH`,
    /// `INVALID_UPDATE_VERSION` and others), which it will be told.
    Stale,
}

/// A set of brokers, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BrokerSet(pub u16);

impl BrokerSet {
    /// Returns whether the set holds a broker.
    pub(crate) fn contains(self, broker: Node) -> bool {
        self.0 & (1 << broker.0) != 0
    }

    /// Returns this set and one broker more.
    #[must_use]
    pub(crate) fn with(self, broker: Node) -> Self {
        Self(self.0 | 1 << broker.0)
    }

    /// Returns this set without one broker.
    #[must_use]
    pub(crate) fn without(self, broker: Node) -> Self {
        Self(self.0 & !(1 << broker.0))
    }

    /// Returns the brokers that are not in another set.
    #[must_use]
    pub(crate) fn beyond(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Returns the brokers that are in another set too.
    #[must_use]
    pub(crate) fn among(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Returns the number of brokers.
    pub(crate) fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Returns whether the set is empty.
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the brokers, lowest first.
    pub(crate) fn iter(self) -> impl Iterator<Item = Node> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let lowest = Node(rest.0.trailing_zeros() as u8);
            (!rest.is_empty()).then(|| {
                rest = rest.without(lowest);
                lowest
            })
        })
    }
}

/// A partition as the controller decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartitionState {
    pub partition: PartitionIndex,
    pub replicas: BrokerSet,
    /// The leading broker; `None`: no in-sync replica lives.
    pub leader: Option<Node>,
    pub leader_epoch: u32,
    pub in_sync: BrokerSet,
    pub partition_epoch: u32,
}

/// A partition's leader, as a broker tells clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LeaderInfo {
    pub partition: PartitionIndex,
    pub leader: Option<Node>,
    pub leader_epoch: u32,
}

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A message of the workload.
    Message {
        id: MessageId,
        key: Option<u32>,
        bytes: u32,
        /// Number of the message among those of this producer in this partition, from 0, where the
        /// producer is idempotent.
        sequence: Option<u32>,
    },
    /// A copy in the dead-letter topic: headers name its origin.
    DeadLetter {
        id: MessageId,
        partition: PartitionIndex,
        offset: Offset,
        /// The member that wrote it, and the assignment under which it gave the record up: both for
        /// the trace alone.
        member: MemberId,
        epoch: AssignmentEpoch,
    },
    /// In `__consumer_offsets`: a committed offset, with what the trace says of it.
    Commit {
        offset: CommittedOffset,
        member: MemberId,
        generation: Generation,
        /// Whether the group was rebalancing when the coordinator accepted the commit.
        rebalancing: bool,
        /// Whether its member had closed the connection when the commit arrived.
        late: bool,
    },
    /// In `__consumer_offsets`: an offset that was committed for no member, by a tool.
    Reset(CommittedOffset),
    /// In `__consumer_offsets`: the group's state, as an index into `Shared::group_snapshots`.
    Group(u32),
}

/// A committed offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommittedOffset {
    pub partition: PartitionIndex,
    pub next: NextOffset,
    /// The commit's metadata: Plimsoll's own consumer keeps `founding_partitions` there.
    pub metadata: Option<u32>,
}

/// A record in a log or on its way from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoredRecord {
    pub offset: Offset,
    pub leader_epoch: u32,
    pub value: Value,
}

/// Both ends of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogEnds {
    pub log_start: NextOffset,
    /// The high watermark.
    pub log_end: NextOffset,
}

/// A member's request to be in the group.
#[derive(Clone, Debug)]
pub(crate) struct JoinGroupRequest {
    /// The member's id; `None`: a new member.
    pub member: Option<GroupMemberId>,
    /// `group.instance.id` of a static member.
    pub instance: Option<u32>,
    pub session_timeout: Duration,
    pub rebalance_timeout: Duration,
    pub assignor: Assignor,
    /// Partitions that the member owns (KIP-429), for sticky assignment.
    pub owned: Vec<PartitionIndex>,
    /// The generation whose assignment they are (KIP-792); -1: none.
    pub owned_since: Generation,
}

/// A new generation of the group, as a member learns of it.
#[derive(Clone, Debug)]
pub(crate) struct JoinGroupResponse {
    pub generation: Generation,
    pub member: GroupMemberId,
    pub leader: GroupMemberId,
    /// For the leader only: the members that joined, with what each owns, in the coordinator's
    /// order.
    pub members: Vec<JoinedMember>,
}

/// A member, as the group's leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JoinedMember {
    pub member: GroupMemberId,
    pub instance: Option<u32>,
    pub owned: Vec<PartitionIndex>,
    /// The generation whose assignment they are; -1: none.
    pub owned_since: Generation,
}

/// Why a join was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JoinError {
    /// The id with which to join again (KIP-394).
    MemberIdRequired(GroupMemberId),
    /// Any other error.
    Other(ErrorName),
}
