//! What the trace says of the cluster.

use super::log::Log;
use crate::env::Env;
use crate::protocol::{Node, StoredRecord, Value};
use crate::topology::PartitionIndex;
use plimsoll_core::NextOffset;
use plimsoll_oracle::{BrokerId, TraceEvent};

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

/// Observes the records that a leader's high watermark passed: they will never be lost again. Each
/// is observed once, whichever leaders come and go.
pub(super) fn replicated(
    env: &mut Env<'_>,
    partition: PartitionIndex,
    log: &Log,
    high_watermark: u64,
) {
    let observed = &mut env.cluster.observed[partition];
    let from = *observed;
    if high_watermark <= from {
        return;
    }
    *observed = high_watermark;
    for record in log.slice(from, high_watermark) {
        replicated_record(env, partition, record);
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
        } => env.observe(TraceEvent::Committed {
            member,
            partition: env.topology.partition(offset.partition),
            next: offset.next,
            generation,
            rebalancing,
        }),
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
