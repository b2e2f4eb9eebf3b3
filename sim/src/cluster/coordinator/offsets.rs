//! Committed offsets: records of the group's partition.

use super::Coordinator;
use super::operation::Operation;
use crate::cluster::broker::Broker;
use crate::cluster::connections::Reply;
use crate::cluster::env::ClusterEnv;
use crate::cluster::log::Log;
use crate::protocol::{
    Commit, CommittedOffset, Content, Dialect, Generation, GroupMemberId, Response,
};
use crate::topology::PartitionIndex;
use plimsoll_core::NextOffset;

impl<D: Dialect> Broker<D> {
    /// Writes an accepted commit; it is answered, and observed, when it is replicated.
    pub(super) fn write_commit(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        reply: Reply,
        generation: Generation,
        offsets: &[CommittedOffset<D>],
        rebalancing: bool,
    ) {
        let commit = |offset: &CommittedOffset<D>| Commit {
            offset: offset.clone(),
            by: reply.node,
            generation,
            rebalancing,
            late: reply.is_closed(),
        };
        let commits = offsets.iter().map(commit).map(Content::Commit);
        self.write(env, commits, Operation::Commit(reply));
    }

    /// Commits an offset for no member, as tools do that reset a group. `None` where the
    /// coordinator refuses it: it does as long as the group has members.
    pub(crate) fn reset_offset(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        next: NextOffset,
    ) -> Option<()> {
        let now = env.now();
        let coordinator = self.coordinator.as_mut()?;
        if coordinator.is_loading(now) {
            return None;
        }
        let group = &mut coordinator.group;
        let no_member = GroupMemberId::EMPTY;
        group.accept_commit(now, -1, no_member, None).ok()?;
        let reset = Content::Reset(CommittedOffset {
            partition,
            next,
            metadata: D::CommitMetadata::default(),
        });
        self.write(env, [reset].into_iter(), Operation::Reset);
        Some(())
    }

    /// Answers with what the group committed: as far as it is replicated, or, where the client
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
        require_stable: bool,
    ) {
        let Some(coordinator) = &self.coordinator else {
            return;
        };
        if require_stable {
            let log = &self.replicas[self.offsets_partition].log;
            let fetch = Operation::OffsetFetch(reply, coordinator.written_offsets(log));
            self.wait_for_pending_writes(env, fetch);
        } else {
            let offsets = coordinator.replicated_offsets();
            self.reply(env, reply, Response::OffsetFetch(Ok(offsets)));
        }
    }
}

impl<D: Dialect> Coordinator<D> {
    /// Takes commits below the high watermark, which count now that it rose.
    pub(in crate::cluster) fn apply_committed(&mut self, log: &Log<D>, high_watermark: u64) {
        for offset in committed_in(log, self.applied, high_watermark) {
            self.offsets[offset.partition] = Some(offset.clone());
        }
        self.applied = self.applied.max(high_watermark);
    }

    /// Returns the offsets that are committed and replicated.
    fn replicated_offsets(&self) -> Vec<CommittedOffset<D>> {
        let mut offsets = Vec::with_capacity(self.offsets.len());
        offsets.extend(self.offsets.values().flatten().cloned());
        offsets
    }

    /// Returns the offsets that are committed, replicated or not.
    fn written_offsets(&self, log: &Log<D>) -> Vec<CommittedOffset<D>> {
        if self.applied == log.end() {
            return self.replicated_offsets();
        }
        let mut offsets = self.offsets.clone();
        for offset in committed_in(log, self.applied, log.end()) {
            offsets[offset.partition] = Some(offset.clone());
        }
        offsets.values().flatten().cloned().collect()
    }
}

/// Returns the offsets that were committed in a part of the group's partition.
fn committed_in<D: Dialect>(
    log: &Log<D>,
    from: u64,
    to: u64,
) -> impl Iterator<Item = &CommittedOffset<D>> {
    let records = log.slice(from, to).iter();
    records.filter_map(|record| match &record.content {
        Content::Commit(Commit { offset, .. }) | Content::Reset(offset) => Some(offset),
        _ => None,
    })
}
