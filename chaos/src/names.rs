//! What topics, partitions and the group of a run are called on the cluster.
//!
//! Every run has topics and a group of its own, so that runs can share a cluster.

use plimsoll_core::TopicPartition;
use plimsoll_scenarios::Plan;

/// The longest name of a topic that Kafka takes.
const LONGEST: usize = 249;

/// The names of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// By the topic's number in the plan.
    pub topics: Vec<String>,
    /// The dead-letter topic, one for all topics.
    pub dead_letters: String,
    /// The consumer group.
    pub group: String,
}

impl Names {
    /// Names for a run, told apart from all other runs by `tag`.
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

    /// The partition of this topic on the cluster, if the topic is one of this run's.
    pub(crate) fn partition(&self, topic: &str, partition: u32) -> Option<TopicPartition> {
        let number = if topic == self.dead_letters {
            self.topics.len()
        } else {
            self.topics.iter().position(|name| name == topic)?
        };
        Some(TopicPartition::new(number as u32, partition))
    }

    /// Whether the partition is one of the workload's, not of the dead-letter topic.
    pub(crate) fn is_workload(&self, partition: TopicPartition) -> bool {
        (partition.topic as usize) < self.topics.len()
    }

    /// The topic of this number; the dead-letter topic comes after the workload's.
    pub(crate) fn topic(&self, number: u32) -> &str {
        let topic = self.topics.get(number as usize);
        topic.map_or(&self.dead_letters, |topic| topic)
    }
}
