//! One assigned partition: its unfinished records, and what each of them waits for.

mod attempts;

use crate::batches::Batches;
use crate::index::Index;
use crate::lanes::Lanes;
use crate::shared::Shared;
use crate::slab::{Slab, Slot};
use crate::watermark::Watermark;
use crate::{
    AssignmentEpoch, Command, CommitOffset, DeadLetterReason, Instant, KeyHash, NextOffset, Offset,
    Ordering, PartitionStatus, Record, TopicPartition,
};
use std::collections::{BTreeMap, BTreeSet};

/// A partition under one assignment.
#[derive(Debug)]
pub(crate) struct Partition<P> {
    id: TopicPartition,
    epoch: AssignmentEpoch,
    founding_partitions: u32,
    watermark: Watermark,
    committed: Option<NextOffset>,
    /// Whether the partition stands in the list of those to commit.
    dirty: bool,
    /// Whether the watermark is to be committed again although it is committed: an earlier commit
    /// may have arrived since.
    in_doubt: bool,
    /// Whether fetching must not begin before the start is committed.
    awaits_start: bool,
    unfinished: Slab<Unfinished<P>>,
    /// The records whose dead letters were refused for good. Mostly empty.
    refused: BTreeSet<Offset>,
    index: Index,
    lanes: Lanes,
    batches: Batches,
    /// The number of handlers and dead-letter writes in flight.
    in_flight: usize,
    flow: Flow,
    draining: bool,
    /// Whether the partition stands in the list of those that can start a handler.
    listed: bool,
    /// The highest number of an attempt under this assignment.
    highest_attempt: u32,
    /// The number from which attempts are counted: zero until the log is cut, then the highest one
    /// before the cut. The result of a record that is gone must not be taken for that of another
    /// record at its offset.
    first_attempt: u32,
    /// The number of dead-letter writes that were in flight when the log was cut, by offset: their
    /// answers are still to come, before those of later writes, and must not be taken for these.
    /// Mostly empty.
    writes_before_cut: BTreeMap<Offset, u32>,
}

/// An unfinished record.
#[derive(Debug)]
struct Unfinished<P> {
    record: Record<P>,
    /// The batch in which it came.
    batch: Slot,
    /// The number of the last attempt.
    attempt: u32,
    /// The number of calls of the handler.
    calls: u32,
    stage: Stage,
}

/// What an unfinished record waits for: its turn, its handler, a pause, or its dead letter.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Its turn.
    Queued,
    /// Its handler.
    Running { flight: Slot },
    /// The end of a pause.
    Pausing { due: Instant },
    /// The acknowledgement of its dead letter, after this number of failed writes.
    Writing {
        reason: DeadLetterReason,
        failures: u32,
    },
    /// The end of a pause before its dead letter is written again.
    PausingWrite {
        due: Instant,
        reason: DeadLetterReason,
        failures: u32,
    },
    /// Another owner of the partition: its dead letter was refused for good.
    Refused,
}

/// Whether the driver fetches the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Open,
    /// Paused because enough is buffered.
    Paused,
    /// Paused because the position is out of range, and the policy is to halt.
    Halted,
}

impl<P> Partition<P> {
    pub(crate) fn new(
        id: TopicPartition,
        epoch: AssignmentEpoch,
        start: NextOffset,
        committed: Option<NextOffset>,
        founding_partitions: u32,
        ordering: Ordering,
    ) -> Self {
        Self {
            id,
            epoch,
            founding_partitions,
            watermark: Watermark::new(start),
            committed,
            dirty: false,
            in_doubt: false,
            awaits_start: false,
            unfinished: Slab::new(),
            refused: BTreeSet::new(),
            index: Index::default(),
            lanes: Lanes::new(ordering),
            batches: Batches::new(),
            in_flight: 0,
            flow: Flow::Open,
            draining: false,
            listed: false,
            highest_attempt: 0,
            first_attempt: 0,
            writes_before_cut: BTreeMap::new(),
        }
    }

