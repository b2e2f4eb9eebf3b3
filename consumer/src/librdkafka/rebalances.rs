//! The rebalance that librdkafka waits for, and what waits for its answer.

use super::lookups::Wanted;
use plimsoll_core::{AssignmentEpoch, NextOffset, RebalanceId, TopicPartition};

/// The rebalance that librdkafka waits for.
#[derive(Default)]
pub(super) struct Rebalances {
    /// The number of the last one.
    pub(super) last: u32,
    pub(super) unanswered: Option<Unanswered>,
    /// The seeks that wait until the rebalance is answered: librdkafka would take a change of the
    /// assignment for the answer.
    pub(super) seeks: Vec<Seek>,
}

/// A rebalance that the core has not answered.
pub(super) struct Unanswered {
    pub(super) id: RebalanceId,
    /// Whether the partitions are assigned; else they are revoked or lost.
    pub(super) assigns: bool,
    pub(super) partitions: Vec<TopicPartition>,
    /// A token that is dropped when the rebalance is answered, or overtaken: then its lookups end.
    pub(super) _wanted: Wanted,
}

/// A seek: the partition, the assignment that is meant, and where to go on.
type Seek = (TopicPartition, AssignmentEpoch, NextOffset);

impl Rebalances {
    /// Takes the rebalance that the core answers; `None` where librdkafka does not wait for it.
    pub(super) fn take_answered(&mut self, id: RebalanceId, assigns: bool) -> Option<Unanswered> {
        let answered = |u: &mut Unanswered| u.id == id && u.assigns == assigns;
        self.unanswered.take_if(answered)
    }
}
