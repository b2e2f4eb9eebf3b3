//! Where new partitions lie: replicas side by side, leaders spread over the brokers.

use crate::protocol::{BrokerSet, Node, PartitionState, ReplicaOrder};
use crate::topology::PartitionIndex;

/// The choice of brokers for new partitions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement {
    /// Number of brokers.
    pub brokers: u16,
    /// Number of replicas of each partition.
    pub replication: u16,
    /// The first partition of `__consumer_offsets`, behind those of all other topics.
    pub offsets: PartitionIndex,
    /// The broker that leads it at first. In Kafka that hangs on two things that nothing else
    /// depends on: the hash of the group's name, which says in which of 50 partitions the group
    /// lies (`GroupCoordinatorService.partitionFor`), and the random broker with which
    /// `StripedReplicaPlacer` begins to place a topic.
    pub coordinator: Node,
}

impl Placement {
    /// Returns the placement by which every partition's number alone says where it lies.
    #[cfg_attr(
        not(any(test, feature = "wire")),
        expect(dead_code, reason = "a plan draws the coordinator")
    )]
    pub(crate) fn by_number(brokers: u16, replication: u16) -> Self {
        Self {
            brokers,
            replication,
            offsets: PartitionIndex::FIRST,
            coordinator: Node(0),
        }
    }

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
        let first = match partition.0.checked_sub(self.offsets.0) {
            Some(number) => number % self.brokers + self.coordinator.0,
            None => partition.0,
        };
        (0..self.replication).map(move |next| Node((first + next) % self.brokers))
    }
}
