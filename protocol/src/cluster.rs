//! Brokers and partitions, as the controller decides about them.

use crate::{PartitionIndex, Table, dense_id};

/// An actor with an address: brokers first, then the controller, then clients. In the simulator these
/// are the producer and the members; else each connection from outside is a node, which is given
/// again once it has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub u16);

/// One value for each node.
pub type PerNode<T> = Table<Node, T>;

/// One value for each broker: it has none for the other nodes.
pub type PerBroker<T> = Table<Node, T>;

dense_id!(Node(u16));

/// A set of brokers, as bits: no other node can be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokerSet(pub u16);

impl BrokerSet {
    /// The number of brokers for which it has room.
    pub const CAPACITY: u16 = u16::BITS as u16;

    /// Returns whether the set holds a broker.
    #[inline]
    pub fn contains(self, broker: Node) -> bool {
        self.0 & (1 << broker.0) != 0
    }

    /// Returns this set and one broker more.
    #[must_use]
    #[inline]
    pub fn with(self, broker: Node) -> Self {
        Self(self.0 | 1 << broker.0)
    }

    /// Returns this set without one broker.
    #[must_use]
    #[inline]
    pub fn without(self, broker: Node) -> Self {
        Self(self.0 & !(1 << broker.0))
    }

    /// Returns the brokers that are not in another set.
    #[must_use]
    #[inline]
    pub fn beyond(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Returns the brokers that are in another set too.
    #[must_use]
    #[inline]
    pub fn among(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// Returns the number of brokers.
    #[inline]
    pub fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Returns whether the set is empty.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Returns the brokers, lowest first.
    #[inline]
    pub fn iter(self) -> impl Iterator<Item = Node> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let lowest = Node(rest.0.trailing_zeros() as u16);
            (!rest.is_empty()).then(|| {
                rest = rest.without(lowest);
                lowest
            })
        })
    }
}

/// The replicas of a partition in the order in which they are preferred as leaders: four bits each,
/// the first ones lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicaOrder(u64);

impl ReplicaOrder {
    /// Creates the order of these brokers.
    pub fn new(replicas: impl DoubleEndedIterator<Item = Node>) -> Self {
        let pack = |rest, replica: Node| rest << 4 | u64::from(replica.0 & 15);
        Self(replicas.rev().fold(0, pack))
    }

    /// Returns the brokers of a set of replicas, in order.
    #[inline]
    pub fn of(self, replicas: BrokerSet) -> impl Iterator<Item = Node> {
        let places = 0..replicas.len();
        places.map(move |place| Node((self.0 >> (4 * place) & 15) as u16))
    }
}

/// A partition as the controller decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// The partition.
    pub partition: PartitionIndex,
    /// The brokers that have a replica of it.
    pub replicas: BrokerSet,
    /// The replicas as they are preferred.
    pub order: ReplicaOrder,
    /// The leading broker; `None`: no in-sync replica lives.
    pub leader: Option<Node>,
    /// Number that increases with each new leader.
    pub leader_epoch: u32,
    /// The replicas that are in sync.
    pub in_sync: BrokerSet,
    /// Number that increases with each change of this state.
    pub partition_epoch: u32,
}

/// The cluster, as a broker tells clients.
#[derive(Clone, Debug, Default)]
pub struct ClusterMetadata {
    /// The partitions that the broker knows.
    pub partitions: Vec<PartitionState>,
    /// The brokers that live. One that is about to stop is none of them any more, a moment before
    /// Kafka takes it out (`MetadataCache.getAliveBrokerNodes`).
    pub alive: BrokerSet,
}
