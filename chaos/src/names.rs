//! The names that topics, partitions and the group of a run have on the cluster.
//!
//! Every run has topics and a group of its own, so that runs can share a cluster.

use crate::cluster;
use plimsoll_core::TopicPartition;
use plimsoll_scenarios::Plan;

/// The length of the longest topic name that Kafka takes, in bytes.
const LONGEST: usize = 249;

/// The text before the name of the process in every name on the cluster.
const MARK: &str = ".plimsoll-";

/// Makes the `number`th name of this process for something on the cluster: nothing else there has
/// it, and a later process knows by it whose it was.
pub(crate) fn unique(what: &str, number: u32) -> String {
    format!("{what}{MARK}{}.{number}", cluster::run_id())
}

/// Returns the name of the process which made a name on the cluster, if one of ours did.
#[cfg(any(test, feature = "containers"))]
pub(crate) fn run_of(name: &str) -> Option<&str> {
    let (_, rest) = name.rsplit_once(MARK)?;
    Some(rest.split_once('.')?.0)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_process_that_made_them() {
        let name = unique("orders.quick-member-killed.0", 7);
        assert!(name.ends_with(".7"), "{name}");
        assert_eq!(run_of(&name), Some(&*cluster::run_id()));
        assert_eq!(
            run_of(&format!("{name}.group-1")),
            Some(&*cluster::run_id())
        );
        assert_eq!(run_of("billing.plimsoll-12-345.0"), Some("12-345"));
        for foreign in [
            "orders",
            "logs.2024-10.3",
            "my.plimsoll-topic",
            ".plimsoll-",
        ] {
            assert_eq!(run_of(foreign), None, "{foreign}");
        }
    }
}