    #[inline]
    pub(crate) const fn epoch(&self) -> AssignmentEpoch {
        self.epoch
    }

    pub(crate) fn position(&self) -> NextOffset {
        self.watermark.position()
    }

    pub(crate) fn buffered_records(&self) -> usize {
        self.unfinished.len()
    }

    pub(crate) fn is_unfinished(&self, offset: Offset) -> bool {
        self.index.get(offset).is_some()
    }

    pub(crate) const fn is_draining(&self) -> bool {
        self.draining
    }

    pub(crate) fn is_halted(&self) -> bool {
        self.flow == Flow::Halted
    }

    pub(crate) const fn awaits_start(&self) -> bool {
        self.awaits_start && !self.draining
    }

    /// Returns whether no handler and no dead-letter write is in flight.
    pub(crate) const fn is_idle(&self) -> bool {
        self.in_flight == 0
    }

    /// Returns whether a commit of the watermark was accepted.
    pub(crate) fn is_committed(&self) -> bool {
        self.committed == Some(self.watermark.get())
    }

    /// Returns whether the watermark is to be committed.
    pub(crate) fn is_uncommitted(&self) -> bool {
        self.in_doubt || !self.is_committed()
    }

    pub(crate) fn status(&self) -> PartitionStatus {
        PartitionStatus {
            partition: self.id,
            epoch: self.epoch,
            watermark: self.watermark.get(),
            committed: self.committed,
            position: self.watermark.position(),
            buffered_records: self.unfinished.len(),
            buffered_bytes: self.batches.bytes(),
            in_flight: self.in_flight,
            refused_letters: self.refused.len(),
            paused: self.flow == Flow::Paused,
            halted: self.flow == Flow::Halted,
            draining: self.draining,
        }
    }

    /// Holds fetching back until the start is committed.
    pub(crate) const fn await_start(&mut self) {
        self.awaits_start = true;
    }

    /// Buffers records that arrived, and pauses the partition once it holds enough.
    pub(crate) fn fetched(&mut self, records: Vec<Record<P>>, shared: &mut Shared<P>) {
        if self.draining {
            return;
        }
        if self.flow == Flow::Halted {
            // Nothing that follows an unknown gap may be taken for the next record.
            self.pause(Flow::Halted, shared);
            return;
        }
        let before = self.watermark.get();
        let batch = self
            .batches
            .add(records.iter().map(|r| r.bytes as usize).sum());
        for record in records {
            if self.watermark.fetched(record.offset) {
                self.buffer(record, batch);
            } else {
                shared.counters.refetched += 1;
            }
        }
        self.batches.release(batch);
        if self.watermark.get() != before {
            self.mark_dirty(shared);
        }
        self.list(shared);
        if self.flow == Flow::Paused || self.is_over(shared) {
            // Also when it was paused before: records may have been on their way, or a rebalance
            // has resumed the partition without a command of the core.
            self.pause(Flow::Paused, shared);
        }
    }

    /// Moves the position over offsets without a record; returns whether it moved. The watermark
    /// follows once what lies before is finished.
    pub(crate) fn passed(&mut self, position: NextOffset, shared: &mut Shared<P>) -> bool {
        if self.draining || self.flow == Flow::Halted || position <= self.position() {
            return false;
        }
        self.skip_to(position, shared);
        true
    }

    /// Stops fetching: the position is out of range, and the policy is to halt.
    pub(crate) fn halt(&mut self, shared: &mut Shared<P>) {
        if !self.draining && self.flow != Flow::Halted {
            self.pause(Flow::Halted, shared);
        }
    }

    /// Fetches on at `position`. What is buffered stays good, and the watermark follows once it
    /// is finished.
    pub(crate) fn seek_forward(&mut self, position: NextOffset, shared: &mut Shared<P>) {
        self.skip_to(position, shared);
        shared.commands.push_back(Command::Seek {
            partition: self.id,
            epoch: self.epoch,
            position: self.watermark.position(),
        });
    }

