//! Where new partitions lie: replicas side by side, leaders spread over the brokers.

use crate::protocol::{BrokerSet, Node, PartitionState, ReplicaOrder};
use crate::topology::PartitionIndex;

/// Where new partitions lie.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement {
    /// Number of brokers.
    pub brokers: u16,
    /// Number of replicas of each partition.
    pub replication: u16,
}

impl Placement {
    /// Places a new partition: its first replica leads, and all replicas are in sync.
    pub(crate) fn place(self, partition: PartitionIndex) -> PartitionState {
        let replicas = self
            .replicas(partition)
            .fold(BrokerSet::default(), BrokerSet::with);
        PartitionState {
            partition,
            replicas,
            order: ReplicaOrder::new(self.replicas(partition)),
            leader: self.replicas(partition).next(),
            leader_epoch: 0,
            in_sync: replicas,
            partition_epoch: 0,
        }
    }

    /// Returns the replicas of a partition, in the order in which they are preferred as leaders.
    pub(crate) fn replicas(
        self,
        partition: PartitionIndex,
    ) -> impl DoubleEndedIterator<Item = Node> {
        let first = partition.0 % self.brokers;
        (0..self.replication).map(move |next| Node((first + next) % self.brokers))
    }
}
