//! What clients, brokers and the controller say to each other: lean types with Kafka's names.
//!
//! One type for each request of Kafka that is modelled. They carry what the state machines read,
//! and nothing for the wire. Measured on the reference scenario, an event costs 110 ns with lean
//! messages, 210 ns with the structs of the crate `kafka-protocol`, and 430 ns with encoded bytes.

#[cfg_attr(
    not(any(test, feature = "wire")),
    expect(dead_code, reason = "tools ask only clusters that are served")
)]
mod admin;
#[cfg(test)]
pub(crate) mod batched;
mod channel;
mod dialect;
mod entry;
mod fetch;
mod group;
mod lean;
#[cfg_attr(
    not(any(test, feature = "wire")),
    expect(dead_code, reason = "only clients of clusters that are served ask so")
)]
mod offsets;

pub(crate) use admin::{
    AdminRequest, AdminResponse, GroupDescription, ListedGroup, MemberDescription,
};
pub(crate) use channel::{Channel, Channels, Sharing};
pub(crate) use dialect::{Batch, CommitMetadata, Dialect, ProducerStamp, ProtocolName, Protocols};
pub(crate) use entry::{Commit, CommittedOffset, Content, LogEntry};
pub(crate) use fetch::{
    FetchPosition, FetchRequest, FetchResponse, FetchedPartition, NO_EPOCH, Positions,
};
pub(crate) use group::{
    Generation, GroupIndex, GroupMemberId, GroupState, JoinError, JoinGroupRequest,
    JoinGroupResponse, JoinedMember, Leaving, Left, OffsetCommitResponse, ProtocolType, Sender,
    SyncGroupResponse, VotedProtocol,
};
pub(crate) use lean::{Lean, Subscription, Value};
pub(crate) use offsets::{FoundOffset, OffsetsRequest, Wanted};

use crate::table::{Table, dense_id};
use crate::topology::PartitionIndex;
use plimsoll_core::Offset;
use plimsoll_oracle::{ErrorName, RequestKind};
use plimsoll_scenarios::scenario::Acks;

/// An actor with an address: brokers first, then the controller, then clients. In the simulator these
/// are the producer and the members; else each connection from outside is a node, which is given
/// again once it has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Node(pub u16);

/// One value for each node.
pub(crate) type PerNode<T> = Table<Node, T>;

/// One value for each broker: it has none for the other nodes.
pub(crate) type PerBroker<T> = Table<Node, T>;

dense_id!(Node(u16));

/// Number of a request, chosen by its sender, unique in its process for as long as that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Correlation(pub u32);

/// What travels on the network.
#[derive(Debug)]
pub(crate) enum Message<D: Dialect = Lean> {
    /// A request.
    Request(Correlation, Request<D>),
    /// The answer to a request.
    Response(Correlation, Response<D>),
    /// What the controller decided, to a broker, newer than any before (KRaft: records of the
    /// metadata log).
    MetadataUpdate {
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
pub(crate) const PRODUCE_TIMEOUT_MS: u32 = 30_000;

/// What a client asks of a broker, a follower of a leader, a broker of the controller.
#[derive(Debug)]
pub(crate) enum Request<D: Dialect = Lean> {
    /// What a client sends first on a connection, and waits for (`rd_kafka_broker_connect_up`).
    ApiVersions,
    Metadata,
    FindCoordinator {
        group: GroupIndex,
    },
    Produce {
        partition: PartitionIndex,
        batch: D::Batch,
        acks: Acks,
        /// Longest wait for the replicas, in milliseconds.
        timeout_ms: u32,
    },
    Fetch(Box<FetchRequest>),
    /// A question about the offsets of a partition, as `ListOffsets` and others ask it.
    Offsets(OffsetsRequest),
    /// The parts of one request, which are worked at side by side and answered together.
    #[cfg_attr(
        not(any(test, feature = "wire")),
        expect(
            dead_code,
            reason = "simulated clients ask for one partition at a time"
        )
    )]
    Parts(Vec<Self>),
    JoinGroup(Box<JoinGroupRequest<D>>),
    SyncGroup {
        sender: Sender,
        /// The protocol by which the member believes the group to be assigned (KIP-559); `None`:
        /// it does not say.
        protocol: Option<VotedProtocol<D>>,
        /// Assignments of all members, from the group's leader only.
        assignments: Vec<(GroupMemberId, D::Assignment)>,
    },
    Heartbeat(Sender),
    LeaveGroup {
        group: GroupIndex,
        members: Vec<Leaving>,
    },
    /// From a member, or, with generation -1, from a client that is none.
    OffsetCommit {
        sender: Sender,
        offsets: Vec<CommittedOffset<D>>,
    },
    OffsetFetch {
        group: GroupIndex,
        /// The partitions of which it wants to know; `None`: all of which the group committed.
        partitions: Option<Vec<PartitionIndex>>,
        /// Whether the answer waits for what is written and not replicated yet
        /// (`OffsetFetchRequest.requireStable`, KIP-447).
        require_stable: bool,
    },