    fn skip_to(&mut self, position: NextOffset, shared: &mut Shared<P>) {
        let before = self.watermark.get();
        self.watermark.skip_to(position);
        if self.watermark.get() != before {
            self.mark_dirty(shared);
        }
    }

    /// Begins again at `position`, as the log was cut below the old position: what is buffered may
    /// not be in it any more, and other records may come to stand at its offsets.
    pub(crate) fn restart(&mut self, position: NextOffset, shared: &mut Shared<P>) {
        for (_, unfinished) in self.unfinished.iter() {
            if let Stage::Writing { .. } = unfinished.stage {
                let writes = self.writes_before_cut.entry(unfinished.record.offset);
                *writes.or_default() += 1;
            }
        }
        self.first_attempt = self.highest_attempt;
        self.abandon(shared);
        self.watermark.reset(position);
        shared.commands.push_back(Command::Seek {
            partition: self.id,
            epoch: self.epoch,
            position,
        });
        self.resume_if_room(shared);
        self.mark_dirty(shared);
    }

    /// Starts no more records, and forgets those that are not in flight.
    pub(crate) fn drain(&mut self, shared: &mut Shared<P>) {
        self.draining = true;
        self.lanes.clear();
        let waiting: Vec<Slot> = self
            .unfinished
            .iter()
            .filter(|(_, e)| !matches!(e.stage, Stage::Running { .. } | Stage::Writing { .. }))
            .map(|(slot, _)| slot)
            .collect();
        for slot in waiting {
            self.leave_retries(slot, shared);
            self.forget(slot);
        }
    }

    /// Cancels every handler, and forgets every unfinished record.
    pub(crate) fn abandon(&mut self, shared: &mut Shared<P>) {
        let mut in_flight: Vec<(Offset, Slot)> = Vec::new();
        for (_, unfinished) in self.unfinished.iter() {
            let offset = unfinished.record.offset;
            match unfinished.stage {
                Stage::Running { flight } => in_flight.push((offset, flight)),
                Stage::Pausing { due } | Stage::PausingWrite { due, .. } => {
                    shared.retries.remove(due, self.id, offset);
                }
                Stage::Queued | Stage::Writing { .. } | Stage::Refused => {}
            }
        }
        in_flight.sort_unstable();
        for (offset, flight) in in_flight {
            shared.flights.end(flight);
            shared.commands.push_back(self.cancel(offset));
        }
        self.unfinished.clear();
        self.refused.clear();
        self.index.clear();
        self.lanes.clear();
        self.batches.clear();
        self.in_flight = 0;
    }

    /// Returns the partition's part of a commit that is sent now; `None` where nothing is new.
    pub(crate) fn take_commit(&mut self) -> Option<CommitOffset> {
        if !std::mem::take(&mut self.dirty) || !self.is_uncommitted() {
            return None;
        }
        let next = self.watermark.get();
        if self.committed > Some(next) {
            // The log was cut: until this commit is answered, what the group has is unknown.
            self.committed = None;
        }
        self.in_doubt = false;
        Some(CommitOffset {
            partition: self.id,
            next,
            founding_partitions: self.founding_partitions,
        })
    }

    /// Notes that the broker accepted a commit of `next`.
    pub(crate) fn committed(&mut self, next: NextOffset, shared: &mut Shared<P>) {
        self.committed = Some(next);
        self.awaits_start = false;
        self.mark_dirty(shared);
    }

    /// Notes whether the watermark is to be committed again: an earlier commit may arrive after the
    /// last one. A partition that is being given up waits for nothing more.
    pub(crate) const fn set_in_doubt(&mut self, in_doubt: bool) {
        self.in_doubt = in_doubt && !self.draining;
    }

