//! From the entries of a trace to the tables of a [`History`].

use super::history::{Commit, Exit, History, Newest, Partition, Process, Seek, Stop};
use super::ids::{EntryIndex, NEVER, RecordId, Slot};
use crate::{ErrorName, MemberId, Terms, TraceEvent};
use plimsoll_core::{NextOffset, Offset, TopicPartition};

impl History {
    /// Takes in one entry.
    #[inline]
    pub(super) fn observe(&mut self, terms: &Terms, entry: EntryIndex, event: &TraceEvent) {
        use TraceEvent as E;
        match *event {
            E::Stored {
                message,
                partition,
                offset,
                key,
            } => {
                let record = self.record_id(terms, partition, offset);
                self.stored(entry, record, message, key);
            }
            E::Acknowledged {
                message,
                partition,
                offset,
            } => {
                let record = self.record_id(terms, partition, offset);
                self.acknowledged(entry, record, message);
            }
            E::HandlerStarted {
                member,
                partition,
                offset,
                message,
                attempt,
            } => {
                let record = self.record_id(terms, partition, offset);
                let attempt = self.started(entry, member, record, message, attempt);
                self.began(terms, attempt);
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
                let record = self.record_id(terms, partition, offset);
                let attempt = self.attempt(entry, member, record, message, attempt);
                self.answered(entry, attempt, message, outcome);
            }
            E::HandlerStopped {
                member,
                partition,
                offset,
                attempt,
            } => {
                let record = self.record_id(terms, partition, offset);
                self.handler_stopped(entry, member, record, attempt);
            }
            E::Committed {
                member,
                partition,
                next,
                generation,
                ..
            } => {
                let slot = self.slot(terms, partition);
                self.committed(entry, member, slot, (next, generation));
            }
            E::CommitSent { member } => self.commit_sent(entry, member),
            _ => self.observe_rare(terms, entry, event),
        }
    }

    fn observe_rare(&mut self, terms: &Terms, entry: EntryIndex, event: &TraceEvent) {
        use TraceEvent as E;
        match *event {
            E::Removed {
                partition,
                log_start,
            } => {
                let slot = self.slot(terms, partition);
                self.removed(entry, slot, log_start);
            }
            E::Truncated { partition, log_end } => {
                let slot = self.slot(terms, partition);
                self.truncated(entry, slot, log_end);
            }
            E::PositionReset {
                member,
                partition,
                from,
                to,
            } => {
                let slot = self.slot(terms, partition);
                self.position_reset(entry, member, slot, from, to);
            }
            E::LateCommit { partition, .. } => {
                let slot = self.slot(terms, partition);
                self.partitions[slot].late = true;
            }
            E::OffsetsReset { partition, next } => {
                let slot = self.slot(terms, partition);
                self.offsets_reset(entry, slot, next);
            }
            E::DeadLettered {
                member,
                partition,
                offset,
                message,
                epoch,
            } => {
                let record = self.record_id(terms, partition, offset);
                self.dead_lettered(entry, member, record, message, epoch);
            }
            E::DeadLetterAcknowledged {
                member,
                partition,
                offset,
                message,
                epoch,
            } => {
                let record = self.record_id(terms, partition, offset);
                self.letter_acknowledged(entry, member, record, message, epoch);
            }
            E::Healed => self.healed = entry,
            E::Quiet => self.quiet = entry,
            E::Ended { lag } => (self.ended, self.lag) = (entry, lag),
            _ => self.observe_owners(terms, entry, event),
        }
    }

    fn observe_owners(&mut self, terms: &Terms, entry: EntryIndex, event: &TraceEvent) {
        use TraceEvent as E;
        match *event {
            E::Assigned {
                member,
                partition,
                position,
                generation,
                epoch,
            } => {
                let slot = self.slot(terms, partition);
                self.assigned(entry, member, slot, position, generation, epoch);
            }
            E::Revoked {
                member, partition, ..
            } => {
                let slot = self.slot(terms, partition);
                self.withdrawn(entry, member, slot);
            }
            E::Released { member, partition } => {
                let slot = self.slot(terms, partition);
                self.withdrawn(entry, member, slot);
                self.released(entry, member, slot);
            }
            E::Lost { member, partition } => {
                let slot = self.slot(terms, partition);
                self.withdrawn(entry, member, slot);
                self.lost(entry, member, slot);
            }
            _ => self.observe_process(entry, event),
        }
    }

    fn observe_process(&mut self, entry: EntryIndex, event: &TraceEvent) {
        use TraceEvent as E;
        match *event {
            E::CommitUnknown { member } => self.processes.row_mut(member).newest = Newest::Failed,
            E::CommitRefused { member, error } => {
                self.processes.row_mut(member).newest = match is_tried_again(error) {
                    true => Newest::Failed,
                    false => Newest::Sent,
                };
            }
            E::MemberStarted { member } => {
                self.forget_holdings(member);
                *self.processes.row_mut(member) = Process::default();
            }
            E::MemberStopping { member } => {
                self.end_assignments(entry, member);
                self.stops.push(Stop {
                    entry,
                    member,
                    stopped: NEVER,
                    disturbed: false,
                    lost: NEVER,
                });
            }
            E::MemberStopped { member } => {
                self.end_process(entry, member);
                if let Some(stop) = self.open_stop(member) {
                    stop.stopped = entry;
                }
            }
            E::MemberExited { member, status } => {
                self.end_process(entry, member);
                self.exits.push(Exit {
                    entry,
                    member,
                    status,
                });
            }
            E::MemberCrashed { member } => {
                self.end_process(entry, member);
                self.disturb_stop(member);
            }
            E::MemberPaused { member } => {
                self.disturb_stop(member);
                self.processes.row_mut(member).paused = true;
            }
            E::MemberResumed { member } => self.resumed(entry, member),
            _ => {}
        }
    }

