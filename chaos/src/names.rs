//! The names that topics, partitions and the group of a run have on the cluster.
//!
//! Every run has topics and a group of its own, so that runs can share a cluster.

use plimsoll_core::TopicPartition;
use plimsoll_scenarios::Plan;

/// The length of the longest topic name that Kafka takes, in bytes.
const LONGEST: usize = 249;

/// The names of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// The workload's topics, by their number in the plan.
    pub topics: Vec<String>,
    /// The dead-letter topic, one for all topics.
    pub dead_letters: String,
    /// The consumer group.
    pub group: String,
}

impl Names {
    /// Makes the names for a run; `tag` tells them from those of all other runs.
    pub(crate) fn new(plan: &Plan, tag: &str) -> Self {
        let named = |name: &str| {
            let room = LONGEST.saturating_sub(tag.len() + 1);
            format!("{}.{tag}", &name[..name.len().min(room)])
        };
        let topics = plan.settings.topics.iter();
        Self {
            topics: topics.map(|topic| named(&topic.name)).collect(),
            dead_letters: named("dead-letters"),
            group: format!("{}.{tag}", plan.settings.consumers.group),
        }
    }

    /// Returns the partition that a topic's name and a number mean, if the topic is one of this
    /// run's.
    pub(crate) fn partition(&self, topic: &str, partition: u32) -> Option<TopicPartition> {
        let number = if topic == self.dead_letters {
            self.topics.len()
        } else {
            self.topics.iter().position(|name| name == topic)?
        };
        Some(TopicPartition::new(number as u32, partition))
    }

    /// Returns whether the partition is one of the workload's, not of the dead-letter topic.
    pub(crate) fn is_workload(&self, partition: TopicPartition) -> bool {
        (partition.topic as usize) < self.topics.len()
    }

    /// Returns the name of the topic with this number; the dead-letter topic comes after the
    /// workload's.
    pub(crate) fn topic(&self, number: u32) -> &str {
        let topic = self.topics.get(number as usize);
        topic.map_or(&self.dead_letters, |topic| topic)
    }
}
