//! What the coordinator does, and when it is answered: the operations of Kafka 4's
//! `CoordinatorRuntime`.
//!
//! All that is asked of a group is a write operation (`scheduleWriteOperation` in
//! `GroupCoordinatorService`), but an offset fetch that does not require stable offsets. A write
//! operation is executed at once, in memory. What it says is answered when what it wrote is
//! replicated; where it wrote nothing, when all that was written before it is
//! (`CoordinatorContext.waitForPendingWrites`), for the state from which it was answered may still
//! get lost. So a heartbeat waits for the commits of other members, and of other groups in the
//! partition. Two kinds of answers do not wait: those of an operation that threw (an unknown
//! member, another generation, an instance that was fenced), and those to JoinGroup and SyncGroup,
//! which have futures of their own.
//!
//! After `offsets.commit.timeout.ms` an operation fails, also a JoinGroup or a SyncGroup that is
//! not answered yet (`CoordinatorWriteEvent.run`, `OperationTimeout`). What it wrote stays in the
//! log, and counts once it is replicated.
//!
//! Kafka gathers the records of several operations in a batch
//! (`group.coordinator.append.linger.ms`: 5 ms up to 4.1; since 4.2, for as long as operations wait
//! in its queue). Here each is a batch.

use super::action::{Change, GroupWrite};
use crate::cluster::broker::Broker;
use crate::cluster::connections::Reply;
use crate::cluster::env::ClusterEnv;
use crate::cluster::replica::{Waiting, Writer};
use crate::protocol::{
    AdminResponse, CommittedOffset, Content, Dialect, GroupIndex, JoinError, Left,
    OffsetCommitResponse, Response,
};
use crate::topology::PartitionIndex;
use plimsoll_oracle::ErrorName;

/// An operation that waits, with what its answer depends on.
#[derive(Debug)]
pub(in crate::cluster) enum Operation<D: Dialect> {
    /// A commit, with the offsets that were refused for themselves.
    Commit(Reply, Vec<(PartitionIndex, ErrorName)>),
    /// A write that has no answer: a tool's commit, or the end of what was committed of partitions
    /// that are gone.
    Unanswered,
    /// A write of a group's state.
    Group(GroupWrite),
    /// A member's JoinGroup, which the group answers.
    Join(Reply),
    /// A member's SyncGroup, which the group answers.
    Sync(Reply),
    /// A member's heartbeat, and its answer.
    Heartbeat(Reply, Result<(), ErrorName>),
    /// A LeaveGroup, and its answer for each member.
    Leave(Reply, Vec<Left>),
    /// The end of a group: the number that its states from then on will have, or why it goes on.
    DeleteGroup(Reply, GroupIndex, Result<u32, ErrorName>),
    /// The end of committed offsets, and the answer for each partition.
    OffsetDelete(Reply, Vec<(PartitionIndex, Option<ErrorName>)>),
    /// A fetch of stable offsets, and those of the moment at which it was asked.
    OffsetFetch(Reply, Vec<CommittedOffset<D>>),
}

impl<D: Dialect> Broker<D> {
    /// Appends what an operation on a group writes to the group's partition; the operation ends
    /// when that is replicated.
    ///
    /// It appends with acks=1 (`CoordinatorPartitionWriter.append`), so that too few replicas in
    /// sync are no reason to refuse (`Partition.appendRecordsToLeader` looks at them for acks=all
    /// alone). Meanwhile the high watermark stands still, and the operation fails after its
    /// timeout; it counts all the same once there are enough again.
    pub(super) fn write(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        group: GroupIndex,
        contents: impl Iterator<Item = Content<D>>,
        operation: Operation<D>,
    ) {
        let partition = env.shared().offsets_of(group);
        let replica = &mut self.replicas[partition];
        let leader_epoch = replica.leader_epoch();
        let offsets = contents.map(|content| replica.log.append(leader_epoch, content));
        let Some(last) = offsets.last() else {
            return self.wait_for_pending_writes(env, group, operation);
        };
        self.defer(env, partition, last.get(), operation);
        self.after_append(env, partition);
    }

    /// Ends an operation that wrote nothing when all that was written before it is replicated
    /// (`CoordinatorRuntime.CoordinatorContext.append`, which puts it into `deferredEventQueue`).
    #[inline]
    pub(super) fn wait_for_pending_writes(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        group: GroupIndex,
        operation: Operation<D>,
    ) {
        let partition = env.shared().offsets_of(group);
        let replica = &self.replicas[partition];
        let end = replica.log.end();
        if replica.high_watermark() < end {
            self.defer(env, partition, end - 1, operation);
        } else {
            self.end_operation(env, operation, Ok(()));
        }
    }

