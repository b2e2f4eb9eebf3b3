//! Committed offsets: records of the group's partition.

use super::append_error;
use crate::cluster::broker::Broker;
use crate::cluster::connections::Reply;
use crate::cluster::replica::{Waiting, Writer};
use crate::env::Env;
use crate::protocol::{CommittedOffset, Generation, GroupMemberId, Response, Value};
use crate::topology::PartitionIndex;
use plimsoll_core::NextOffset;
use plimsoll_oracle::ErrorName;

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
        self.write_offsets_partition(env, values, Writer::Commit(reply));
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
        self.write_offsets_partition(env, [value].into_iter(), Writer::Reset);
        Some(())
    }

    /// Answers with what the group committed: as far as it is replicated, or, where the client
    /// requires stable offsets, once all that was written is. A commit that its member takes for
    /// refused may still be on its way, after a failover above all, and a member that begins below
    /// it rewinds it.
    ///
    /// `GroupCoordinatorService.fetchOffsets` schedules a write operation where offsets must be
    /// stable, which waits for the pending writes of the partition, and else a read of what is
    /// committed already.
    pub(super) fn fetch_offsets(&mut self, env: &mut Env<'_>, reply: Reply, require_stable: bool) {
        let partition = self.offsets_partition;
        let replica = &self.replicas[partition];
        let (end, high_watermark) = (replica.log.end(), replica.high_watermark());
        if !require_stable || high_watermark >= end {
            return self.answer_offsets(env, reply, Ok(()));
        }
        let waiting = Waiting {
            offset: end - 1,
            deadline: env.now() + self.settings.offsets_commit_timeout,
            writer: Writer::OffsetFetch(reply),
        };
        self.await_replication(partition, waiting);
    }

    /// Answers an offset fetch: all that was written before it is replicated, or is not known to
    /// be.
    pub(in crate::cluster) fn answer_offsets(
        &mut self,
        env: &mut Env<'_>,
        reply: Reply,
        result: Result<(), ErrorName>,
    ) {
        let offsets = match (result, &self.coordinator) {
            (Err(error), _) => Err(append_error(error)),
            (Ok(()), None) => Err(ErrorName::NotCoordinator),
            (Ok(()), Some(coordinator)) => {
                let mut offsets = Vec::with_capacity(coordinator.offsets.len());
                offsets.extend(coordinator.offsets.values().flatten());
                Ok(offsets)
            }
        };
        self.reply(env, reply, Response::OffsetFetch(offsets));
    }

    /// Answers a commit that is replicated, or is not known to be.
    pub(in crate::cluster) fn commit_written(
        &mut self,
        env: &mut Env<'_>,
        reply: Reply,
        result: Result<(), ErrorName>,
    ) {
        let result = result.map_err(append_error);
        self.reply(env, reply, Response::OffsetCommit(result));
    }
}
