//! The partitions of a run, numbered densely, so that state can lie in plain arrays.

use crate::{DenseId as _, Table, dense_id};
use plimsoll_core::TopicPartition;

/// A partition of any topic: the workload's, the dead-letter topic's or `__consumer_offsets`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionIndex(pub u16);

impl PartitionIndex {
    /// The lowest index.
    pub const FIRST: Self = Self(0);
    /// The highest index that there can be.
    pub const LAST: Self = Self(u16::MAX);
}

/// One value for each partition that there is or can be, of all topics.
pub type PerPartition<T> = Table<PartitionIndex, T>;

dense_id!(PartitionIndex(u16));

/// A set of partitions, as bits.
#[derive(Debug, Default)]
pub struct PartitionSet(Vec<u64>);

impl PartitionSet {
    /// Adds a partition.
    #[inline]
    pub fn insert(&mut self, partition: PartitionIndex) {
        let (word, bit) = Self::place(partition);
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= bit;
    }

    /// Takes a partition out. Returns whether the set had it.
    #[inline]
    pub fn remove(&mut self, partition: PartitionIndex) -> bool {
        let (word, bit) = Self::place(partition);
        let Some(bits) = self.0.get_mut(word) else {
            return false;
        };
        let had = *bits & bit != 0;
        *bits &= !bit;
        had
    }

    /// Returns whether the set has a partition.
    #[inline]
    pub fn contains(&self, partition: PartitionIndex) -> bool {
        let (word, bit) = Self::place(partition);
        self.0.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// Takes all partitions out.
    #[inline]
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Returns whether the set has no partition.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|bits| *bits == 0)
    }

    /// Returns the partitions, in order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = PartitionIndex> {
        self.iter_from(PartitionIndex::FIRST)
    }

    /// Returns the partitions from `first` on, in order.
    #[inline]
    pub fn iter_from(&self, first: PartitionIndex) -> impl Iterator<Item = PartitionIndex> {
        let mut word = first.index() / 64;
        let mut bits = self
            .0
            .get(word)
            .map_or(0, |bits| bits & Self::from_on(first));
        std::iter::from_fn(move || {
            while bits == 0 {
                word += 1;
                bits = *self.0.get(word)?;
            }
            let bit = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            Some(PartitionIndex::from_index(word * 64 + bit))
        })
    }

    /// Returns the first partition behind `last`, or the first of all: a loop with this may change
    /// the set.
    #[inline]
    pub fn next_after(&self, last: Option<PartitionIndex>) -> Option<PartitionIndex> {
        let from = last.map_or(0, |last| last.index() + 1);
        let mut word = from / 64;
        let mut bits = self.0.get(word)? & (u64::MAX << (from % 64));
        while bits == 0 {
            word += 1;
            bits = *self.0.get(word)?;
        }
        let bit = bits.trailing_zeros() as usize;
        Some(PartitionIndex::from_index(word * 64 + bit))
    }

    /// Returns the bits of a partition and of those behind it, in its word.
    #[inline]
    fn from_on(partition: PartitionIndex) -> u64 {
        u64::MAX << (partition.index() % 64)
    }

    #[inline]
    fn place(partition: PartitionIndex) -> (usize, u64) {
        (partition.index() / 64, 1 << (partition.index() % 64))
    }
}

/// Copies the bits, into memory that there is where there is any.
impl Clone for PartitionSet {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }

    fn clone_from(&mut self, from: &Self) {
        self.0.clone_from(&from.0);
    }
}

impl FromIterator<PartitionIndex> for PartitionSet {
    fn from_iter<P: IntoIterator<Item = PartitionIndex>>(from: P) -> Self {
        let mut set = Self::default();
        from.into_iter().for_each(|partition| set.insert(partition));
        set
    }
}

/// The number of partitions of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicSize {
    /// Number of its partitions at the start.
    pub partitions: u32,
    /// Number of partitions that it can ever have.
    pub capacity: u32,
}

/// The partitions that there are, and those that there can be: of the topics that a group consumes,
/// then of the topic of its dead letters, which has one, and then of `__consumer_offsets`.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    partitions: PerPartition<TopicPartition>,
    /// By topic: its first index, and its size.
    topics: Vec<(u16, TopicSize)>,
    dead_letter_topic: u32,
}

impl Topology {
    /// Creates the topology of the topics that a group consumes, beside `__consumer_offsets` with
    /// this number of partitions.
    pub fn new(consumed: impl IntoIterator<Item = TopicSize>, offsets: u32) -> Self {
        let fixed = |partitions| TopicSize {
            partitions,
            capacity: partitions,
        };
        let mut topology = Self::default();
        for size in consumed {
            topology.add_topic(size);
        }
        topology.dead_letter_topic = topology.topics.len() as u32;
        topology.add_topic(fixed(1));
        topology.add_topic(fixed(offsets));
        topology
    }

