//! The owners of partitions, in a [`History`]: from assignments to the ends of their processes.

use super::history::{Assignment, History, Holding, Process, Stop};
use super::ids::{EntryIndex, NEVER, Slot};
use crate::MemberId;
use plimsoll_core::{AssignmentEpoch, NextOffset};

impl History {
    pub(super) fn assigned(
        &mut self,
        entry: EntryIndex,
        member: MemberId,
        slot: Slot,
        position: NextOffset,
        generation: i32,
        epoch: AssignmentEpoch,
    ) {
        let partition = &mut self.partitions[slot];
        let current = partition.current.map(|current| &self.assignments[current]);
        // A member that was slow to learn of an older generation takes nothing from its successor.
        let is_current =
            current.is_none_or(|current| generation < 0 || generation >= current.generation);
        let over = [
            partition.current.filter(|_| is_current),
            partition.holding(member).assignment,
        ];
        for assignment in over.into_iter().flatten() {
            self.assignments[assignment].end(entry);
        }
        let assignment = self.assignments.push(Assignment {
            entry,
            member,
            slot,
            position,
            generation,
            epoch,
            stale: !is_current,
            previous: partition.current.filter(|_| is_current),
            chances_before: partition.chances,
            committed: partition.committed,
            ended: NEVER,
            released: NEVER,
        });
        partition.first = partition.first.or(Some(assignment));
        partition.chances += 1;
        if is_current {
            partition.current = Some(assignment);
            partition.position = position;
            partition.position_by = entry;
        }
        *partition.holdings.row_mut(member) = Holding {
            assignment: Some(assignment),
            ..Holding::default()
        };
    }

    pub(super) fn withdrawn(&mut self, entry: EntryIndex, member: MemberId, slot: Slot) {
        let holding = self.partitions[slot].holdings.row_mut(member);
        holding.withdrawn = holding.withdrawn.min(entry);
        if let Some(assignment) = holding.assignment {
            self.assignments[assignment].end(entry);
        }
    }

    /// Notes in a member's stop that it takes a partition for lost.
    pub(super) fn lost(&mut self, entry: EntryIndex, member: MemberId, slot: Slot) {
        let partition = &mut self.partitions[slot];
        let holding = partition.holdings.row_mut(member);
        holding.lost = holding.lost.min(entry);
        let is_owner = partition.current == partition.holding(member).assignment;
        if let Some(stop) = self.open_stop(member) {
            stop.disturbed |= !is_owner;
            stop.lost = stop.lost.min(entry);
        }
    }

    pub(super) fn released(&mut self, entry: EntryIndex, member: MemberId, slot: Slot) {
        if let Some(assignment) = self.partitions[slot].holding(member).assignment {
            let released = &mut self.assignments[assignment].released;
            *released = (*released).min(entry);
        }
    }

    pub(super) fn end_process(&mut self, entry: EntryIndex, member: MemberId) {
        self.end_assignments(entry, member);
        self.processes.row_mut(member).end(entry);
    }

    /// Ends every assignment of a member: its process is stopping, or has ended.
    pub(super) fn end_assignments(&mut self, entry: EntryIndex, member: MemberId) {
        for partition in self.partitions.iter() {
            if let Some(assignment) = partition.holding(member).assignment {
                self.assignments[assignment].end(entry);
            }
        }
    }

    /// Forgets what a member held: a new process knows nothing of what the one before it held.
    pub(super) fn forget_holdings(&mut self, member: MemberId) {
        for partition in self.partitions.iter_mut() {
            *partition.holdings.row_mut(member) = Holding::default();
        }
    }

    /// Returns the newest graceful stop of a member, unless it has stopped.
    pub(super) fn open_stop(&mut self, member: MemberId) -> Option<&mut Stop> {
        let newest = self.stops.iter_mut().rev();
        newest
            .filter(|stop| stop.member == member)
            .find(|stop| stop.stopped == NEVER)
    }

    pub(super) fn disturb_stop(&mut self, member: MemberId) {
        if let Some(stop) = self.open_stop(member) {
            stop.disturbed = true;
        }
    }
}

impl Process {
    fn end(&mut self, entry: EntryIndex) {
        *self = Self {
            ended: entry,
            ..Self::default()
        };
    }
}

impl Assignment {
    fn end(&mut self, entry: EntryIndex) {
        self.ended = self.ended.min(entry);
    }
}
