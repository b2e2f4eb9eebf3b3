//! Whom a fault names: what must be renamed when members, brokers or partitions go.

use crate::MemberId;
use crate::scenario::{BrokerTarget, FaultKind, MemberTarget};
use plimsoll_core::TopicPartition;

/// Whether a fault names this very member.
pub(super) fn names_member(kind: &FaultKind, id: MemberId) -> bool {
    match kind.member() {
        Some(MemberTarget::Member(member)) => member == id,
        Some(MemberTarget::Triggering | MemberTarget::OwnerOf(_)) => false,
        None => matches!(kind, FaultKind::Join(member) if *member == id),
    }
}

/// Visits each partition that a fault names.
pub(super) fn for_each_partition(kind: &mut FaultKind, visit: &mut dyn FnMut(&mut TopicPartition)) {
    if let Some(MemberTarget::OwnerOf(partition)) = kind.member_mut() {
        visit(partition);
    }
    if let Some(BrokerTarget::LeaderOf(partition)) = kind.broker_mut() {
        visit(partition);
    }
    if let FaultKind::LeaderMove(partition) | FaultKind::Retention(partition, _) = kind {
        visit(partition);
    }
}
