//! What tools ask, and no member does: of the controller about topics, of brokers about groups.

use crate::{
    Dialect, ErrorName, GroupIndex, GroupMemberId, GroupState, Node, PartitionIndex, ProtocolName,
    ProtocolType, Request, Response,
};

/// What a tool asks.
#[derive(Debug)]
pub enum AdminRequest<D: Dialect> {
    /// To the controller: new partitions, under indexes that none had before. Each comes with its
    /// replicas, the preferred leader first; without any it is placed.
    CreatePartitions {
        /// The new partitions, with their replicas.
        partitions: Vec<(PartitionIndex, Vec<Node>)>,
    },
    /// To the controller: the end of partitions.
    DeletePartitions {
        /// The partitions that are to end.
        partitions: Vec<PartitionIndex>,
    },
    /// To the controller: another leader for a partition.
    ElectLeader {
        /// The partition that is to have another leader.
        partition: PartitionIndex,
        /// Whether the preferred leader is to lead; otherwise any, of a partition without one.
        preferred: bool,
    },
    /// A request for the state and the members of a group.
    DescribeGroup {
        /// The group.
        group: GroupIndex,
    },
    /// A request for the groups that a broker coordinates.
    ListGroups,
    /// A request to remove a group without members.
    DeleteGroup {
        /// The group.
        group: GroupIndex,
    },
    /// A request to forget what a group committed of partitions, which come by topic.
    OffsetDelete {
        /// The group.
        group: GroupIndex,
        /// The partitions, by topic.
        topics: Vec<(D::Topic, Vec<PartitionIndex>)>,
    },
}

/// The answer to an [`AdminRequest`].
#[derive(Debug)]
pub enum AdminResponse<D: Dialect> {
    /// Why the partitions were not made, where they were not.
    CreatePartitions(Result<(), ErrorName>),
    /// Why the partitions are still there, where they are.
    DeletePartitions(Result<(), ErrorName>),
    /// Why the leader is the same, where it is.
    ElectLeader(Result<(), ErrorName>),
    /// The group.
    DescribeGroup(Result<GroupDescription<D>, ErrorName>),
    /// The groups.
    ListGroups(Result<Vec<ListedGroup>, ErrorName>),
    /// Why the group is still there, where it is.
    DeleteGroup(Result<(), ErrorName>),
    /// The error of each partition, where there is one.
    OffsetDelete(Result<Vec<(PartitionIndex, Option<ErrorName>)>, ErrorName>),
}

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
pub struct GroupDescription<D: Dialect> {
    /// Its state.
    pub state: GroupState,
    /// What its members are; `None`: the empty type.
    pub protocol_type: Option<ProtocolType>,
    /// The protocol by which the group is assigned, where it is stable.
    pub protocol: Option<ProtocolName<D>>,
    /// Its members, in the coordinator's order.
    pub members: Vec<MemberDescription<D>>,
}

/// A member, as its coordinator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberDescription<D: Dialect> {
    /// Its id.
    pub member: GroupMemberId,
    /// Its `group.instance.id`, where it is static.
    pub instance: Option<u32>,
    /// The member's process.
    pub client: D::Client,
    /// What it said under the protocol by which the group is assigned, where that is stable.
    pub subscription: Option<D::Subscription>,
    /// The assignment that it was given last.
    pub assignment: D::Assignment,
}

/// A group in a list of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedGroup {
    /// The group.
    pub group: GroupIndex,
    /// Its state.
    pub state: GroupState,
    /// What its members are; `None`: the empty type.
    pub protocol_type: Option<ProtocolType>,
}
