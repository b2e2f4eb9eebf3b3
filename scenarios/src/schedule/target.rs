//! What a fault hits: the member and the broker that it is meant for, as they are at its beginning.

use super::ProcessId;
use crate::scenario::{BrokerTarget, FaultKind, MemberTarget};
use plimsoll_core::TopicPartition;
use plimsoll_oracle::{BrokerId, MemberId};

/// What a schedule asks of the world that it works on, at the moment that it asks.
pub trait Situation {
    /// Returns whether a member's process runs, paused or not.
    fn member_runs(&self, member: MemberId) -> bool;

    /// Returns whether a broker's process runs, paused or not; brokers are counted from 0.
    fn broker_runs(&self, broker: BrokerId) -> bool;

    /// Returns the member that owns a partition.
    fn owner(&self, partition: TopicPartition) -> Option<MemberId>;

    /// Returns the member that owns the most partitions; of several, the first.
    fn busiest(&self) -> Option<MemberId>;

    /// Returns the broker that leads a partition.
    fn leader(&self, partition: TopicPartition) -> Option<BrokerId>;

    /// Returns the broker that coordinates the group.
    fn coordinator(&self) -> Option<BrokerId>;

    /// Returns whether what broke a broker takes time to undo. Then such a fault ends when
    /// [`Step::Act`](super::Step::Act) has undone it and the cluster is whole again: until then it
    /// excuses what it hinders. Every other fault ends when its undoing begins.
    fn brokers_take_time(&self) -> bool;
}

/// What a fault hits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// The member; present for every kind of fault that is aimed at one.
    pub member: Option<MemberId>,
    /// The broker, counted from 0; absent for faults that are aimed at none, or at all.
    pub broker: Option<BrokerId>,
}

impl Target {
    /// Finds what a fault hits that begins now; `triggered_by` is the member that its trigger was
    /// about. `None` where the target is not there.
    pub(super) fn find(
        kind: &FaultKind,
        triggered_by: Option<MemberId>,
        situation: &impl Situation,
    ) -> Option<Self> {
        let mut found = Self::default();
        if let Some(target) = kind.member() {
            found.member = Some(find_member(target, triggered_by, situation)?);
        }
        if let Some(target) = kind.broker() {
            found.broker = Some(find_broker(target, situation)?);
        }
        Some(found)
    }
}

fn find_member(
    target: MemberTarget,
    triggered_by: Option<MemberId>,
    situation: &impl Situation,
) -> Option<MemberId> {
    let member = match target {
        MemberTarget::Member(member) => Some(member),
        MemberTarget::Triggering => triggered_by.or_else(|| situation.busiest()),
        MemberTarget::OwnerOf(partition) => situation.owner(partition),
    };
    member.filter(|member| situation.member_runs(*member))
}

fn find_broker(target: BrokerTarget, situation: &impl Situation) -> Option<BrokerId> {
    let broker = match target {
        BrokerTarget::Broker(broker) => Some(broker),
        BrokerTarget::LeaderOf(partition) => situation.leader(partition),
        BrokerTarget::Coordinator => situation.coordinator(),
    };
    broker.filter(|broker| situation.broker_runs(*broker))
}

/// Returns whether a process runs.
pub(super) fn runs(process: ProcessId, situation: &impl Situation) -> bool {
    match process {
        ProcessId::Member(member) => situation.member_runs(member),
        ProcessId::Broker(broker) => situation.broker_runs(broker),
    }
}
