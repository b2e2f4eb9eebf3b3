//! From the entries of a trace to the tables of a [`History`].

use super::history::{
    Ack, Assignment, Commit, History, Holding, NEVER, Partition, Record, Rewind, Stop,
};
use crate::{MemberId, MessageId, Terms, TraceEvent};
use plimsoll_core::{NextOffset, Offset, TopicPartition};

impl History {
    /// Takes in one entry.
    #[inline]
    pub(super) fn observe(&mut self, terms: &Terms, entry: u32, event: &TraceEvent) {
        use TraceEvent as E;
        match *event {
            E::Stored {
                message,
                partition,
                offset,
                key,
            } => {
                let slot = self.slot(terms, partition);
                self.stored(slot, entry, message, offset, key);
            }
            E::Acknowledged {
                message,
                partition,
                offset,
            } => self.acknowledged(terms, entry, message, partition, offset),
            E::HandlerStarted {
                member,
                partition,
                offset,
                message,
                attempt,
            } => {
                let slot = self.slot(terms, partition);
                self.started(slot, entry, member, offset, message, attempt);
            }
            E::Effect {
                member,
                partition,
                offset,
                message,
                attempt,
                outcome,
                ..
            } => {
                let slot = self.slot(terms, partition);
                let of = self.attempt(slot, entry, member, offset, message, attempt);
                self.answered(of, entry, message, outcome);
            }
            E::HandlerStopped {
                member,
                partition,
                offset,
                attempt,
            } => self.handler_stopped(terms, entry, member, partition, offset, attempt),
            E::Committed {
                member,
                partition,
                next,
                ..
            } => self.committed(terms, entry, member, partition, next),
            E::CommitSent { .. } | E::CommitRefused { .. } | E::CommitUnknown { .. } => {}
            _ => self.observe_rare(terms, entry, event),
        }
    }

    fn observe_rare(&mut self, terms: &Terms, entry: u32, event: &TraceEvent) {
        use TraceEvent as E;
        match *event {
            E::Removed {
                partition,
                log_start,
            } => self.removed(terms, entry, partition, log_start),
            E::Assigned {
                member,
                partition,
                position,
                generation,
                ..
            } => {
                let slot = self.slot(terms, partition);
                self.assigned(slot, entry, member, position, generation);
            }
            E::Revoked {
                member, partition, ..
            } => self.withdrawn(terms, entry, member, partition),
            E::Lost { member, partition } => {
                self.withdrawn(terms, entry, member, partition);
                self.disturb_stop(member);
            }
            E::PositionReset {
                member,
                partition,
                from,
                to,
            } => self.position_reset(terms, entry, member, partition, from, to),
            E::OffsetsReset { partition, next } => {
                self.offsets_reset(terms, entry, partition, next);
            }
            E::DeadLettered {
                member,
                partition,
                offset,
                message,
            } => {
                let slot = self.slot(terms, partition);
                self.dead_lettered(slot, entry, member, offset, message);
            }
            E::MemberStopping { member } => {
                self.end_assignments(entry, member);
                self.stops.push(Stop {
                    entry,
                    member,
                    stopped: NEVER,
                    disturbed: false,
                });
            }
            E::MemberStopped { member } => {
                self.end_assignments(entry, member);
                if let Some(stop) = self.open_stop(member) {
                    stop.stopped = entry;
                }
            }
            E::MemberCrashed { member } => {
                self.end_assignments(entry, member);
                self.disturb_stop(member);
            }
            E::MemberPaused { member } => self.disturb_stop(member),
            E::MemberStarted { member } => self.forget_holdings(member),
            E::Healed => self.healed = entry,
            E::Quiet => self.quiet = entry,
            E::Ended { lag } => (self.ended, self.lag) = (entry, lag),
            _ => {}
        }
    }

    /// The number of a partition, which is made where it is new.
    #[inline]
    pub(super) fn slot(&mut self, terms: &Terms, id: TopicPartition) -> u32 {
        match self.slots.get(id) {
            Some(slot) => slot,
            None => self.new_slot(terms, id),
        }
    }

