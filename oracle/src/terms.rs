//! The terms on which a run is judged: what the group was told to keep, and what hindered it.
//!
//! Like the trace, they come from outside. With both, a run can be judged without the scenario, the
//! plan or the backend that it came from.

use crate::{FaultId, MessageId, RequestKind, Setting};
use plimsoll_core::{Config, TopicPartition};
use std::fmt;
use std::time::Duration;

/// What a run is judged by, besides its trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// The topics of the run, first those that the group consumes; the index is the topic's number
    /// in a `TopicPartition`.
    pub topics: Vec<TopicTerms>,
    /// The settings of the consumer: its commit policy, its retry budget, its ordering, ...
    pub config: Config,
    /// Whether an acknowledged message is stored by all in-sync replicas (`acks=all`).
    pub acks_all: bool,
    /// Time that a member may need after an obstacle is gone, until its commits go through again.
    pub settling: Duration,
    /// `no-zombie`: time after a member learned that a partition goes within which a handler may
    /// start that began before. Zero where the order of the two is seen.
    pub crossing: Duration,
    /// `liveness`: time from the healing until every group must have come to rest.
    pub liveness_within: Duration,
    /// `liveness`: whether Kafka's own protocol may leave a partition without an owner in a group
    /// that is stable. So it does with static members.
    pub may_orphan: bool,
    /// `bounded-duplicates`: time beyond the commit interval for which a finished record may stand
    /// uncommitted.
    pub duplicates_slack: Duration,
    /// `bounded-duplicates`: whether a member that goes back to a record that failed may do again
    /// what went well behind it.
    pub repeats_after_failure: bool,
    /// `clean-shutdown`: time that a graceful stop may take.
    pub shutdown_within: Duration,
    /// `no-exit`: whether members may end although nothing asked them to.
    pub exits_allowed: bool,
    /// `progress`: time for which a partition may stand still although nothing hinders it.
    pub progress_within: Duration,
    /// Messages that no handler can decode, sorted.
    pub undecodable: Vec<MessageId>,
    /// The faults of the run.
    pub faults: Vec<FaultTerms>,
    /// The settings of the subject that are not known: see [`Terms::forget`].
    pub unknown: Vec<Setting>,
}

/// A topic of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicTerms {
    /// The name of the topic.
    pub name: String,
    /// The number of partitions for the group at the start of the run; 0 where the group does not
    /// consume it.
    pub partitions: u32,
}

/// What is known of a fault besides when it began and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultTerms {
    /// The fault's id in the trace.
    pub id: FaultId,
    /// The word for its kind in reports.
    pub word: &'static str,
    /// When it keeps members from committing.
    pub hindrance: Hindrance,
    /// The kind of requests that it is about, if it is about one.
    pub request: Option<RequestKind>,
}

/// When a fault keeps members from committing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// Never: it hits a process or a handler, which the trace shows otherwise.
    Never,
    /// At the moment when it happens.
    AtOnce,
    /// From its beginning to its end.
    WhileItLasts,
}

impl Terms {
    /// Returns the name of a partition, for people.
    pub fn partition_name(&self, id: TopicPartition) -> PartitionName<'_> {
        PartitionName { terms: self, id }
    }

    /// Returns what is known of a fault; `None` where nothing is.
    pub fn fault(&self, id: FaultId) -> Option<&FaultTerms> {
        self.faults.iter().find(|fault| fault.id == id)
    }
}

/// A partition by its topic's name.
#[derive(Clone, Copy, Debug)]
pub struct PartitionName<'a> {
    terms: &'a Terms,
    id: TopicPartition,
}

/// `orders-0`, as Kafka's own tools write it.
impl fmt::Display for PartitionName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TopicPartition { topic, partition } = self.id;
        match self.terms.topics.get(topic as usize) {
            Some(topic) => write!(f, "{}-{partition}", topic.name),
            None => write!(f, "topic-{topic}-{partition}"),
        }
    }
}
