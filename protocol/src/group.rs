//! What members of groups and their coordinators say to each other.

use crate::{Dialect, ErrorName, PartitionIndex, ProtocolName, dense_id};
use std::time::Duration;

/// A group, by number: group ids become small numbers where they come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupIndex(pub u32);

impl GroupIndex {
    /// The group with the lowest number.
    pub const FIRST: Self = Self(0);
}

dense_id!(GroupIndex(u32));

/// A member's id in the group protocol: given by the coordinator, never used twice in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupMemberId(pub u32);

impl GroupMemberId {
    /// The empty id, which no member ever gets (`UNKNOWN_MEMBER_ID`).
    pub const EMPTY: Self = Self(0);
}

/// A generation of the group; -1 stands for none.
pub type Generation = i32;

/// What the members of a group are, as "consumer" or "connect": names become small numbers where
/// they come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolType(pub u16);

impl ProtocolType {
    /// The type of consumers.
    pub const CONSUMER: Self = Self(0);
}

/// The protocol for which the members of a group voted, with its type.
pub type VotedProtocol<D> = (ProtocolType, ProtocolName<D>);

/// A group's state (`ClassicGroupState`). Kafka's fifth, `Dead`, is that of groups that do not
/// exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// Without members.
    Empty,
    /// Waiting for members to join.
    PreparingRebalance,
    /// Joined by all: the leader's assignment is awaited.
    CompletingRebalance,
    /// With an assignment that every member can have.
    Stable,
}

/// A member, as it says of itself in what it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Its group.
    pub group: GroupIndex,
    /// The generation in which it believes to be.
    pub generation: Generation,
    /// Its id.
    pub member: GroupMemberId,
    /// `group.instance.id`, of static members only.
    pub instance: Option<u32>,
}

/// A member's request to be in the group.
#[derive(Clone, Debug)]
pub struct JoinGroupRequest<D: Dialect> {
    /// The group.
    pub group: GroupIndex,
    /// The member's id; `None`: a new member.
    pub member: Option<GroupMemberId>,
    /// Whether a dynamic member without an id shall get one and join again with it: so do clients
    /// since version 4 of the request (`JoinGroupRequest.requiresKnownMemberId`).
    pub requires_id: bool,
    /// Whether a leader may be told that it need not assign: so do clients since version 9 of the
    /// request (KIP-814, `JoinGroupRequest.supportsSkippingAssignment`).
    pub skips_assignment: bool,
    /// `group.instance.id` of a static member.
    pub instance: Option<u32>,
    /// The member's process.
    pub client: D::Client,
    /// The time without a heartbeat after which its coordinator takes it for dead.
    pub session_timeout: Duration,
    /// The time that it may take to join when the group rebalances.
    pub rebalance_timeout: Duration,
    /// `None`: the empty one.
    pub protocol_type: Option<ProtocolType>,
    /// What it says of itself, under each protocol that it supports.
    pub subscription: D::Subscription,
}

/// A new generation of the group, as a member learns of it.
#[derive(Clone, Debug)]
pub struct JoinGroupResponse<D: Dialect> {
    /// The new generation.
    pub generation: Generation,
    /// The protocol for which the members voted.
    pub protocol: Option<VotedProtocol<D>>,
    /// The member's id.
    pub member: GroupMemberId,
    /// The id of the group's leader.
    pub leader: GroupMemberId,
    /// Whether the member leads, and need not assign (KIP-814).
    pub skip_assignment: bool,
    /// For the leader only: the members that joined, with what each said of itself, in the
    /// coordinator's order.
    pub members: Vec<JoinedMember<D>>,
}

/// A member, as the group's leader sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedMember<D: Dialect> {
    /// Its id.
    pub member: GroupMemberId,
    /// Its `group.instance.id`, where it is static.
    pub instance: Option<u32>,
    /// What it said under the protocol for which the members voted.
    pub subscription: D::Subscription,
}

/// What a member gets in a new generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncGroupResponse<D: Dialect> {
    /// The protocol by which the group is assigned.
    pub protocol: Option<VotedProtocol<D>>,
    /// The assignment that the group's leader gave to the member.
    pub assignment: D::Assignment,
}

/// Why a join was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinError {
    /// The id with which to join again (KIP-394).
    MemberIdRequired(GroupMemberId),
    /// The end of a join that waited, and the id under which it did; empty for a member that is no
    /// more.
    Ended(ErrorName, GroupMemberId),
    /// Any other error.
    Other(ErrorName),
}

/// A member that is to leave its group: itself, or one that a tool takes out (KIP-345).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// The member's id; empty where only its instance id is known.
    pub member: GroupMemberId,
    /// `group.instance.id` of a static member.
    pub instance: Option<u32>,
}

/// The answer of one [`Leaving`]: that it left, or why it did not.
pub type Left = Result<Leaving, (Leaving, ErrorName)>;

/// The answer to a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OffsetCommitResponse {
    /// The error of all offsets but those in `refused`; `None`: they are committed.
    pub error: Option<ErrorName>,
    /// Offsets that were refused for themselves, by partition.
    pub refused: Vec<(PartitionIndex, ErrorName)>,
}
