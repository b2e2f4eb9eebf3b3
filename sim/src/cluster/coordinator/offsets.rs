//! Committed offsets: records in the partitions of `__consumer_offsets` (`OffsetMetadataManager`).

use super::Coordinator;
use super::operation::Operation;
use crate::cluster::broker::Broker;
use crate::cluster::connections::Reply;
use crate::cluster::env::ClusterEnv;
use crate::cluster::log::Log;
use crate::protocol::{
    Commit, CommitMetadata, CommittedOffset, Content, Dialect, GroupIndex, GroupMemberId,
    OffsetCommitResponse, Response, Sender,
};
use crate::topology::{PartitionIndex, PartitionSet};
use plimsoll_core::{Instant, NextOffset};
use plimsoll_oracle::ErrorName;
use std::collections::{BTreeMap, BTreeSet};

/// `offset.metadata.max.bytes`, as Kafka counts it: characters.
const LONGEST_METADATA: usize = 4_096;

/// The offsets that the groups of a coordinator committed, as far as they are replicated.
#[derive(Debug, Default)]
pub(in crate::cluster) struct Offsets<D: Dialect> {
    committed: BTreeMap<(GroupIndex, PartitionIndex), CommittedOffset<D>>,
    /// Offset up to which they reflect the log.
    applied: u64,
}

impl<D: Dialect> Broker<D> {
    /// Commits offsets. Those of partitions that the broker does not know are refused before a
    /// coordinator is asked; where there are no others, none is
    /// (`KafkaApis.handleOffsetCommitRequest`).
    pub(super) fn commit(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        sender: Sender,
        mut offsets: Vec<CommittedOffset<D>>,
    ) {
        let (now, group) = (env.now(), sender.group);
        let mut refused = Vec::new();
        offsets.retain(|offset| {
            let replica = self.replicas.get(offset.partition);
            let is_known = replica.is_some_and(|replica| replica.state.is_some());
            if !is_known {
                refused.push((offset.partition, ErrorName::UnknownTopicOrPartition));
            }
            is_known
        });
        if offsets.is_empty() {
            let response = OffsetCommitResponse {
                error: None,
                refused,
            };
            return self.reply(env, reply, Response::OffsetCommit(response));
        }
        let coordinator = self.coordinator_of(env, group);
        match coordinator.and_then(|coordinator| coordinator.accept_commit(now, sender)) {
            Ok(rebalancing) => {
                refuse_long_metadata(&mut offsets, &mut refused);
                let contents = offsets.into_iter().map(|offset| {
                    Content::Commit(Commit {
                        group,
                        offset,
                        by: reply.node,
                        generation: sender.generation,
                        rebalancing,
                        late: reply.is_closed(),
                    })
                });
                // It is answered, and observed, when it is replicated.
                self.write(env, group, contents, Operation::Commit(reply, refused));
            }
            Err(error) => {
                let error = Some(error);
                let response = OffsetCommitResponse { error, refused };
                self.reply(env, reply, Response::OffsetCommit(response));
            }
        }
    }

    /// Commits an offset for no member, as tools do that reset a group. `None` where the
    /// coordinator refuses it: it does as long as the group has members.
    pub(crate) fn reset_offset(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        group: GroupIndex,
        partition: PartitionIndex,
        next: NextOffset,
    ) -> Option<()> {
        let sender = Sender {
            group,
            generation: -1,
            member: GroupMemberId::EMPTY,
            instance: None,
        };
        let now = env.now();
        let coordinator = self.coordinator_of(env, group).ok()?;
        coordinator.accept_commit(now, sender).ok()?;
        let offset = CommittedOffset {
            partition,
            next,
            metadata: D::CommitMetadata::default(),
        };
        let content = Content::Reset { group, offset };
        self.write(env, group, [content].into_iter(), Operation::Unanswered);
        Some(())
    }

    /// Writes that what groups committed of partitions is no more: these are gone
    /// (`OffsetMetadataManager.onPartitionsDeleted`). A coordinator that still loads does not
    /// (`CoordinatorRuntime.scheduleWriteAllOperation`): what it has stays.
    pub(in crate::cluster) fn forget_offsets_of(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        gone: &PartitionSet,
    ) {
        let all: Vec<_> = self.coordinators.keys().copied().collect();
        for offsets in all {
            let coordinator = &self.coordinators[&offsets];
            if env.now() < coordinator.ready_at {
                continue;
            }
            let log = &self.replicas[offsets].log;
            let mut forgotten = coordinator.offsets.written_by_all(log);
            forgotten.retain(|(_, partition)| gone.contains(*partition));
            if let Some((group, _)) = forgotten.first().copied() {
                let tombstones = forgotten.into_iter().map(tombstone);
                self.write(env, group, tombstones, Operation::Unanswered);
            }
        }
    }

    /// Answers with what a group committed: as far as it is replicated, or, where the client
    /// requires stable offsets, with all that was written up to now, once it is replicated. A
    /// commit that its member takes for refused may still be on its way, after a failover above
    /// all, and a member that begins below it rewinds it.
    ///
    /// `GroupCoordinatorService.fetchOffsets` schedules a write operation where offsets must be
    /// stable, which reads what is written, and else a read of what is committed already.
    pub(super) fn fetch_offsets(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        group: GroupIndex,
        wanted: Option<&[PartitionIndex]>,
        require_stable: bool,
    ) {
        if let Err(error) = self.coordinator_of(env, group) {
            return self.reply(env, reply, Response::OffsetFetch(Err(error)));
        }
        let partition = env.shared().offsets_of(group);
        let offsets = &self.coordinators[&partition].offsets;
        if require_stable {
            let log = &self.replicas[partition].log;
            let mut written = offsets.written(log, group);
            keep(&mut written, wanted);
            let fetch = Operation::OffsetFetch(reply, written);
            self.wait_for_pending_writes(env, group, fetch);
        } else {
            let mut replicated: Vec<_> = offsets.replicated(group).cloned().collect();
            keep(&mut replicated, wanted);
            self.reply(env, reply, Response::OffsetFetch(Ok(replicated)));
        }
    }
}