    #[cold]
    fn new_slot(&mut self, terms: &Terms, id: TopicPartition) -> u32 {
        if self.live == self.partitions.len() {
            self.partitions.push(Partition::default());
        }
        let topic = terms.topics.get(id.topic as usize);
        let at_start = topic.is_some_and(|topic| id.partition < topic.partitions);
        let mut owned = self
            .assignments
            .iter()
            .map(|a| self.partitions[a.slot as usize].id);
        let founding = at_start || !owned.any(|owned| owned.topic == id.topic);
        self.partitions[self.live].renew(id, founding);
        let slot = self.live as u32;
        self.slots.set(id, slot);
        self.live += 1;
        slot
    }

    #[inline]
    fn stored(
        &mut self,
        slot: u32,
        entry: u32,
        message: MessageId,
        offset: Offset,
        key: Option<u32>,
    ) {
        let partition = &mut self.partitions[slot as usize];
        partition.log_end = partition.log_end.max(offset.next().get());
        let record = partition.record(offset.get());
        if record.message != message.0 {
            record.replace(message);
        }
        record.key = key.unwrap_or(Record::NO_KEY);
        record.stored = record.stored.min(entry);
    }

    #[inline]
    fn acknowledged(
        &mut self,
        terms: &Terms,
        entry: u32,
        message: MessageId,
        partition: TopicPartition,
        offset: Offset,
    ) {
        let slot = self.slot(terms, partition);
        let partition = &mut self.partitions[slot as usize];
        let record = partition.record(offset.get());
        if record.stored == NEVER && record.message != message.0 {
            record.replace(message);
        }
        if record.message == message.0 {
            record.acked = record.acked.min(entry);
        }
        self.acks.push(Ack {
            entry,
            slot,
            offset: offset.get() as u32,
            message: message.0,
        });
    }

    fn removed(
        &mut self,
        terms: &Terms,
        entry: u32,
        partition: TopicPartition,
        log_start: NextOffset,
    ) {
        let slot = self.slot(terms, partition);
        let partition = &mut self.partitions[slot as usize];
        let from = partition.below(partition.log_start);
        let to = partition.below(log_start.get());
        partition.log_start = partition.log_start.max(log_start.get());
        for record in &mut partition.records[from.min(to)..to] {
            record.excused = record.excused.min(entry);
        }
    }

    fn assigned(
        &mut self,
        slot: u32,
        entry: u32,
        member: MemberId,
        position: NextOffset,
        generation: i32,
    ) {
        let number = self.assignments.len() as u32;
        let partition = &mut self.partitions[slot as usize];
        let current = self.assignments.get(partition.current as usize);
        // A member that was slow to learn of an older generation takes nothing from its successor.
        let is_current = current.is_none_or(|current| {
            generation < 0 || current.generation < 0 || generation >= current.generation
        });
        let before = [
            is_current.then_some(partition.current),
            Some(partition.holding(member).assignment),
        ];
        for ended in before.into_iter().flatten() {
            if let Some(before) = self.assignments.get_mut(ended as usize) {
                before.ended = before.ended.min(entry);
            }
        }
        if partition.first == NEVER {
            partition.first = number;
        }
        partition.chances += 1;
        if is_current {
            partition.current = number;
            partition.position = position.get();
            partition.position_by = entry;
        }
        *partition.holding_mut(member) = Holding {
            assignment: number,
            ..Holding::NONE
        };
        self.assignments.push(Assignment {
            slot,
            member,
            entry,
            position: position.get(),
            generation,
            ended: NEVER,
        });
    }

    fn withdrawn(
        &mut self,
        terms: &Terms,
        entry: u32,
        member: MemberId,
        partition: TopicPartition,
    ) {
        let slot = self.slot(terms, partition);
        let holding = self.partitions[slot as usize].holding_mut(member);
        holding.withdrawn = holding.withdrawn.min(entry);
        if let Some(assignment) = self.assignments.get_mut(holding.assignment as usize) {
            assignment.ended = assignment.ended.min(entry);
        }
    }

