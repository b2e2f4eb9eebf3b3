//! The partitions of a run.

pub(crate) use plimsoll_protocol::{PartitionIndex, PartitionSet, PerPartition, Topology};

use plimsoll_protocol::TopicSize;
use plimsoll_scenarios::Plan;

/// Returns the topology of a plan, with room for every partition that its faults add.
pub(crate) fn topology_of(plan: &Plan) -> Topology {
    let topics = plan.settings.topics.iter().enumerate();
    let sizes = topics.map(|(number, topic)| {
        let faults = plan.faults.iter();
        let added = faults
            .filter_map(|fault| fault.kind.added_partitions())
            .filter(|(topic, _)| topic.0 as usize == number)
            .map(|(_, count)| count.0);
        TopicSize {
            partitions: topic.partitions,
            capacity: topic.partitions + added.sum::<u32>(),
        }
    });
    Topology::new(
        sizes,
        plan.settings.cluster.settings.offsets_topic_partitions,
    )
}
