//! What tools ask, and no member does: of the controller about topics, of brokers about groups.

#[cfg(any(test, feature = "wire"))]
use super::Request;
use super::{
    Dialect, GroupIndex, GroupMemberId, GroupState, Lean, Node, ProtocolName, ProtocolType,
    Response,
};
use crate::topology::PartitionIndex;
use plimsoll_oracle::ErrorName;

/// What a tool asks.
#[derive(Debug)]
pub(crate) enum AdminRequest<D: Dialect = Lean> {
    /// To the controller: new partitions, under indexes that none had before. Each comes with its
    /// replicas, the preferred leader first; without any it is placed.
    CreatePartitions {
        partitions: Vec<(PartitionIndex, Vec<Node>)>,
    },
    /// To the controller: the end of partitions.
    DeletePartitions {
        partitions: Vec<PartitionIndex>,
    },
    /// To the controller: another leader for a partition.
    ElectLeader {
        partition: PartitionIndex,
        /// Whether the preferred leader is to lead; otherwise any, of a partition without one.
        preferred: bool,
    },
    DescribeGroup {
        group: GroupIndex,
    },
    /// A request for the groups that a broker coordinates.
    ListGroups,
    DeleteGroup {
        group: GroupIndex,
    },
    /// A request to forget what a group committed of partitions, which come by topic.
    OffsetDelete {
        group: GroupIndex,
        topics: Vec<(D::Topic, Vec<PartitionIndex>)>,
    },
}

/// The answer to an [`AdminRequest`].
#[derive(Debug)]
pub(crate) enum AdminResponse<D: Dialect = Lean> {
    CreatePartitions(Result<(), ErrorName>),
    DeletePartitions(Result<(), ErrorName>),
    ElectLeader(Result<(), ErrorName>),
    DescribeGroup(Result<GroupDescription<D>, ErrorName>),
    ListGroups(Result<Vec<ListedGroup>, ErrorName>),
    DeleteGroup(Result<(), ErrorName>),
    /// The error of each partition, where there is one.
    OffsetDelete(Result<Vec<(PartitionIndex, Option<ErrorName>)>, ErrorName>),
}

#[cfg(any(test, feature = "wire"))]
impl<D: Dialect> From<AdminRequest<D>> for Request<D> {
    fn from(request: AdminRequest<D>) -> Self {
        Self::Admin(Box::new(request))
    }
}

impl<D: Dialect> From<AdminResponse<D>> for Response<D> {
    fn from(response: AdminResponse<D>) -> Self {
        Self::Admin(Box::new(response))
    }
}

/// A group, as its coordinator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GroupDescription<D: Dialect = Lean> {
    pub state: GroupState,
    pub protocol_type: Option<ProtocolType>,
    /// The protocol by which the group is assigned, where it is stable.
    pub protocol: Option<ProtocolName<D>>,
    pub members: Vec<MemberDescription<D>>,
}

/// A member, as its coordinator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberDescription<D: Dialect = Lean> {
    pub member: GroupMemberId,
    pub instance: Option<u32>,
    pub client: D::Client,
    /// What it said under the protocol by which the group is assigned, where that is stable.
    pub subscription: Option<D::Subscription>,
    /// The assignment that it was given last.
    pub assignment: D::Assignment,
}

/// A group in a list of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ListedGroup {
    pub group: GroupIndex,
    pub state: GroupState,
    pub protocol_type: Option<ProtocolType>,
}
