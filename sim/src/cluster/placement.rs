//! Where partitions lie at the start: replicas side by side, leaders spread over the brokers.

use crate::env::Env;
use crate::protocol::{BrokerSet, Node, PartitionState};
use crate::topology::PartitionIndex;

/// Returns the partitions of a new cluster.
pub(super) fn initial(env: &Env<'_>) -> impl Iterator<Item = PartitionState> {
    let partitions = env.topology.all();
    partitions
        .filter(|partition| env.topology.exists_at_start(*partition))
        .map(|partition| place(env, partition))
}

/// Places a new partition: its first replica leads, and all replicas are in sync.
pub(super) fn place(env: &Env<'_>, partition: PartitionIndex) -> PartitionState {
    let replicas = replicas(env, partition).fold(BrokerSet::default(), BrokerSet::with);
    PartitionState {
        partition,
        replicas,
        leader: self::replicas(env, partition).next(),
        leader_epoch: 0,
        in_sync: replicas,
        partition_epoch: 0,
    }
}

/// Returns the replicas of a partition, in the order in which they are preferred as leaders.
pub(super) fn replicas(
    env: &Env<'_>,
    partition: PartitionIndex,
) -> impl Iterator<Item = Node> + use<> {
    let brokers = env.plan.settings.cluster.brokers as u16;
    let replication = env.plan.settings.cluster.replication as u16;
    let first = partition.0 % brokers;
    (0..replication).map(move |next| Node(((first + next) % brokers) as u8))
}
