//! The words of `do`, and which keys belong to each.

use super::FaultKind;
use crate::scenario::value::written_as_words;
use plimsoll_oracle::Hindrance;

plimsoll_oracle::words! {
    /// The kind of a fault without its details: a word of `do`.
    pub enum FaultName: "fault" {
        /// A member's process dies at once; started again after the duration.
        Crash = "crash",
        /// A member is asked to stop gracefully; started again after the duration.
        Stop = "stop",
        /// A member stands still, and wakes up believing what it believed.
        Pause = "pause",
        /// A member's handlers take several times as long.
        Slow = "slow",
        /// A member that has not run yet starts.
        Join = "join",
        /// Each member in turn stops gracefully and starts again.
        RollingRestart = "rolling-restart",
        /// A member dies after its next effect, before it learns of it.
        CrashAfterEffect = "crash-after-effect",
        /// A share of all attempts fails.
        HandlerOutage = "handler-outage",
        /// Attempts that begin meanwhile do not come back before the end.
        HandlerHang = "handler-hang",
        /// A message that no handler can decode.
        Undecodable = "undecodable",
        /// Nothing passes between a member and brokers, one way or both.
        Partition = "partition",
        /// Nothing passes between a broker and all others.
        Isolate = "isolate",
        /// Everything between a member and brokers takes longer.
        Delay = "delay",
        /// Connections between a member and brokers break.
        Cut = "cut",
        /// A request is applied, and its answer is lost.
        LoseResponse = "lose-response",
        /// A broker's process dies; started again after the duration.
        BrokerCrash = "broker-crash",
        /// A broker hands its leaderships over and stops.
        BrokerStop = "broker-stop",
        /// A broker stands still.
        BrokerPause = "broker-pause",
        /// Each broker in turn stops cleanly and starts again.
        RollingBrokerRestart = "rolling-broker-restart",
        /// Another in-sync replica becomes a partition's leader.
        LeaderMove = "leader-move",
        /// Another broker becomes the group's coordinator.
        CoordinatorMove = "coordinator-move",
        /// Requests of a kind are answered with an error code of Kafka's.
        Error = "error",
        /// A broker answers everything later.
        Throttle = "throttle",
        /// A topic gets more partitions.
        AddPartitions = "add-partitions",
        /// The first records of a partition are removed.
        Retention = "retention",
    }
}

written_as_words!(FaultName);

/// Which keys a kind of fault has, besides those that say when.
pub(in crate::scenario) struct Keys {
    /// Without these the fault means nothing.
    pub needed: &'static [&'static str],
    /// These have defaults.
    pub optional: &'static [&'static str],
}

impl FaultName {
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

impl FaultKind {
    /// Returns when a fault of this kind keeps members from committing.
    pub(crate) fn hindrance(&self) -> Hindrance {
        match self.name() {
            FaultName::Crash
            | FaultName::Stop
            | FaultName::Pause
            | FaultName::Slow
            | FaultName::Join
            | FaultName::RollingRestart
            | FaultName::CrashAfterEffect
            | FaultName::HandlerOutage
            | FaultName::HandlerHang
            | FaultName::Undecodable
            | FaultName::AddPartitions
            | FaultName::Retention => Hindrance::Never,
            FaultName::Cut
            | FaultName::LoseResponse
            | FaultName::LeaderMove
            | FaultName::CoordinatorMove => Hindrance::AtOnce,
            FaultName::Partition
            | FaultName::Isolate
            | FaultName::Delay
            | FaultName::BrokerCrash
            | FaultName::BrokerStop
            | FaultName::BrokerPause
            | FaultName::RollingBrokerRestart
            | FaultName::Error
            | FaultName::Throttle => Hindrance::WhileItLasts,
        }
    }
}