impl<D: Dialect> Coordinator<D> {
    /// Checks whether a commit may be written (`OffsetMetadataManager.validateOffsetCommit`). One
    /// outside of all generations, as of tools and of consumers without a group, makes the group
    /// where there is none. Returns whether the group is rebalancing.
    fn accept_commit(&mut self, now: Instant, sender: Sender) -> Result<bool, ErrorName> {
        let group = match sender.generation {
            ..0 => self.group_or_new(sender.group),
            // `ILLEGAL_GENERATION` below version 9 of the request.
            0.. => {
                let group = self.groups.get_mut(&sender.group);
                group.ok_or(ErrorName::GroupIdNotFound)?
            }
        };
        group.accept_commit(now, sender)
    }
}

impl<D: Dialect> Offsets<D> {
    /// Returns a group's offset of a partition.
    pub(super) fn get(&self, group: GroupIndex, partition: PartitionIndex) -> Option<NextOffset> {
        let offset = self.committed.get(&(group, partition));
        offset.map(|offset| offset.next)
    }

    /// Takes commits below the high watermark, which count now that it rose.
    pub(in crate::cluster) fn apply(&mut self, log: &Log<D>, high_watermark: u64) {
        for (of, offset) in committed_in(log, self.applied, high_watermark) {
            match offset {
                Some(offset) => self.committed.insert(of, offset.clone()),
                None => self.committed.remove(&of),
            };
        }
        self.applied = self.applied.max(high_watermark);
    }

    /// Returns the offsets of a group that are committed and replicated, in the order of their
    /// partitions.
    fn replicated(&self, group: GroupIndex) -> impl Iterator<Item = &CommittedOffset<D>> {
        let of_group = (group, PartitionIndex::FIRST)..=(group, PartitionIndex::LAST);
        self.committed.range(of_group).map(|(_, offset)| offset)
    }

    /// Returns the offsets of a group that are committed, replicated or not.
    pub(super) fn written(&self, log: &Log<D>, group: GroupIndex) -> Vec<CommittedOffset<D>> {
        let replicated = self.replicated(group);
        if self.applied == log.end() {
            return replicated.cloned().collect();
        }
        let replicated = replicated.map(|offset| (offset.partition, offset));
        let mut offsets: BTreeMap<_, _> = replicated.collect();
        for ((of, partition), offset) in committed_in(log, self.applied, log.end()) {
            match offset {
                _ if of != group => continue,
                Some(offset) => offsets.insert(partition, offset),
                None => offsets.remove(&partition),
            };
        }
        offsets.into_values().cloned().collect()
    }

    /// Returns of what all groups committed, replicated or not, the groups and the partitions.
    fn written_by_all(&self, log: &Log<D>) -> Vec<(GroupIndex, PartitionIndex)> {
        let mut written: BTreeSet<_> = self.committed.keys().copied().collect();
        for (of, offset) in committed_in(log, self.applied, log.end()) {
            match offset {
                Some(_) => written.insert(of),
                None => written.remove(&of),
            };
        }
        written.into_iter().collect()
    }
}

/// Returns what ends a group's offset of a partition (`newOffsetCommitTombstoneRecord`).
pub(super) fn tombstone<D: Dialect>(
    (group, partition): (GroupIndex, PartitionIndex),
) -> Content<D> {
    Content::OffsetTombstone { group, partition }
}

/// Returns the offsets that were committed in a part of a log, with their groups and partitions;
/// `None`: it is no more.
fn committed_in<D: Dialect>(
    log: &Log<D>,
    from: u64,
    to: u64,
) -> impl Iterator<Item = ((GroupIndex, PartitionIndex), Option<&CommittedOffset<D>>)> {
    let entries = log.slice(from, to).iter();
    entries.filter_map(|entry| match &entry.content {
        Content::Commit(Commit { group, offset, .. }) | Content::Reset { group, offset } => {
            Some(((*group, offset.partition), Some(offset)))
        }
        Content::OffsetTombstone { group, partition } => Some(((*group, *partition), None)),
        _ => None,
    })
}

/// Refuses offsets whose metadata are too long, each for itself
/// (`OffsetMetadataManager.commitOffset`).
fn refuse_long_metadata<D: Dialect>(
    offsets: &mut Vec<CommittedOffset<D>>,
    refused: &mut Vec<(PartitionIndex, ErrorName)>,
) {
    offsets.retain(|offset| {
        let fits = offset.metadata.length() <= LONGEST_METADATA;
        if !fits {
            refused.push((offset.partition, ErrorName::OffsetMetadataTooLarge));
        }
        fits
    });
}

/// Keeps the offsets of partitions that are wanted; `None`: of all.
fn keep<D: Dialect>(offsets: &mut Vec<CommittedOffset<D>>, wanted: Option<&[PartitionIndex]>) {
    if let Some(wanted) = wanted {
        offsets.retain(|offset| wanted.contains(&offset.partition));
    }
}