    /// Gives up a request that the group answers later, where what was written before it is not
    /// replicated in time.
    pub(super) fn limit_wait(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        group: GroupIndex,
        reply: Reply,
        operation: Operation<D>,
    ) {
        if self.connections.awaits(reply) {
            self.wait_for_pending_writes(env, group, operation);
        }
    }

    /// Lets an operation wait until the record at `offset` is replicated, up to its timeout.
    fn defer(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        partition: PartitionIndex,
        offset: u64,
        operation: Operation<D>,
    ) {
        let waiting = Waiting {
            offset,
            deadline: env.now() + self.settings.offsets_commit_timeout,
            writer: Writer::Coordinator(operation),
        };
        self.await_replication(partition, waiting);
    }

    /// Ends an operation: what it waited for is replicated, or not known to be.
    pub(in crate::cluster) fn end_operation(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        operation: Operation<D>,
        result: Result<(), ErrorName>,
    ) {
        let written = result.map_err(append_error);
        let (reply, response) = match operation {
            Operation::Unanswered => return,
            Operation::Group(write) => return self.group_written(env, write, written),
            Operation::Commit(reply, mut refused) => {
                let error = written.err();
                if error.is_some() {
                    // As of the other offsets that the coordinator had before it.
                    refused.retain(|(_, of)| *of != ErrorName::OffsetMetadataTooLarge);
                }
                let response = OffsetCommitResponse { error, refused };
                (reply, Response::OffsetCommit(response))
            }
            Operation::Heartbeat(reply, answer) => {
                (reply, Response::Heartbeat(written.and(answer)))
            }
            Operation::Leave(reply, answers) => {
                (reply, Response::LeaveGroup(written.map(|()| answers)))
            }
            Operation::Join(reply) => match written {
                Ok(()) => return,
                Err(error) => (reply, Response::JoinGroup(Err(JoinError::Other(error)))),
            },
            Operation::Sync(reply) => match written {
                Ok(()) => return,
                Err(error) => (reply, Response::SyncGroup(Err(error))),
            },
            Operation::DeleteGroup(reply, group, answer) => {
                let ended = written.and(answer);
                if let Ok(next) = ended {
                    env.shared().drop_snapshots_below(group, next);
                }
                let answer = AdminResponse::DeleteGroup(ended.map(|_| ()));
                (reply, answer.into())
            }
            Operation::OffsetDelete(reply, answers) => {
                let answer = AdminResponse::OffsetDelete(written.map(|()| answers));
                (reply, answer.into())
            }
            Operation::OffsetFetch(reply, offsets) => {
                let answer = result.map(|()| offsets).map_err(offset_fetch_error);
                (reply, Response::OffsetFetch(answer))
            }
        };
        self.reply(env, reply, response);
    }

    /// Tells a group that a write of its state is replicated, or is not known to be.
    fn group_written(
        &mut self,
        env: &mut impl ClusterEnv<D>,
        write: GroupWrite,
        result: Result<(), ErrorName>,
    ) {
        let (now, offsets) = (env.now(), env.shared().offsets_of(write.group));
        let coordinator = self.coordinators.get_mut(&offsets);
        let Some(group) = coordinator.and_then(|c| c.groups.get_mut(&write.group)) else {
            return;
        };
        match write.change {
            Change::Assignment(generation) => {
                let snapshot = env.shared().snapshot(write.group, write.snapshot);
                let written = result.map(|()| snapshot);
                group.assignment_written(now, generation, written);
            }
            Change::StaticMember(replacement) => {
                group.replacement_written(now, replacement, result);
            }
            // The state is as good in memory: with no members, nothing depends on it.
            Change::Empty => {}
        }
        if result.is_ok() {
            env.shared()
                .drop_snapshots_below(write.group, write.snapshot);
        }
        self.carry_out(env, write.group);
    }
}

/// Returns the error that clients get for a failed operation
/// (`CoordinatorOperationExceptionHelper.handleOperationException`; the group's own writes:
/// `GroupMetadataManager.appendGroupMetadataErrorToResponseError`).
fn append_error(error: ErrorName) -> ErrorName {
    match error {
        ErrorName::UnknownTopicOrPartition
        | ErrorName::NotEnoughReplicas
        | ErrorName::NotEnoughReplicasAfterAppend
        | ErrorName::RequestTimedOut => ErrorName::CoordinatorNotAvailable,
        ErrorName::NotLeaderOrFollower => ErrorName::NotCoordinator,
        other => other,
    }
}

/// Returns the error that clients get for a fetch of stable offsets that failed: one upon which
/// also old clients look for the coordinator and ask again
/// (`GroupCoordinatorService.handleOffsetFetchException`).
fn offset_fetch_error(error: ErrorName) -> ErrorName {
    match append_error(error) {
        ErrorName::CoordinatorNotAvailable => ErrorName::NotCoordinator,
        other => other,
    }
}