    /// What a tool asks.
    #[cfg_attr(
        not(any(test, feature = "wire")),
        expect(dead_code, reason = "tools ask only clusters that are served")
    )]
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
        partition: PartitionIndex,
        leader_epoch: u32,
        /// Epoch of the state that the leader knows: a proposal for an older one is refused, as
        /// with Kafka's partition epoch.
        partition_epoch: u32,
        in_sync: BrokerSet,
    },
}

impl<D: Dialect> Message<D> {
    /// Returns whether it changes something where it arrives although nothing reads the answer.
    pub(crate) fn has_effect(&self) -> bool {
        match self {
            Self::Request(_, request) => request.has_effect(),
            Self::Response(..) | Self::MetadataUpdate { .. } => true,
        }
    }
}

impl<D: Dialect> Request<D> {
    /// Returns whether it changes something at its broker although nothing reads the answer.
    pub(crate) fn has_effect(&self) -> bool {
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
    pub(crate) fn kind(&self) -> Option<RequestKind> {
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
    pub(crate) fn names(&self, of: PartitionIndex) -> bool {
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
    pub(crate) fn into_failure(
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
pub(crate) enum Response<D: Dialect = Lean> {
    ApiVersions,
    Metadata(ClusterMetadata),
    FindCoordinator(Result<Node, ErrorName>),
    /// The record's offset (with acks=0 no response is sent).
    Produce(Result<Offset, ErrorName>),
    Fetch(Box<FetchResponse<D>>),
    /// The place that was asked for; `None`: there is no such.
    Offsets(Result<Option<FoundOffset>, ErrorName>),
    /// The answers to the parts of a request, in their order.
    #[cfg_attr(
        not(any(test, feature = "wire")),
        expect(
            dead_code,
            reason = "simulated clients ask for one partition at a time"
        )
    )]
    Parts(Vec<Self>),
    JoinGroup(Result<Box<JoinGroupResponse<D>>, JoinError>),
    SyncGroup(Result<SyncGroupResponse<D>, ErrorName>),
    Heartbeat(Result<(), ErrorName>),
    LeaveGroup(Result<Vec<Left>, ErrorName>),
    OffsetCommit(OffsetCommitResponse),
    /// What the group committed, of the partitions that were asked for.
    OffsetFetch(Result<Vec<CommittedOffset<D>>, ErrorName>),
    BrokerHeartbeat {
        /// Whether a broker that asked to stop may do so now.
        should_shutdown: bool,
    },
    AlterPartition(Result<(), AlterRefusal>),
    /// The answer to what a tool asked.
    #[cfg_attr(
        not(any(test, feature = "wire")),
        expect(dead_code, reason = "tools ask only clusters that are served")
    )]
    Admin(Box<AdminResponse<D>>),
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

/// A set of brokers, as bits: no other node can be asked for.
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
            let lowest = Node(rest.0.trailing_zeros() as u16);
            (!rest.is_empty()).then(|| {
                rest = rest.without(lowest);
                lowest
            })
        })
    }
}

/// The replicas of a partition in the order in which they are preferred as leaders: four bits each,
/// the first ones lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReplicaOrder(u64);

impl ReplicaOrder {
    /// Creates the order of these brokers.
    pub(crate) fn new(replicas: impl DoubleEndedIterator<Item = Node>) -> Self {
        let pack = |rest, replica: Node| rest << 4 | u64::from(replica.0 & 15);
        Self(replicas.rev().fold(0, pack))
    }

    /// Returns the brokers of a set of replicas, in order.
    pub(crate) fn of(self, replicas: BrokerSet) -> impl Iterator<Item = Node> {
        let places = 0..replicas.len();
        places.map(move |place| Node((self.0 >> (4 * place) & 15) as u16))
    }
}

/// A partition as the controller decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PartitionState {
    pub partition: PartitionIndex,
    pub replicas: BrokerSet,
    /// The replicas as they are preferred.
    pub order: ReplicaOrder,
    /// The leading broker; `None`: no in-sync replica lives.
    pub leader: Option<Node>,
    pub leader_epoch: u32,
    pub in_sync: BrokerSet,
    pub partition_epoch: u32,
}

/// The cluster, as a broker tells clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClusterMetadata {
    /// The partitions that the broker knows.
    pub partitions: Vec<PartitionState>,
    /// The brokers that live. One that is about to stop is none of them any more, a moment before
    /// Kafka takes it out (`MetadataCache.getAliveBrokerNodes`).
    pub alive: BrokerSet,
}