    fn add_topic(&mut self, size: TopicSize) {
        let topic = self.topics.len() as u32;
        self.topics.push((self.partitions.len() as u16, size));
        for partition in 0..size.capacity {
            self.partitions.push(TopicPartition::new(topic, partition));
        }
    }

    /// Returns the number of partitions that there are or can be, of all topics.
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a topology has a partition")]
    pub fn len(&self) -> usize {
        self.partitions.len()
    }

    /// Returns every index, in order.
    #[inline]
    pub fn all(&self) -> impl Iterator<Item = PartitionIndex> + use<> {
        self.partitions.ids()
    }

    /// Returns the index of a partition; `None` where it can never be.
    #[inline]
    pub fn index(&self, partition: TopicPartition) -> Option<PartitionIndex> {
        let (first, size) = *self.topics.get(partition.topic as usize)?;
        let exists = partition.partition < size.capacity;
        exists.then(|| PartitionIndex(first + partition.partition as u16))
    }

    /// Returns the partitions that a topic has or can have, in order.
    #[inline]
    pub fn of_topic(&self, topic: u32) -> impl Iterator<Item = PartitionIndex> + use<> {
        let (first, size) = self.topics[topic as usize];
        (first..first + size.capacity as u16).map(PartitionIndex)
    }

    /// Returns the partition of an index.
    #[inline]
    pub fn partition(&self, index: PartitionIndex) -> TopicPartition {
        self.partitions[index]
    }

    /// Returns whether a partition exists from the start, rather than being added later.
    #[inline]
    pub fn exists_at_start(&self, index: PartitionIndex) -> bool {
        let partition = self.partition(index);
        partition.partition < self.topics[partition.topic as usize].1.partitions
    }

    /// Returns whether the group consumes a partition (rather than its being internal, or for dead
    /// letters).
    #[inline]
    pub fn is_workload(&self, index: PartitionIndex) -> bool {
        self.partition(index).topic < self.dead_letter_topic
    }

    /// Returns the dead-letter topic's one partition.
    #[inline]
    pub fn dead_letters(&self) -> PartitionIndex {
        PartitionIndex(self.topics[self.dead_letter_topic as usize].0)
    }

    /// Returns the partitions of `__consumer_offsets`, in order.
    #[inline]
    pub fn offsets(&self) -> impl Iterator<Item = PartitionIndex> + use<> {
        self.of_topic(self.dead_letter_topic + 1)
    }

    /// Returns the partition of `__consumer_offsets` whose leader coordinates the scenario's group.
    ///
    /// Kafka takes the group id's hash; a scenario has one group, so any is as good.
    #[inline]
    pub fn group_offsets(&self) -> PartitionIndex {
        PartitionIndex(self.topics[self.dead_letter_topic as usize + 1].0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(partitions: &[u16]) -> PartitionSet {
        let mut set = PartitionSet::default();
        for partition in partitions {
            set.insert(PartitionIndex(*partition));
        }
        set
    }

    #[test]
    fn a_set_has_each_partition_once_and_in_order() {
        let mut set = set(&[200, 5, 63, 64, 1, 3, 1]);
        let removed = [3, 4, 300].map(|partition| set.remove(PartitionIndex(partition)));
        assert_eq!(removed, [true, false, false]);
        let left: Vec<_> = set.iter().map(|partition| partition.0).collect();
        assert_eq!(left, [1, 5, 63, 64, 200]);
        for (first, count) in [
            (1, 5),
            (2, 4),
            (63, 3),
            (65, 1),
            (200, 1),
            (201, 0),
            (999, 0),
        ] {
            let from = set.iter_from(PartitionIndex(first));
            assert_eq!(from.count(), count, "{first}");
        }
        assert!(set.contains(PartitionIndex(64)) && !set.contains(PartitionIndex(3)));
        assert!(!set.contains(PartitionIndex(300)));
        set.clear();
        assert!(set.is_empty() && !set.contains(PartitionIndex(1)));
    }

    #[test]
    fn a_loop_over_a_set_may_change_it() {
        let mut set = set(&[1, 3, 70]);
        let mut seen = Vec::new();
        let mut last = None;
        while let Some(partition) = set.next_after(last) {
            last = Some(partition);
            seen.push(partition.0);
            if partition.0 == 1 {
                set.remove(partition);
                set.insert(PartitionIndex(7));
            }
        }
        assert_eq!(seen, [1, 3, 7, 70]);
    }
}
