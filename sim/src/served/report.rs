//! What a cluster knows: brokers, topics, groups.

use super::cluster::{ServedCluster, broker_at};
use crate::protocol::GroupIndex;
use crate::topology::PartitionIndex;
use plimsoll_oracle::BrokerId;

/// A report of the state of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The brokers.
    pub brokers: Vec<BrokerReport>,
    /// The topics, by name.
    pub topics: Vec<TopicReport>,
    /// The groups that were ever asked for, by name.
    pub groups: Vec<GroupReport>,
}

/// A broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerReport {
    /// Its number.
    pub id: BrokerId,
    /// What its process does.
    pub state: BrokerState,
}

/// The state of a broker's process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BrokerState {
    /// It serves clients.
    Serving,
    /// It has started, and does not serve clients yet.
    Starting,
    /// It was asked to stop, and waits until its leaderships have moved away.
    Stopping,
    /// It stands still.
    Paused,
    /// It does not run.
    Down,
}

/// A topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicReport {
    /// Its name.
    pub name: String,
    /// Its partitions, in order.
    pub partitions: Vec<PartitionReport>,
}

/// A partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionReport {
    /// The broker that leads it, as the controller decided.
    pub leader: Option<BrokerId>,
    /// The first offset that its leader has.
    pub log_start: u64,
    /// The offset behind the last one that can be read.
    pub high_watermark: u64,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupReport {
    /// Its name.
    pub name: String,
    /// The broker that coordinates it.
    pub coordinator: Option<BrokerId>,
    /// What it has committed, by topic and partition.
    pub offsets: Vec<OffsetReport>,
}

/// The offset that a group has committed of a partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetReport {
    /// The topic.
    pub topic: String,
    /// The partition's number.
    pub partition: u32,
    /// The next offset.
    pub next: u64,
    /// The number of offsets from there on that can be read.
    pub lag: u64,
}

impl Report {
    /// Returns a broker.
    pub fn broker(&self, id: BrokerId) -> Option<&BrokerReport> {
        self.brokers.iter().find(|broker| broker.id == id)
    }

    /// Returns the brokers that serve.
    pub fn serving(&self) -> impl Iterator<Item = BrokerId> {
        let brokers = self.brokers.iter();
        let serving = brokers.filter(|broker| broker.state == BrokerState::Serving);
        serving.map(|broker| broker.id)
    }

    /// Returns the partitions of a topic.
    pub fn partitions(&self, topic: &str) -> Option<&[PartitionReport]> {
        let topic = self.topics.iter().find(|found| found.name == topic)?;
        Some(&topic.partitions)
    }

    /// Returns a partition.
    pub fn partition(&self, topic: &str, number: u32) -> Option<&PartitionReport> {
        self.partitions(topic)?.get(number as usize)
    }

    /// Returns a group.
    pub fn group(&self, name: &str) -> Option<&GroupReport> {
        self.groups.iter().find(|group| group.name == name)
    }
}

impl ServedCluster {
    /// Returns what the cluster knows.
    pub fn report(&self) -> Report {
        let brokers = self.world.brokers.ids();
        let brokers = brokers.map(|node| {
            let world = &self.world;
            let state = match () {
                () if !world.runs(node) => BrokerState::Down,
                () if world.is_paused(node) => BrokerState::Paused,
                () if world.is_stopping(node) => BrokerState::Stopping,
                () if world.is_open(node) => BrokerState::Serving,
                () => BrokerState::Starting,
            };
            BrokerReport {
                id: broker_at(node),
                state,
            }
        });
        let topics = self.edge.topics().map(|(name, partitions)| TopicReport {
            name: name.to_owned(),
            partitions: partitions
                .iter()
                .map(|p| self.partition_report(*p))
                .collect(),
        });
        let groups = self
            .edge
            .groups()
            .map(|(name, group)| self.group_report(name, group));
        Report {
            brokers: brokers.collect(),
            topics: topics.collect(),
            groups: groups.collect(),
        }
    }

    /// Returns the generation of a group, if it is stable with so many members, each of which has
    /// its assignment.
    pub fn stable_generation(&self, group: &str, members: usize) -> Option<i32> {
        let Some(group) = self.edge.group(group) else {
            return (members == 0).then_some(0);
        };
        let offsets = self.world.env.shared.offsets_of(group);
        let leader = self.world.controller.leader(offsets)?;
        let coordinator = self.world.brokers.get(leader)?.coordinator(offsets)?;
        coordinator.stable_generation(group, members)
    }

    fn partition_report(&self, partition: PartitionIndex) -> PartitionReport {
        let world = &self.world;
        let leader = world.controller.leader(partition);
        let ends = leader.map(|leader| world.brokers[leader].log_ends(partition));
        let (start, end) = ends.unwrap_or_default();
        PartitionReport {
            leader: leader.map(broker_at),
            log_start: start.get(),
            high_watermark: end.get(),
        }
    }

    fn group_report(&self, name: &str, group: GroupIndex) -> GroupReport {
        let world = &self.world;
        let offsets = world.env.shared.offsets_of(group);
        let leader = world.controller.leader(offsets);
        let broker = leader.and_then(|leader| world.brokers.get(leader));
        let coordinator = broker.and_then(|broker| broker.coordinator(offsets));
        let mut committed = Vec::new();
        for (topic, partitions) in self.edge.topics() {
            for (number, partition) in partitions.iter().enumerate() {
                let next = coordinator.and_then(|c| c.committed(group, *partition));
                committed.extend(next.map(|next| {
                    OffsetReport {
                        topic: topic.to_owned(),
                        partition: number as u32,
                        next: next.get(),
                        lag: self
                            .partition_report(*partition)
                            .high_watermark
                            .saturating_sub(next.get()),
                    }
                }));
            }
        }
        GroupReport {
            name: name.to_owned(),
            coordinator: leader.map(broker_at),
            offsets: committed,
        }
    }
}
