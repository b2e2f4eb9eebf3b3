//! Whom a fault is aimed at.

use super::{BrokerTarget, FaultKind, MemberTarget};

impl FaultKind {
    /// The member that it is aimed at, if it is aimed at one that runs (so not the one of `join`).
    pub fn member(&self) -> Option<MemberTarget> {
        self.clone().member_mut().copied()
    }

    /// The broker that it is aimed at, if it is aimed at one.
    pub fn broker(&self) -> Option<BrokerTarget> {
        self.clone().broker_mut().copied()
    }

    /// Whether it reaches beyond the topics and members of its own run: to brokers, which other
    /// runs share.
    pub const fn breaks_brokers(&self) -> bool {
        match self {
            Self::BrokerCrash(..)
            | Self::BrokerStop(..)
            | Self::BrokerPause(..)
            | Self::Isolate(..)
            | Self::RollingBrokerRestart
            | Self::CoordinatorMove => true,
            Self::Crash(..)
            | Self::Stop(..)
            | Self::Pause(..)
            | Self::Slow(..)
            | Self::Join(..)
            | Self::RollingRestart
            | Self::CrashAfterEffect(..)
            | Self::HandlerOutage { .. }
            | Self::HandlerHang(..)
            | Self::Undecodable(..)
            | Self::Partition { .. }
            | Self::Delay { .. }
            | Self::Cut { .. }
            | Self::LoseResponse(..)
            | Self::LeaderMove(..)
            | Self::Error { .. }
            | Self::Throttle(..)
            | Self::AddPartitions { .. }
            | Self::Retention(..) => false,
        }
    }

    /// As [`member`](Self::member), to aim it at another.
    pub(crate) fn member_mut(&mut self) -> Option<&mut MemberTarget> {
        match self {
            Self::Crash(member)
            | Self::Stop(member)
            | Self::Pause(member)
            | Self::Slow(member, _)
            | Self::CrashAfterEffect(member)
            | Self::HandlerHang(member)
            | Self::LoseResponse(member, _)
            | Self::Partition { member, .. }
            | Self::Delay { member, .. }
            | Self::Cut { member, .. } => Some(member),
            Self::Join(_)
            | Self::RollingRestart
            | Self::HandlerOutage { .. }
            | Self::Undecodable(_)
            | Self::Isolate(_)
            | Self::BrokerCrash(_)
            | Self::BrokerStop(_)
            | Self::BrokerPause(_)
            | Self::RollingBrokerRestart
            | Self::LeaderMove(_)
            | Self::CoordinatorMove
            | Self::Error { .. }
            | Self::Throttle(..)
            | Self::AddPartitions { .. }
            | Self::Retention(..) => None,
        }
    }

    /// As [`broker`](Self::broker), to aim it at another.
    pub(crate) fn broker_mut(&mut self) -> Option<&mut BrokerTarget> {
        match self {
            Self::Isolate(broker)
            | Self::BrokerCrash(broker)
            | Self::BrokerStop(broker)
            | Self::BrokerPause(broker)
            | Self::Throttle(broker, _) => Some(broker),
            Self::Partition { broker, .. }
            | Self::Delay { broker, .. }
            | Self::Cut { broker, .. }
            | Self::Error { broker, .. } => broker.as_mut(),
            Self::Crash(_)
            | Self::Stop(_)
            | Self::Pause(_)
            | Self::Slow(..)
            | Self::Join(_)
            | Self::RollingRestart
            | Self::CrashAfterEffect(_)
            | Self::HandlerOutage { .. }
            | Self::HandlerHang(_)
            | Self::Undecodable(_)
            | Self::LoseResponse(..)
            | Self::RollingBrokerRestart
            | Self::LeaderMove(_)
            | Self::CoordinatorMove
            | Self::AddPartitions { .. }
            | Self::Retention(..) => None,
        }
    }
}