    #[inline]
    fn record_id(&mut self, terms: &Terms, id: TopicPartition, offset: Offset) -> RecordId {
        let slot = self.slot(terms, id);
        RecordId { slot, offset }
    }

    /// Returns the slot of a partition, which is made where it is new.
    #[inline]
    fn slot(&mut self, terms: &Terms, id: TopicPartition) -> Slot {
        match self.slots.get(id) {
            Some(slot) => slot,
            None => self.new_slot(terms, id),
        }
    }

    #[cold]
    fn new_slot(&mut self, terms: &Terms, id: TopicPartition) -> Slot {
        let topic = terms.topics.get(id.topic as usize);
        let at_start = topic.is_some_and(|topic| id.partition < topic.partitions);
        let owned = self.assignments.iter();
        let mut owned = owned.map(|assignment| self.partitions[assignment.slot].id);
        let founding = at_start || !owned.any(|owned| owned.topic == id.topic);
        let mut partition = self.spare.pop().unwrap_or_default();
        partition.renew(id, founding);
        let slot = self.partitions.push(partition);
        self.slots.set(id, slot);
        slot
    }

    fn position_reset(
        &mut self,
        entry: EntryIndex,
        member: MemberId,
        slot: Slot,
        from: NextOffset,
        to: NextOffset,
    ) {
        let partition = &mut self.partitions[slot];
        let holding = partition.holdings.row_mut(member);
        if to < from {
            holding.sought = Some(holding.sought.map_or(to, |sought| sought.min(to)));
            self.seeks.push(Seek {
                entry,
                member,
                slot,
                to,
            });
        }
        if holding.assignment == partition.current {
            partition.position = to;
            partition.position_by = entry;
        }
        // A position that a cut took away. Any other is left by the consumer's own will, or was
        // wrong: one beyond the end of a log that never became shorter.
        if let Some(cut) = &mut partition.cut
            && to < from
            && (from > cut.to && from <= cut.from)
        {
            cut.followed = true;
            partition.floor = partition.floor.min(to);
            self.rewound(entry, slot, to);
        }
    }

    /// Notes that a commit is sent. One that is tried again was sent when it was first.
    #[inline]
    fn commit_sent(&mut self, entry: EntryIndex, member: MemberId) {
        let process = self.processes.row_mut(member);
        match process.newest {
            Newest::Sent => process.sent = entry,
            Newest::Failed | Newest::SentAgain => process.newest = Newest::SentAgain,
        }
    }

    #[inline]
    fn committed(
        &mut self,
        entry: EntryIndex,
        member: MemberId,
        slot: Slot,
        (next, generation): (NextOffset, i32),
    ) {
        let process = self.processes.row_mut(member);
        // What is accepted before it is sent again is a copy whose answer nothing waits for: the
        // client does not learn of it.
        if process.newest == Newest::SentAgain {
            process.newest = Newest::Sent;
        }
        let sent = process.sent;
        let partition = &mut self.partitions[slot];
        let holding = partition.holding(member);
        let late = std::mem::take(&mut partition.late);
        let is_rewind = late && next < partition.floor;
        self.commits.push(Commit {
            entry,
            member,
            slot,
            next,
            previous: partition.committed,
            previous_by: partition.committed_by,
            floor: partition.floor,
            sought: holding.sought,
            late,
            generation,
            sent,
            lost: holding.lost,
            own: holding.assignment,
            current: partition.current,
        });
        partition.committed = next;
        partition.committed_by = entry;
        partition.floor = next;
        partition.cut = partition.cut.filter(|cut| !cut.followed);
        if is_rewind {
            self.rewound(entry, slot, next);
        }
    }

    fn resumed(&mut self, entry: EntryIndex, member: MemberId) {
        self.processes.row_mut(member).paused = false;
        let attempts = &mut self.attempts;
        self.unheard.retain(|&id| {
            let attempt = &mut attempts[id];
            let others = attempt.member != member;
            if !others {
                attempt.told = entry;
            }
            others
        });
    }
}

/// Returns whether a client may send a commit again that was refused with an error
/// (`rd_kafka_handle_OffsetCommit_error`).
const fn is_tried_again(error: ErrorName) -> bool {
    use ErrorName as E;
    matches!(
        error,
        E::CoordinatorLoadInProgress
            | E::CoordinatorNotAvailable
            | E::NotCoordinator
            | E::RequestTimedOut
            | E::UnknownTopicOrPartition
    )
}

impl Partition {
    /// Forgets the run before, and keeps its memory.
    fn renew(&mut self, id: TopicPartition, founding: bool) {
        let mut records = std::mem::take(&mut self.records);
        let mut holdings = std::mem::take(&mut self.holdings);
        records.clear();
        holdings.clear();
        *self = Self {
            id,
            founding,
            ..Self::default()
        };
        (self.records, self.holdings) = (records, holdings);
    }
}
