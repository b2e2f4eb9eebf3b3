//! Whether the log of a leader still has what lies below a position (KIP-320): a leader that was
//! elected uncleanly has lost what others had, and its log grows again with other records.

use super::{Fetcher, Partition};
use crate::{Action, Ask, Continuation, Failure, Membership, Speaker, Validation, View};
use plimsoll_core::{Instant, NextOffset};
use plimsoll_protocol::{FoundOffset, OffsetsRequest, PartitionIndex, Request, Wanted};
use std::time::Duration;

/// The pause of librdkafka before it asks again, whatever the error
/// (`rd_kafka_toppar_handle_OffsetForLeaderEpoch`).
const BACKOFF: Duration = Duration::from_millis(500);

impl Partition {
    /// Returns whether its position may be fetched from a leader of this epoch.
    #[inline]
    pub(super) fn is_proved(&self, validation: Validation, leader_epoch: u32) -> bool {
        validation == Validation::Never || self.proved >= Some(leader_epoch)
    }

    /// Returns whether a leader is asked about the position.
    #[inline]
    pub(super) const fn is_being_proved(&self) -> bool {
        matches!(self.proving, Some(version) if version == self.version)
    }
}

impl<S: Speaker> Fetcher<S> {
    /// Begins anew with the leader epochs of a partition: that of the record before what the group
    /// committed, where the commit names it.
    pub fn begin(&mut self, index: PartitionIndex, position: NextOffset, epoch: Option<u32>) {
        self.partitions[usize::from(index.0)]
            .epochs
            .begin(position, epoch);
    }

    /// Returns the leader epoch of the last record before a position, which a commit of it carries
    /// (KIP-320; `rd_kafka_OffsetCommitRequest`, `ConsumerCoordinator.sendOffsetCommitRequest`).
    pub fn epoch_before(&self, index: PartitionIndex, position: NextOffset) -> Option<u32> {
        match self.settings.behaviour.validation {
            Validation::Never => None,
            _ => self.partitions[usize::from(index.0)]
                .epochs
                .before(position),
        }
    }

    /// Asks the leaders of partitions whose positions are to be proved.
    pub(super) fn prove_all(&mut self, now: Instant, view: &View<S>) {
        if self.settings.behaviour.validation == Validation::Never || self.holds {
            return;
        }
        for place in 0..self.assigned.len() {
            self.prove(now, view, self.assigned[place]);
        }
    }

    /// Asks the leader of a partition about its position, unless that is proved, or there is
    /// nothing to ask: the epoch of the record before it is not known ("This is the case for
    /// epoch-less seek()s or epoch-less committed offsets", `rd_kafka_offset_validate`).
    fn prove(&mut self, now: Instant, view: &View<S>, index: PartitionIndex) {
        let validation = self.settings.behaviour.validation;
        let Some((leader, leader_epoch)) = view.metadata.leader(index) else {
            return;
        };
        let partition = &mut self.partitions[usize::from(index.0)];
        if partition.is_proved(validation, leader_epoch)
            || partition.stands_still()
            || partition.retry_at > now
        {
            return;
        }
        self.changes += 1;
        let is_start = partition.proved.is_none();
        if partition.is_asked() {
            // What an older leader may still answer is not wanted.
            partition.restart();
            self.withheld.remove(&index);
        }
        let known = partition.epochs.before(NextOffset::new(partition.position));
        let counts = !is_start || validation == Validation::Starts;
        let Some(epoch) = known.filter(|_| counts) else {
            partition.proved = Some(leader_epoch);
            return;
        };
        partition.proving = Some(partition.version);
        self.actions.push_back(Action::Ask(Ask {
            to: leader,
            timeout: self.settings.request_timeout,
            request: Request::Offsets(OffsetsRequest {
                partition: index,
                leader_epoch,
                wanted: Wanted::EndOfEpoch(epoch),
            }),
            then: Continuation::Proof(index, partition.version, leader_epoch),
        }));
    }

    /// Fetches a partition whose log has what lies below its position, and else goes back to where
    /// logs part, or tells the application.
    pub fn handle_proof(
        &mut self,
        now: Instant,
        view: &View<S>,
        (index, version, leader_epoch): (PartitionIndex, u32, u32),
        answer: Result<Option<FoundOffset>, Failure>,
    ) {
        let backoff = match self.settings.behaviour.membership {
            Membership::Served => BACKOFF,
            Membership::Looped { .. } | Membership::Polled => self.backoff(),
        };
        let partition = &mut self.partitions[usize::from(index.0)];
        if !partition.assigned || partition.version != version {
            return;
        }
        partition.proving = None;
        self.changes += 1;
        let Ok(found) = answer else {
            self.actions.push_back(Action::RefreshMetadata);
            return self.retry(index, now + backoff);
        };
        // "No epoch found less or equal to" it.
        let end = found.filter(|found| found.leader_epoch.is_some());
        match end.map(|end| end.offset) {
            Some(end) if end >= partition.position => {
                partition.proved = Some(leader_epoch);
                self.fetch_all(now, view);
            }
            Some(end) if self.settings.behaviour.goes_back_where_logs_part => {
                let from = NextOffset::new(partition.delivered);
                partition.proved = Some(leader_epoch);
                partition.delivered = end;
                partition.restart();
                self.withheld.remove(&index);
                let to = NextOffset::new(end);
                self.actions.push_back(Action::WentBack(index, from, to));
                self.fetch_all(now, view);
            }
            _ => {
                partition.is_cut = true;
                self.ask_range(now, view, index);
            }
        }
    }
}
