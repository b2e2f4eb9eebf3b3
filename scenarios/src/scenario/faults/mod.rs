//! `[[faults]]` and `[faults.random]`: what goes wrong, when, and to which process.
//!
//! ```toml
//! [[faults]]
//! at = "12s"
//! do = "crash"
//! member = "consumer-1"
//! for = "5s"
//!
//! [[faults]]
//! when = "the 10th effect"
//! after = "5ms"
//! do = "partition"
//! member = "owner of orders-0"
//! broker = "coordinator"
//! direction = "responses"
//! for = "8s"
//!
//! [faults.random]
//! count = "0..4"
//! between = "5s..50s"
//! for = "1s..8s"
//! weights = { crash = 3, pause = 1 }
//! ```
//!
//! The kinds stand in the [table]. `for` may be left out where a kind has it: the fault then lasts
//! until everything is healed. Only the rolling restarts need it. Kinds that are over at once
//! refuse it.

mod table;

mod argument;
mod check;
mod condition;
mod entry;
mod kind;
#[cfg(test)]
mod manual;
mod possible;
mod random;
mod schema;
mod when;
mod write;

pub(crate) use argument::Dice;
pub use argument::{
    BrokerTarget, Direction, Factor, Failure, MemberTarget, PartitionCount, ResetTo, TopicNumber,
};
pub(super) use check::check;
pub(super) use entry::RawFaults;
pub use kind::{FaultKind, FaultName, Lasts};
pub(super) use write::write;

use plimsoll_core::Instant;
use plimsoll_oracle::{FaultId, RequestKind};
use std::time::Duration;

/// An entry of a scenario's faults.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultSpec {
    /// This one.
    Explicit(Fault),
    /// Some, drawn seed by seed.
    Random(RandomFaults),
}

/// A description of faults to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomFaults {
    /// How many, fewest and most.
    pub count: (u32, u32),
    /// When they begin, earliest and latest.
    pub between: (Duration, Duration),
    /// How long each lasts, shortest and longest.
    pub duration: (Duration, Duration),
    /// Which kinds, and how often in proportion; in the order of [`FaultName`], each at most once.
    pub weights: Vec<(FaultName, f64)>,
}

/// One fault of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// Unique in the plan.
    pub id: FaultId,
    /// When it happens.
    pub trigger: Trigger,
    /// What happens.
    pub kind: FaultKind,
    /// How long it lasts: then the process is started again, the network repaired, ...
    /// `None`: until everything is healed.
    pub duration: Option<Duration>,
}

impl Fault {
    /// Returns whether it waits for what no entry of a trace tells.
    pub fn waits_for_moment(&self) -> bool {
        let Trigger::When { condition, .. } = self.trigger else {
            return false;
        };
        condition.moment().is_some()
    }
}

/// When a fault happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trigger {
    /// At a time.
    At(Instant),
    /// When something has happened `count` times (from 1), and `delay` after that.
    /// Where it never happens, neither does the fault: the trace says so.
    When {
        /// What must happen.
        condition: Condition,
        /// How often.
        count: u32,
        /// How long afterwards; zero: at that very moment.
        delay: Duration,
    },
}

/// Something that happens to a member and that no entry of a trace tells: there are too many of
/// them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A request left the member.
    Sent(RequestKind),
    /// The member learned of a revocation while it held records that no handler had begun with.
    RevokedBuffered,
}

plimsoll_oracle::words! {
    /// An observation that a triggered fault waits for.
    pub enum Condition: "condition" {
        /// A member sent a commit, which has not arrived yet.
        CommitInFlight = "commit-in-flight",
        /// A broker accepted a commit, whose answer has not arrived yet.
        CommitAccepted = "commit-accepted",
        /// A handler began.
        HandlerStarted = "handler-started",
        /// A handler wrote its effect, and its result has not reached the consumer yet.
        Effect = "effect",
        /// A handler failed.
        HandlerFailed = "handler-failed",
        /// A member got partitions.
        Assigned = "assigned",
        /// A member learned that partitions are taken away.
        Revoked = "revoked",
        /// A member learned of a revocation while handlers of those partitions were in flight.
        RevokedInFlight = "revoked-in-flight",
        /// A member found that its partitions were gone.
        PartitionsLost = "partitions-lost",
        /// A member learned of a revocation while it held records of those partitions that no
        /// handler had begun with.
        RevokedBuffered = "revoked-buffered",
        /// A member sent a JoinGroup, which has not arrived yet.
        JoinInFlight = "join-in-flight",
        /// A member sent a SyncGroup, which has not arrived yet.
        SyncInFlight = "sync-in-flight",
        /// A member asked for what the group committed, and its question has not arrived yet.
        OffsetFetchInFlight = "offset-fetch-in-flight",
        /// A member asked for the ends of a partition, and its question has not arrived yet.
        LookupInFlight = "position-lookup-in-flight",
        /// A member sent a fetch, which has not arrived yet.
        FetchInFlight = "fetch-in-flight",
        /// A member sent a heartbeat, which has not arrived yet.
        HeartbeatInFlight = "heartbeat-in-flight",
        /// A message was acknowledged to the producer.
        Acknowledged = "acknowledged",
        /// A record was acknowledged in the dead-letter topic.
        DeadLettered = "dead-lettered",
    }
}
