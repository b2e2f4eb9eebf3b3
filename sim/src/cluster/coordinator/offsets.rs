//! Committed offsets: records of the group's partition.

use super::Coordinator;
use super::operation::Operation;
use crate::cluster::broker::Broker;
use crate::cluster::connections::Reply;
use crate::cluster::log::Log;
use crate::env::Env;
use crate::protocol::{CommittedOffset, Generation, GroupMemberId, Response, Value};
use crate::topology::PartitionIndex;
use plimsoll_core::NextOffset;

impl Broker {
    /// Writes an accepted commit; it is answered, and observed, when it is replicated.
    pub(super) fn write_commit(
        &mut self,
        env: &mut Env<'_>,
        reply: Reply,
        generation: Generation,
        offsets: &[CommittedOffset],
        rebalancing: bool,
    ) {
        let member = env.member_at(reply.node).unwrap_or_default();
        let values = offsets.iter().map(|offset| Value::Commit {
            offset: *offset,
            member,
            generation,
            rebalancing,
            late: reply.is_closed(),
        });
        self.write(env, values, Operation::Commit(reply));
    }

    /// Commits an offset for no member, as tools do that reset a group. `None` where the
    /// coordinator refuses it: it does as long as the group has members.
    pub(crate) fn reset_offset(
        &mut self,
        env: &mut Env<'_>,
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
        let value = Value::Reset(CommittedOffset {
            partition,
            next,
            metadata: None,
        });
        self.write(env, [value].into_iter(), Operation::Reset);
        Some(())
    }

    /// Answers with what the group committed: as far as it is replicated, or, where the client
    /// requires stable offsets, with all that was written up to now, once it is replicated. A
    /// commit that its member takes for refused may still be on its way, after a failover above
    /// all, and a member that begins below it rewinds it.
    ///
    /// `GroupCoordinatorService.fetchOffsets` schedules a write operation where offsets must be
    /// stable, which reads what is written, and else a read of what is committed already.
    pub(super) fn fetch_offsets(&mut self, env: &mut Env<'_>, reply: Reply, require_stable: bool) {
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

impl Coordinator {
    /// Takes commits below the high watermark, which count now that it rose.
    pub(in crate::cluster) fn apply_committed(&mut self, log: &Log, high_watermark: u64) {
        for offset in committed_in(log, self.applied, high_watermark) {
            self.offsets[offset.partition] = Some(offset);
        }
        self.applied = self.applied.max(high_watermark);
    }

    /// Returns the offsets that are committed and replicated.
    fn replicated_offsets(&self) -> Vec<CommittedOffset> {
        let mut offsets = Vec::with_capacity(self.offsets.len());
        offsets.extend(self.offsets.values().flatten());
        offsets
    }

    /// Returns the offsets that are committed, replicated or not.
    fn written_offsets(&self, log: &Log) -> Vec<CommittedOffset> {
        if self.applied == log.end() {
            return self.replicated_offsets();
        }
        let mut offsets = self.offsets.clone();
        for offset in committed_in(log, self.applied, log.end()) {
            offsets[offset.partition] = Some(offset);
        }
        offsets.values().copied().flatten().collect()
    }
}

/// Returns the offsets that were committed in a part of the group's partition.
fn committed_in(log: &Log, from: u64, to: u64) -> impl Iterator<Item = CommittedOffset> {
    let records = log.slice(from, to).iter();
    records.filter_map(|record| match record.value {
        Value::Commit { offset, .. } | Value::Reset(offset) => Some(offset),
        _ => None,
    })
}
