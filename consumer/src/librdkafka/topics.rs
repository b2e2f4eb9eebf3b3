//! The numbers of the topics, and what is told of their partitions outside of the core.

use super::leader_epochs::LeaderEpochs;
use plimsoll_core::{NextOffset, TopicPartition};
use plimsoll_librdkafka::set_leader_epochs;
use rdkafka::TopicPartitionList;
use rdkafka::topic_partition_list::Offset;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The topics of a consumer, by number.
#[derive(Debug)]
pub(super) struct Topics {
    names: Vec<Arc<str>>,
    high_watermarks: Mutex<BTreeMap<TopicPartition, NextOffset>>,
    /// The partitions whose records cannot be read.
    failing: Mutex<BTreeSet<TopicPartition>>,
    /// The topics that are not there, or may not be read.
    unavailable: Mutex<BTreeSet<u32>>,
    /// Whether the group refuses the member.
    group_unavailable: AtomicBool,
}

impl Topics {
    pub(super) fn new(names: &[String]) -> Self {
        Self {
            names: names.iter().map(|name| name.as_str().into()).collect(),
            high_watermarks: Mutex::default(),
            failing: Mutex::default(),
            unavailable: Mutex::default(),
            group_unavailable: AtomicBool::new(false),
        }
    }

    /// Returns the name of a topic.
    pub(super) fn name(&self, number: u32) -> Option<&Arc<str>> {
        self.names.get(number as usize)
    }

    /// Returns all names, in the order of their numbers.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|name| &**name)
    }

    /// Returns a partition by the name of its topic, if that is one of these.
    pub(super) fn partition(&self, topic: &str, partition: i32) -> Option<TopicPartition> {
        let number = self.names.iter().position(|name| **name == *topic)?;
        let (topic, partition) = (u32::try_from(number).ok()?, u32::try_from(partition).ok()?);
        Some(TopicPartition::new(topic, partition))
    }

    /// Returns the partitions of a list that belong to these topics.
    pub(super) fn partitions(&self, list: &TopicPartitionList) -> Vec<TopicPartition> {
        let elements = list.elements().into_iter();
        elements
            .filter_map(|element| self.partition(element.topic(), element.partition()))
            .collect()
    }

    /// Builds a list for librdkafka, with the offsets that are there.
    pub(super) fn list(
        &self,
        partitions: impl IntoIterator<Item = (TopicPartition, Option<Offset>)>,
    ) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in partitions {
            self.add(&mut list, partition, offset);
        }
        list
    }

    /// Adds a partition to a list, with an offset if it is there.
    fn add(&self, list: &mut TopicPartitionList, id: TopicPartition, offset: Option<Offset>) {
        // It is one of a list of librdkafka's, so it has a name and a number there.
        let topic = self.name(id.topic).map_or("", |name| &**name);
        let number = i32::try_from(id.partition).unwrap_or(i32::MAX);
        let mut element = list.add_partition(topic, number);
        if let Some(offset) = offset
            && let Err(error) = element.set_offset(offset)
        {
            // Kafka's offsets are 63 bits wide; no log is that long.
            tracing::error!(%error, ?offset, "librdkafka refused an offset");
        }
    }

    /// Returns the high watermark of a partition, if it is known.
    pub(super) fn high_watermark(&self, partition: TopicPartition) -> Option<NextOffset> {
        let high_watermarks = self
            .high_watermarks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        high_watermarks.get(&partition).copied()
    }

    /// Keeps high watermarks that were found, instead of older ones.
    pub(super) fn set_high_watermarks(
        &self,
        found: impl Iterator<Item = (TopicPartition, NextOffset)>,
    ) {
        let mut high_watermarks = self
            .high_watermarks
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        high_watermarks.extend(found);
    }

    /// Returns whether the records of a partition cannot be read.
    pub(super) fn is_failing(&self, partition: TopicPartition) -> bool {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.contains(&partition)
    }

    /// Returns whether a topic is not there, or may not be read.
    pub(super) fn is_unavailable(&self, topic: u32) -> bool {
        let unavailable = self.unavailable.lock();
        unavailable
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&topic)
    }

    /// Sets whether a topic can be read; returns whether that is news.
    pub(super) fn set_unavailable(&self, topic: u32, is_unavailable: bool) -> bool {
        let unavailable = self.unavailable.lock();
        let mut unavailable = unavailable.unwrap_or_else(PoisonError::into_inner);
        match is_unavailable {
            true => unavailable.insert(topic),
            false => unavailable.remove(&topic),
        }
    }

    /// Returns whether the group refuses the member.
    pub(super) fn is_group_unavailable(&self) -> bool {
        self.group_unavailable.load(Ordering::Relaxed)
    }

    /// Sets whether the group refuses the member; returns whether that is news.
    pub(super) fn set_group_unavailable(&self, is_unavailable: bool) -> bool {
        let before = self
            .group_unavailable
            .swap(is_unavailable, Ordering::Relaxed);
        before != is_unavailable
    }

    /// Returns partitions as they are named in logs.
    pub(super) fn shown(&self, partitions: impl IntoIterator<Item = TopicPartition>) -> String {
        let shown = partitions.into_iter().map(|id| {
            let topic = self.name(id.topic).map_or("?", |name| &**name);
            format!("{topic} [{}]", id.partition)
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    /// Sets which partitions have records that cannot be read.
    pub(super) fn set_failing(&self, partitions: BTreeSet<TopicPartition>) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = partitions;
    }
}

/// Builds a list of positions for librdkafka, with the leader epochs of the records before them.
pub(super) fn positions_of(
    topics: &Topics,
    epochs: &LeaderEpochs,
    positions: impl IntoIterator<Item = (TopicPartition, NextOffset)>,
) -> TopicPartitionList {
    let (mut list, mut of_positions) = (TopicPartitionList::new(), Vec::new());
    for (id, position) in positions {
        topics.add(&mut list, id, Some(raw(position)));
        of_positions.push(epochs.before(id, position));
    }
    set_leader_epochs(&mut list, of_positions);
    list
}

/// Converts a next offset into librdkafka's type.
fn raw(next: NextOffset) -> Offset {
    Offset::Offset(i64::try_from(next.get()).unwrap_or(i64::MAX))
}

/// Converts a next offset from librdkafka's type; returns `None` for its special values.
pub(super) fn next_offset(offset: Offset) -> Option<NextOffset> {
    match offset {
        Offset::Offset(offset) => u64::try_from(offset).ok().map(NextOffset::new),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_name_topics() {
        let topics = Topics::new(&["orders".into(), "refunds".into()]);
        let shown = topics.shown([TopicPartition::new(1, 3), TopicPartition::new(0, 0)]);
        assert_eq!(shown, "refunds [3], orders [0]");
    }
}