    fn position_reset(
        &mut self,
        terms: &Terms,
        entry: u32,
        member: MemberId,
        partition: TopicPartition,
        from: NextOffset,
        to: NextOffset,
    ) {
        let slot = self.slot(terms, partition);
        let partition = &mut self.partitions[slot as usize];
        let holding = partition.holding_mut(member);
        if to < from {
            holding.sought = holding.sought.min(to.get());
        }
        if holding.assignment == partition.current {
            partition.position = to.get();
            partition.position_by = entry;
        }
        // Beyond the end of the partition: the log became shorter. Anything else is a seek by the
        // consumer's own will.
        if to < from && from.get() > partition.log_end {
            self.rewound(slot, entry, to.get());
        }
    }

    fn offsets_reset(
        &mut self,
        terms: &Terms,
        entry: u32,
        partition: TopicPartition,
        next: NextOffset,
    ) {
        let slot = self.slot(terms, partition);
        let partition = &mut self.partitions[slot as usize];
        let backwards = next.get() < partition.committed;
        partition.committed = next.get();
        partition.committed_by = entry;
        let below = partition.below(next.get());
        for record in &mut partition.records[..below] {
            if record.finished == NEVER {
                record.skipped = record.skipped.min(entry);
            }
        }
        if backwards {
            self.rewound(slot, entry, next.get());
        }
    }

    fn rewound(&mut self, slot: u32, entry: u32, to: u64) {
        let partition = &mut self.partitions[slot as usize];
        partition.chances += 1;
        let from = partition.below(to);
        for record in &mut partition.records[from..] {
            record.skipped = NEVER;
        }
        self.rewinds.push(Rewind { entry, slot, to });
    }

    #[inline]
    fn committed(
        &mut self,
        terms: &Terms,
        entry: u32,
        member: MemberId,
        partition: TopicPartition,
        next: NextOffset,
    ) {
        let slot = self.slot(terms, partition);
        let partition = &mut self.partitions[slot as usize];
        let holding = partition.holding(member);
        self.commits.push(Commit {
            entry,
            slot,
            member,
            next: next.get(),
            previous: partition.committed,
            previous_by: partition.committed_by,
            sought: holding.sought,
            own: holding.assignment,
            current: partition.current,
        });
        partition.committed = next.get();
        partition.committed_by = entry;
    }

    fn end_assignments(&mut self, entry: u32, member: MemberId) {
        for partition in &self.partitions[..self.live] {
            let held = partition.holding(member).assignment;
            if let Some(assignment) = self.assignments.get_mut(held as usize) {
                assignment.ended = assignment.ended.min(entry);
            }
        }
    }

    /// A new process knows nothing of what the one before it held.
    fn forget_holdings(&mut self, member: MemberId) {
        for partition in &mut self.partitions[..self.live] {
            *partition.holding_mut(member) = Holding::NONE;
        }
    }

    fn open_stop(&mut self, member: MemberId) -> Option<&mut Stop> {
        let newest = self.stops.iter_mut().rev();
        newest
            .filter(|stop| stop.member == member)
            .find(|stop| stop.stopped == NEVER)
    }

    fn disturb_stop(&mut self, member: MemberId) {
        if let Some(stop) = self.open_stop(member) {
            stop.disturbed = true;
        }
    }
}

impl Record {
    /// Another message stands at this offset from now on.
    fn replace(&mut self, message: MessageId) {
        if self.message != NEVER {
            *self = Self::UNSEEN;
        }
        self.message = message.0;
    }
}

impl Partition {
    /// Forgets the run before.
    fn renew(&mut self, id: TopicPartition, founding: bool) {
        let mut records = std::mem::take(&mut self.records);
        let mut holdings = std::mem::take(&mut self.holdings);
        records.clear();
        holdings.clear();
        *self = Self {
            id,
            founding,
            records,
            holdings,
            first: NEVER,
            current: NEVER,
            committed_by: NEVER,
            position_by: NEVER,
            ..Self::default()
        };
    }
}