    /// Asks for a commit unless the watermark is committed.
    #[inline]
    pub(crate) fn mark_dirty(&mut self, shared: &mut Shared<P>) {
        if !self.dirty && self.is_uncommitted() {
            self.dirty = true;
            shared.commits.mark(self.id, shared.now);
        }
    }

    /// Takes the next record that may run.
    #[inline]
    pub(crate) fn take_runnable(&mut self) -> Option<Slot> {
        self.lanes.take()
    }

    /// Notes and returns whether the partition still belongs to the list of those that can start a
    /// handler, from which the consumer has just taken it.
    #[inline]
    pub(crate) fn stays_listed(&mut self) -> bool {
        self.listed = self.lanes.has_runnable();
        self.listed
    }

    #[inline]
    fn buffer(&mut self, record: Record<P>, batch: Slot) {
        let Record { offset, key, .. } = record;
        self.batches.hold(batch);
        let slot = self.unfinished.insert(Unfinished {
            record,
            batch,
            attempt: self.first_attempt,
            calls: 0,
            stage: Stage::Queued,
        });
        self.index.push(offset, slot);
        self.lanes.join(slot, key);
    }

    const fn cancel(&self, offset: Offset) -> Command<P> {
        Command::Cancel {
            partition: self.id,
            epoch: self.epoch,
            offset,
        }
    }

    /// Removes a record, finished or not.
    #[inline]
    fn forget(&mut self, slot: Slot) -> Option<(Offset, Option<KeyHash>)> {
        // Read in place: moving the record out only to drop it costs as much as the rest.
        let unfinished = self.unfinished.get_mut(slot)?;
        let batch = unfinished.batch;
        let Record { offset, key, .. } = unfinished.record;
        self.unfinished.remove(slot);
        self.index.remove(offset);
        if !self.refused.is_empty() {
            self.refused.remove(&offset);
        }
        self.batches.release(batch);
        Some((offset, key))
    }

    fn leave_retries(&mut self, slot: Slot, shared: &mut Shared<P>) {
        if let Some(unfinished) = self.unfinished.get_mut(slot)
            && let Stage::Pausing { due } | Stage::PausingWrite { due, .. } = unfinished.stage
        {
            shared
                .retries
                .remove(due, self.id, unfinished.record.offset);
        }
    }

    #[inline]
    fn list(&mut self, shared: &mut Shared<P>) {
        if !self.listed && self.lanes.has_runnable() {
            self.listed = true;
            shared.ready.push_back(self.id);
        }
    }

    fn pause(&mut self, flow: Flow, shared: &mut Shared<P>) {
        self.flow = flow;
        shared
            .commands
            .push_back(Command::Pause { partition: self.id });
    }

    /// Pauses or resumes as its share of the total of bytes says, which has changed.
    pub(crate) fn fit(&mut self, shared: &mut Shared<P>) {
        if self.draining {
            return;
        }
        if self.flow == Flow::Open && self.is_over(shared) {
            self.pause(Flow::Paused, shared);
        } else {
            self.resume_if_room(shared);
        }
    }

    /// Resumes at half of each limit, so that not every record pauses and resumes.
    fn resume_if_room(&mut self, shared: &mut Shared<P>) {
        let config = &shared.config;
        if self.flow == Flow::Paused
            && self.unfinished.len() <= config.max_buffered_records / 2
            && self.batches.bytes() <= shared.max_partition_bytes() / 2
            && self.watermark.span() <= config.max_span as u64 / 2
        {
            self.flow = Flow::Open;
            shared
                .commands
                .push_back(Command::Resume { partition: self.id });
        }
    }

    fn is_over(&self, shared: &Shared<P>) -> bool {
        let config = &shared.config;
        self.unfinished.len() >= config.max_buffered_records
            || self.batches.bytes() >= shared.max_partition_bytes()
            || self.watermark.span() >= config.max_span as u64
    }
}
