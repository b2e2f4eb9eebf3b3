//! The words of `do`, and which keys belong to each.

use super::FaultKind;
use crate::scenario::value::{Word, words};

/// The kind of a fault without its details: a word of `do`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "`FaultKind` says what each does")]
pub enum FaultName {
    Crash,
    Stop,
    Pause,
    Slow,
    Join,
    RollingRestart,
    CrashAfterEffect,
    HandlerOutage,
    HandlerHang,
    Undecodable,
    Partition,
    Isolate,
    Delay,
    Cut,
    LoseResponse,
    BrokerCrash,
    BrokerStop,
    BrokerPause,
    RollingBrokerRestart,
    LeaderMove,
    CoordinatorMove,
    Error,
    Throttle,
    AddPartitions,
    Retention,
}

words!(FaultName, "fault" {
    Crash => "crash",
    Stop => "stop",
    Pause => "pause",
    Slow => "slow",
    Join => "join",
    RollingRestart => "rolling-restart",
    CrashAfterEffect => "crash-after-effect",
    HandlerOutage => "handler-outage",
    HandlerHang => "handler-hang",
    Undecodable => "undecodable",
    Partition => "partition",
    Isolate => "isolate",
    Delay => "delay",
    Cut => "cut",
    LoseResponse => "lose-response",
    BrokerCrash => "broker-crash",
    BrokerStop => "broker-stop",
    BrokerPause => "broker-pause",
    RollingBrokerRestart => "rolling-broker-restart",
    LeaderMove => "leader-move",
    CoordinatorMove => "coordinator-move",
    Error => "error",
    Throttle => "throttle",
    AddPartitions => "add-partitions",
    Retention => "retention",
});

/// Which keys a kind of fault has, besides those that say when.
pub(in crate::scenario) struct Keys {
    /// Without these the fault means nothing.
    pub needed: &'static [&'static str],
    /// These have defaults.
    pub optional: &'static [&'static str],
}

impl FaultName {
    /// All of them, in the order of listings.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::table().into_iter().map(|(name, _)| name)
    }

    /// The word of `do`.
    pub fn name(self) -> &'static str {
        self.word()
    }

    /// Whether `[faults.random]` can draw it: the others need an argument that nobody can guess.
    pub fn is_drawable(self) -> bool {
        !matches!(self, Self::Join | Self::Undecodable | Self::AddPartitions)
    }

    /// How long a fault of this kind lasts, where its file says nothing: the keys include `for`
    /// where it can last. A kind whose keys lack it is over at once.
    pub(in crate::scenario) fn keys(self) -> Keys {
        let (needed, optional): (&[_], &[_]) = match self {
            Self::Crash | Self::Stop | Self::Pause | Self::CrashAfterEffect | Self::HandlerHang => {
                (&[], &["member", "for"])
            }
            Self::Slow => (&["by"], &["member", "for"]),
            Self::Join => (&["member"], &[]),
            Self::RollingRestart | Self::RollingBrokerRestart => (&["for"], &[]),
            Self::HandlerOutage => (&[], &["outcome", "share", "for"]),
            Self::Undecodable => (&["message"], &[]),
            Self::Partition => (&[], &["member", "broker", "direction", "for"]),
            Self::Isolate | Self::BrokerCrash | Self::BrokerStop | Self::BrokerPause => {
                (&["broker"], &["for"])
            }
            Self::Delay => (&["by"], &["member", "broker", "for"]),
            Self::Cut => (&[], &["member", "broker"]),
            Self::LoseResponse => (&["request"], &["member"]),
            Self::LeaderMove => (&["partition"], &[]),
            Self::CoordinatorMove => (&[], &[]),
            Self::Error => (&["request", "error"], &["broker", "share", "for"]),
            Self::Throttle => (&["broker", "by"], &["for"]),
            Self::AddPartitions => (&[], &["topic", "count"]),
            Self::Retention => (&["partition"], &["share"]),
        };
        Keys { needed, optional }
    }

    /// Whether a fault of this kind can last.
    pub(crate) fn lasts(self) -> bool {
        let keys = self.keys();
        keys.needed.contains(&"for") || keys.optional.contains(&"for")
    }
}

impl FaultKind {
    /// The word of `do`.
    pub fn name(&self) -> FaultName {
        match self {
            Self::Crash(..) => FaultName::Crash,
            Self::Stop(..) => FaultName::Stop,
            Self::Pause(..) => FaultName::Pause,
            Self::Slow(..) => FaultName::Slow,
            Self::Join(..) => FaultName::Join,
            Self::RollingRestart => FaultName::RollingRestart,
            Self::CrashAfterEffect(..) => FaultName::CrashAfterEffect,
            Self::HandlerOutage { .. } => FaultName::HandlerOutage,
            Self::HandlerHang(..) => FaultName::HandlerHang,
            Self::Undecodable(..) => FaultName::Undecodable,
            Self::Partition { .. } => FaultName::Partition,
            Self::Isolate(..) => FaultName::Isolate,
            Self::Delay { .. } => FaultName::Delay,
            Self::Cut { .. } => FaultName::Cut,
            Self::LoseResponse(..) => FaultName::LoseResponse,
            Self::BrokerCrash(..) => FaultName::BrokerCrash,
            Self::BrokerStop(..) => FaultName::BrokerStop,
            Self::BrokerPause(..) => FaultName::BrokerPause,
            Self::RollingBrokerRestart => FaultName::RollingBrokerRestart,
            Self::LeaderMove(..) => FaultName::LeaderMove,
            Self::CoordinatorMove => FaultName::CoordinatorMove,
            Self::Error { .. } => FaultName::Error,
            Self::Throttle(..) => FaultName::Throttle,
            Self::AddPartitions { .. } => FaultName::AddPartitions,
            Self::Retention(..) => FaultName::Retention,
        }
    }
}
