//! What the trace says of the cluster.

use super::log::Log;
use crate::env::Env;
use crate::protocol::{CommittedOffset, Node, StoredRecord, Value};
use crate::topology::PartitionIndex;
use plimsoll_core::NextOffset;
use plimsoll_oracle::{BrokerId, TraceEvent};

/// The records of one partition that the trace tells of.
#[derive(Debug, Default)]
pub(super) struct Observed {
    /// The offset after the last of them.
    end: u64,
    /// Each epoch that wrote some of them, with the first offset of its. An offset and an epoch
    /// name one record in all logs.
    epochs: Vec<(u32, u64)>,
    /// The newest epoch whose leader let any of them be read.
    leader_epoch: u32,
}

impl Observed {
    #[inline]
    fn add(&mut self, record: &StoredRecord) {
        let last = self.epochs.last().map(|(epoch, _)| *epoch);
        if last != Some(record.leader_epoch) {
            self.epochs.push((record.leader_epoch, record.offset.get()));
        }
    }

    /// Returns the offset up to which a log has these records.
    fn end_in(&self, log: &Log) -> u64 {
        let mut epochs = self.epochs.iter().peekable();
        let mut epoch = None;
        for record in log.slice(log.start(), self.end) {
            let offset = record.offset.get();
            while let Some((next, _)) = epochs.next_if(|(_, start)| *start <= offset) {
                epoch = Some(*next);
            }
            if epoch != Some(record.leader_epoch) {
                return offset;
            }
        }
        self.end.min(log.end())
    }

    fn cut(&mut self, end: u64) {
        self.end = end;
        self.epochs.retain(|(_, start)| *start < end);
    }
}

/// Observes that the controller made a broker the leader of a partition.
pub(super) fn leader_changed(
    env: &mut Env<'_>,
    partition: PartitionIndex,
    leader: Node,
    epoch: u32,
) {
    let broker = BrokerId(leader.0.into());
    env.observe(TraceEvent::LeaderChanged {
        partition: env.topology.partition(partition),
        leader: broker,
        epoch,
    });
    if partition == env.topology.group_offsets() {
        env.observe(TraceEvent::CoordinatorChanged { broker });
    }
}

/// Observes the records that a leader's high watermark passed: they must never be lost again
/// ([`compared`] would tell). Each is observed once, whichever leaders come and go.
pub(super) fn replicated(
    env: &mut Env<'_>,
    partition: PartitionIndex,
    log: &Log,
    leader_epoch: u32,
    high_watermark: u64,
) {
    let observed = &mut env.cluster.observed[partition];
    let from = observed.end;
    if high_watermark <= from {
        return;
    }
    observed.end = high_watermark;
    observed.leader_epoch = observed.leader_epoch.max(leader_epoch);
    for record in log.slice(from, high_watermark) {
        env.cluster.observed[partition].add(record);
        replicated_record(env, partition, record);
    }
}

/// Observes where the log of a leader of this epoch has not got what could be read before, or has
/// other records in its place. A broker that only believes that it leads, as it is slow to learn of
/// a later epoch, need not have what that epoch's leader let be read.
pub(super) fn compared(env: &mut Env<'_>, partition: PartitionIndex, log: &Log, leader_epoch: u32) {
    let observed = &mut env.cluster.observed[partition];
    if observed.leader_epoch > leader_epoch {
        return;
    }
    let end = observed.end_in(log);
    if end < observed.end {
        observed.cut(end);
        env.observe(TraceEvent::Truncated {
            partition: env.topology.partition(partition),
            log_end: NextOffset::new(end),
        });
    }
}

fn replicated_record(env: &mut Env<'_>, partition: PartitionIndex, record: &StoredRecord) {
    match record.value {
        Value::Message { id, key, .. } => env.observe(TraceEvent::Stored {
            message: id,
            partition: env.topology.partition(partition),
            offset: record.offset,
            key,
        }),
        Value::Commit {
            offset,
            member,
            generation,
            rebalancing,
            late,
        } => {
            let partition = env.topology.partition(offset.partition);
            if late {
                env.observe(TraceEvent::LateCommit { member, partition });
            }
            env.observe(TraceEvent::Committed {
                member,
                partition,
                next: offset.next,
                generation,
                rebalancing,
            });
        }
        Value::DeadLetter {
            id,
            partition,
            offset,
            member,
            epoch,
        } => env.observe(TraceEvent::DeadLettered {
            member,
            partition: env.topology.partition(partition),
            offset,
            message: id,
            epoch: Some(epoch),
        }),
        Value::Reset(CommittedOffset {
            partition, next, ..
        }) => env.observe(TraceEvent::OffsetsReset {
            partition: env.topology.partition(partition),
            next,
        }),
        Value::Group(_) => {}
    }
}

/// Observes that retention removed the records of a partition below its log start.
pub(super) fn removed(env: &mut Env<'_>, partition: PartitionIndex, log_start: u64) {
    env.observe(TraceEvent::Removed {
        partition: env.topology.partition(partition),
        log_start: NextOffset::new(log_start),
    });
}
