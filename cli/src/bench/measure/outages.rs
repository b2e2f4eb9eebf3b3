//! When a trace is in an outage: a fault is under way, or a partition of the group has no owner.

use plimsoll_core::TopicPartition;
use plimsoll_oracle::{FaultId, MemberId, TraceEvent};
use std::collections::{BTreeMap, BTreeSet};

/// What keeps the group from its work at the moment.
#[derive(Debug, Default)]
pub(super) struct Outages {
    /// The faults that have begun and not ended.
    faults: BTreeSet<FaultId>,
    /// The owner of each partition that was written to or assigned.
    owners: BTreeMap<TopicPartition, Option<MemberId>>,
    /// The number of partitions without an owner.
    unowned: usize,
}

impl Outages {
    /// Reads an entry of the trace, and returns whether it leaves the group in an outage.
    pub(super) fn observe(&mut self, event: &TraceEvent) -> bool {
        match *event {
            TraceEvent::FaultBegan { fault, .. } => {
                self.faults.insert(fault);
            }
            TraceEvent::FaultEnded { fault } | TraceEvent::FaultMissed { fault, .. } => {
                self.faults.remove(&fault);
            }
            TraceEvent::Stored { partition, .. } | TraceEvent::Acknowledged { partition, .. } => {
                self.owner(partition);
            }
            TraceEvent::Assigned {
                member, partition, ..
            } => self.give(partition, Some(member)),
            TraceEvent::Revoked {
                member, partition, ..
            }
            | TraceEvent::Lost { member, partition } => self.take(partition, member),
            TraceEvent::MemberStopping { member }
            | TraceEvent::MemberStopped { member }
            | TraceEvent::MemberExited { member, .. }
            | TraceEvent::MemberCrashed { member } => self.take_all(member),
            _ => {}
        }
        self.unowned > 0 || !self.faults.is_empty()
    }

    /// Returns the owner of a partition, which has none when it is first seen.
    fn owner(&mut self, partition: TopicPartition) -> Option<MemberId> {
        let unowned = &mut self.unowned;
        *self.owners.entry(partition).or_insert_with(|| {
            *unowned += 1;
            None
        })
    }

    fn give(&mut self, partition: TopicPartition, owner: Option<MemberId>) {
        let before = self.owners.insert(partition, owner);
        let was_unowned = before == Some(None);
        self.unowned -= usize::from(was_unowned);
        self.unowned += usize::from(owner.is_none());
    }

    /// Takes a partition from a member, unless another has it by now.
    fn take(&mut self, partition: TopicPartition, member: MemberId) {
        if self.owner(partition) == Some(member) {
            self.give(partition, None);
        }
    }

    fn take_all(&mut self, member: MemberId) {
        for owner in self.owners.values_mut() {
            if *owner == Some(member) {
                *owner = None;
                self.unowned += 1;
            }
        }
    }
}
