//! Whom a fault names: what must be renamed when members, brokers or partitions go.

use crate::MemberId;
use crate::scenario::{BrokerTarget, FaultKind, MemberTarget};
use plimsoll_core::TopicPartition;

/// The member that a fault is aimed at, if it is aimed at one.
pub(super) fn member_target(kind: &mut FaultKind) -> Option<&mut MemberTarget> {
    match kind {
        FaultKind::Crash(member)
        | FaultKind::Stop(member)
        | FaultKind::Pause(member)
        | FaultKind::Slow(member, _)
        | FaultKind::CrashAfterEffect(member)
        | FaultKind::HandlerHang(member)
        | FaultKind::LoseResponse(member, _)
        | FaultKind::Partition { member, .. }
        | FaultKind::Delay { member, .. }
        | FaultKind::Cut { member, .. } => Some(member),
        FaultKind::Join(_)
        | FaultKind::RollingRestart
        | FaultKind::HandlerOutage { .. }
        | FaultKind::Undecodable(_)
        | FaultKind::Isolate(_)
        | FaultKind::BrokerCrash(_)
        | FaultKind::BrokerStop(_)
        | FaultKind::BrokerPause(_)
        | FaultKind::RollingBrokerRestart
        | FaultKind::LeaderMove(_)
        | FaultKind::CoordinatorMove
        | FaultKind::Error { .. }
        | FaultKind::Throttle(..)
        | FaultKind::AddPartitions { .. }
        | FaultKind::Retention(..) => None,
    }
}

/// The broker that a fault is aimed at, if it is aimed at one.
pub(super) fn broker_target(kind: &mut FaultKind) -> Option<&mut BrokerTarget> {
    match kind {
        FaultKind::Isolate(broker)
        | FaultKind::BrokerCrash(broker)
        | FaultKind::BrokerStop(broker)
        | FaultKind::BrokerPause(broker)
        | FaultKind::Throttle(broker, _) => Some(broker),
        FaultKind::Partition { broker, .. }
        | FaultKind::Delay { broker, .. }
        | FaultKind::Cut { broker, .. }
        | FaultKind::Error { broker, .. } => broker.as_mut(),
        FaultKind::Crash(_)
        | FaultKind::Stop(_)
        | FaultKind::Pause(_)
        | FaultKind::Slow(..)
        | FaultKind::Join(_)
        | FaultKind::RollingRestart
        | FaultKind::CrashAfterEffect(_)
        | FaultKind::HandlerOutage { .. }
        | FaultKind::HandlerHang(_)
        | FaultKind::Undecodable(_)
        | FaultKind::LoseResponse(..)
        | FaultKind::RollingBrokerRestart
        | FaultKind::LeaderMove(_)
        | FaultKind::CoordinatorMove
        | FaultKind::AddPartitions { .. }
        | FaultKind::Retention(..) => None,
    }
}

/// Whether a fault names this very member.
pub(super) fn names_member(kind: &FaultKind, id: MemberId) -> bool {
    let mut kind = kind.clone();
    match member_target(&mut kind) {
        Some(MemberTarget::Member(member)) => *member == id,
        Some(MemberTarget::Subject | MemberTarget::OwnerOf(_)) => false,
        None => matches!(kind, FaultKind::Join(member) if member == id),
    }
}

/// Visits each partition that a fault names.
pub(super) fn for_each_partition(kind: &mut FaultKind, visit: &mut dyn FnMut(&mut TopicPartition)) {
    if let Some(MemberTarget::OwnerOf(partition)) = member_target(kind) {
        visit(partition);
    }
    if let Some(BrokerTarget::LeaderOf(partition)) = broker_target(kind) {
        visit(partition);
    }
    if let FaultKind::LeaderMove(partition) | FaultKind::Retention(partition, _) = kind {
        visit(partition);
    }
}
