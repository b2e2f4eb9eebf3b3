//! What members learn and do with partitions, as the trace tells it.

use super::World;
use plimsoll_core::{AssignmentEpoch, NextOffset, Offset, Start, TopicPartition};
use plimsoll_oracle::{MemberId, TraceEvent};

impl World {
    /// Takes in that a member begins to fetch partitions. The generation cannot be seen here.
    pub(crate) fn assigned(&mut self, member: MemberId, starts: &[Start]) {
        for start in starts {
            self.disown(member, start.partition);
            self.owners.entry(start.partition).or_default().push(member);
            self.observe(TraceEvent::Assigned {
                member,
                partition: start.partition,
                epoch: start.epoch,
                position: start.position,
                generation: -1,
            });
        }
    }

    /// Takes in that a member learned of a revocation.
    pub(crate) fn revoked(&mut self, member: MemberId, partitions: &[TopicPartition]) {
        for partition in partitions {
            let in_flight = self.handlers.sink.in_flight(member, *partition);
            if self.owns(member, *partition) {
                self.observe(TraceEvent::Revoked {
                    member,
                    partition: *partition,
                    in_flight,
                });
            }
        }
    }

    /// Takes in that a member gave partitions up.
    pub(crate) fn released(&mut self, member: MemberId, partitions: &[TopicPartition]) {
        for partition in partitions {
            if self.disown(member, *partition) {
                self.observe(TraceEvent::Released {
                    member,
                    partition: *partition,
                });
            }
        }
    }

    /// Takes in that a member learned that partitions are gone.
    pub(crate) fn lost_all(&mut self, member: MemberId, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.disown(member, *partition);
            self.observe(TraceEvent::Lost {
                member,
                partition: *partition,
            });
        }
    }

    /// Takes in that a member was told that its position is out of range.
    pub(crate) fn out_of_range(
        &mut self,
        member: MemberId,
        partition: TopicPartition,
        position: NextOffset,
    ) {
        self.positions.insert((member, partition), position);
        self.observe(TraceEvent::OutOfRange {
            member,
            partition,
            position,
        });
    }

    /// Takes in that a member moves its position, which was refused.
    pub(crate) fn sought(&mut self, member: MemberId, partition: TopicPartition, to: NextOffset) {
        if let Some(from) = self.positions.remove(&(member, partition)) {
            self.observe(TraceEvent::PositionReset {
                member,
                partition,
                from,
                to,
            });
        }
    }

    /// Takes in that a member learned what became of a commit.
    pub(crate) fn commit_answered(&mut self, member: MemberId) {
        if let Some(error) = self.refused[member.0 as usize].take() {
            self.observe(TraceEvent::CommitRefused { member, error });
        }
    }

    /// Takes in that a member closed the connection on which it had sent a commit, without an
    /// answer.
    pub(crate) fn commit_unanswered(&mut self, member: MemberId) {
        self.refused[member.0 as usize] = None;
        self.observe(TraceEvent::CommitUnknown { member });
    }

    /// Takes in that a member learned that the copy of a record is stored.
    pub(crate) fn dead_lettered(
        &mut self,
        member: MemberId,
        partition: TopicPartition,
        epoch: AssignmentEpoch,
        offset: Offset,
    ) {
        if let Some(message) = self.stored.get(&(partition, offset)).copied() {
            self.observe(TraceEvent::DeadLetterAcknowledged {
                member,
                partition,
                offset,
                message,
                epoch: Some(epoch),
            });
        }
    }

    fn owns(&self, member: MemberId, partition: TopicPartition) -> bool {
        let owners = self.owners.get(&partition);
        owners.is_some_and(|owners| owners.contains(&member))
    }

    /// Notes that a member owns a partition no more. Returns whether it did; another may own it as
    /// well by now.
    fn disown(&mut self, member: MemberId, partition: TopicPartition) -> bool {
        let owned = self.owns(member, partition);
        if let Some(owners) = self.owners.get_mut(&partition) {
            owners.retain(|owner| *owner != member);
        }
        owned
    }
}
