//! The messages of the crate `plimsoll-protocol`, in the dialect of the simulator unless another one
//! is named.

#[cfg(test)]
pub(crate) mod batched;
mod lean;

pub(crate) use lean::{Founding, Lean, Subscription, Value};
#[cfg(test)]
pub(crate) use plimsoll_protocol::PRODUCE_TIMEOUT_MS;
pub(crate) use plimsoll_protocol::{
    AlterRefusal, Batch, BrokerSet, Channel, Channels, ClusterMetadata, CommitMetadata,
    Correlation, Dialect, FetchPosition, FetchRequest, FetchedPartition, FoundOffset, Generation,
    GroupIndex, GroupMemberId, GroupState, JoinError, Leaving, Left, ListedGroup, NO_EPOCH, Node,
    OffsetCommitResponse, OffsetsRequest, PartitionState, PerBroker, PerNode, Positions,
    ProducerStamp, ProtocolName, ProtocolType, Protocols, ReplicaOrder, Sender, Sharing,
    VotedProtocol, Wanted,
};

/// The group of the scenario's members.
pub(crate) const SCENARIO_GROUP: GroupIndex = GroupIndex::FIRST;

/// Gives messages the dialect of the simulator where none is named.
macro_rules! lean_unless_named {
    ($($message:ident),+ $(,)?) => {
        $(pub(crate) type $message<D = Lean> = plimsoll_protocol::$message<D>;)+
    };
}

lean_unless_named!(
    AdminRequest,
    AdminResponse,
    Commit,
    CommittedOffset,
    Content,
    FetchResponse,
    GroupDescription,
    JoinGroupRequest,
    JoinGroupResponse,
    JoinedMember,
    LogEntry,
    MemberDescription,
    Message,
    Request,
    Response,
    SyncGroupResponse,
);
