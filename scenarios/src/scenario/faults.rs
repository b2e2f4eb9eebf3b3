//! `[[faults]]` and `[faults.random]`: what goes wrong, when, and to whom.
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
//! `for` may be left out where a kind has it: the fault then lasts until everything is healed.
//! Only the rolling restarts need it. Kinds that are over at once refuse it.

mod aim;
mod condition;
mod file;
mod name;
mod random;
mod target;
mod when;
mod words;
mod write;

pub(super) use file::RawFaults;
pub use name::FaultName;
pub(super) use target::broker_name;
pub(super) use write::write;

use crate::{FaultId, MemberId, MessageId};
use plimsoll_core::{Instant, Outcome, TopicPartition};
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

/// When a fault happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trigger {
    /// At a time.
    At(Instant),
    /// When something has happened `count` times (from 1), and `delay` after that.
    /// Where it never happens, neither does the fault.
    When {
        /// What must happen.
        condition: Condition,
        /// How often.
        count: u32,
        /// How long afterwards; zero: at that very moment.
        delay: Duration,
    },
}

/// What a triggered fault waits for; each is observed in the trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// A member sent a commit, which has not arrived yet.
    CommitInFlight,
    /// A broker accepted a commit, whose answer has not arrived yet.
    CommitAccepted,
    /// A handler began.
    HandlerStarted,
    /// A handler wrote its effect, and its result has not reached the consumer yet.
    Effect,
    /// A handler failed.
    HandlerFailed,
    /// A member got partitions.
    Assigned,
    /// A member learned that partitions are taken away.
    Revoked,
    /// A member learned of a revocation while handlers of those partitions were in flight.
    RevokedInFlight,
    /// A message was acknowledged to the producer.
    Acknowledged,
    /// A record was acknowledged in the dead-letter topic.
    DeadLettered,
}

/// Which member a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberTarget {
    /// This one.
    Member(MemberId),
    /// The one that the trigger was about; for a timed fault, the owner of the most partitions.
    Triggering,
    /// The owner of a partition at that moment.
    OwnerOf(TopicPartition),
}

/// Which broker a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerTarget {
    /// This one, counted from 0 (files write `broker-1` for 0).
    Broker(u32),
    /// The leader of a partition at that moment.
    LeaderOf(TopicPartition),
    /// The group's coordinator at that moment.
    Coordinator,
}

/// Which way a network fault works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Both ways.
    Both,
    /// Only what the member sends (requests).
    Requests,
    /// Only what the member receives (responses).
    Responses,
}

/// A kind of request, by Kafka's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "Kafka's own names")]
pub enum RequestKind {
    Produce,
    Fetch,
    ListOffsets,
    Metadata,
    OffsetCommit,
    OffsetFetch,
    FindCoordinator,
    JoinGroup,
    SyncGroup,
    Heartbeat,
    LeaveGroup,
}

/// What happens.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// `crash`: the process dies at once (SIGKILL); started again after the duration.
    Crash(MemberTarget),
    /// `stop`: a graceful stop (SIGTERM); started again after the duration.
    Stop(MemberTarget),
    /// `pause`: the process stands still (SIGSTOP) for the duration, and wakes up believing what
    /// it believed.
    Pause(MemberTarget),
    /// `slow`: handlers of the member take so many times as long.
    Slow(MemberTarget, u32),
    /// `join`: a member that has no start of its own starts.
    Join(MemberId),
    /// `rolling-restart`: each member in turn stops gracefully and starts again; the duration is
    /// the time from one member's stop to the next one's.
    RollingRestart,
    /// `crash-after-effect`: the process dies after the handler's next effect, before its result;
    /// started again after the duration.
    CrashAfterEffect(MemberTarget),
    /// `handler-outage`: this share of all attempts fails, for the duration.
    HandlerOutage {
        /// How they fail; never `Ok`.
        outcome: Outcome,
        /// How many, 0 to 1.
        share: f64,
    },
    /// `handler-hang`: attempts of the member that begin during the fault do not come back
    /// before its end.
    HandlerHang(MemberTarget),
    /// `undecodable`: a message that no handler can decode; it has no time.
    Undecodable(MessageId),
    /// `partition`: nothing passes between the member and the broker; what was sent is held, and
    /// arrives afterwards where the connection lived on.
    Partition {
        /// The member.
        member: MemberTarget,
        /// The broker; `None`: all of them.
        broker: Option<BrokerTarget>,
        /// Which way.
        direction: Direction,
    },
    /// `isolate`: nothing passes between the broker and all others, the controller too.
    Isolate(BrokerTarget),
    /// `delay`: everything between the member and the broker takes so much longer.
    Delay {
        /// The member.
        member: MemberTarget,
        /// The broker; `None`: all of them.
        broker: Option<BrokerTarget>,
        /// How much longer, each way.
        by: Duration,
    },
    /// `cut`: the connections between the member and the broker break, and what is in flight on
    /// them is gone; both sides notice. It has no duration.
    Cut {
        /// The member.
        member: MemberTarget,
        /// The broker; `None`: all of them.
        broker: Option<BrokerTarget>,
    },
    /// `lose-response`: the member's next request of a kind is applied, and its answer is lost
    /// with the connection.
    LoseResponse(MemberTarget, RequestKind),
    /// `broker-crash`: the broker's process dies; started again after the duration.
    BrokerCrash(BrokerTarget),
    /// `broker-stop`: the broker hands its leaderships over and stops; started again after the
    /// duration.
    BrokerStop(BrokerTarget),
    /// `broker-pause`: the broker stands still for the duration.
    BrokerPause(BrokerTarget),
    /// `rolling-broker-restart`: each broker in turn stops cleanly and starts again; the duration
    /// is the time from one broker's stop to the next one's.
    RollingBrokerRestart,
    /// `leader-move`: another in-sync replica becomes the leader of the partition.
    LeaderMove(TopicPartition),
    /// `coordinator-move`: another broker becomes the group's coordinator.
    CoordinatorMove,
    /// `error`: requests of a kind are answered with an error, for the duration.
    Error {
        /// The broker; `None`: all of them.
        broker: Option<BrokerTarget>,
        /// Which requests.
        request: RequestKind,
        /// Kafka's name of the error, checked to be one that this request can return.
        error: crate::ErrorName,
        /// How many of them, 0 to 1.
        share: f64,
    },
    /// `throttle`: the broker answers everything so much later, for the duration.
    Throttle(BrokerTarget, Duration),
    /// `add-partitions`: the topic gets so many more partitions.
    AddPartitions {
        /// The topic's number.
        topic: u32,
        /// How many more; at least 1.
        count: u32,
    },
    /// `retention`: the first records of the partition are removed, up to this share of it.
    Retention(TopicPartition, f64),
}
