//! The leaders of the partitions and the coordinator of the group: asked for all the time, noted
//! when they change, and known at once to the faults that ask for them.

use crate::lock::lock;
use crate::world::World;
use plimsoll_core::TopicPartition;
use plimsoll_oracle::{BrokerId, TraceEvent};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The time between two questions to the brokers.
const LOOK: Duration = Duration::from_millis(500);

/// The leaders and the coordinator as they were known last.
#[derive(Debug, Default)]
pub(crate) struct Leaders {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The leader's index and the leader epoch, by partition.
    leaders: BTreeMap<TopicPartition, (u32, i32)>,
    coordinator: Option<u32>,
}

impl Leaders {
    /// Returns the index of the broker that leads a partition, as far as is known.
    pub(crate) fn leader(&self, partition: TopicPartition) -> Option<u32> {
        let known = lock(&self.known);
        known.leaders.get(&partition).map(|(broker, _)| *broker)
    }

    /// Returns the index of the broker that coordinates the group, as far as is known.
    pub(crate) fn coordinator(&self) -> Option<u32> {
        lock(&self.known).coordinator
    }

    /// Counts the partitions of a topic that have a leader.
    pub(crate) fn partitions(&self, topic: u32) -> u32 {
        let known = lock(&self.known);
        known.leaders.keys().filter(|id| id.topic == topic).count() as u32
    }

    /// Notes the leader of a partition; returns whether another one led it before.
    fn led(&self, partition: TopicPartition, broker: u32, epoch: i32) -> bool {
        let before = lock(&self.known).leaders.insert(partition, (broker, epoch));
        before.is_some_and(|(leader, _)| leader != broker)
    }

    /// Notes the coordinator; returns whether another broker was the coordinator before.
    fn coordinated(&self, broker: u32) -> bool {
        let before = lock(&self.known).coordinator.replace(broker);
        before.is_some_and(|before| before != broker)
    }
}

impl World {
    /// Asks the brokers for leaders and coordinator, and notes changes. A question without an
    /// answer changes nothing.
    pub(crate) async fn look_at_leaders(self: &Arc<Self>) {
        for (number, topic) in (0..).zip(&self.names.topics) {
            let Ok(state) = self.admin.topic(topic).await else {
                continue;
            };
            for (index, state) in (0..).zip(state.partitions) {
                let partition = TopicPartition::new(number, index);
                if let Some(leader) = state.leader
                    && self.leaders.led(partition, leader, state.leader_epoch)
                {
                    self.observe(TraceEvent::LeaderChanged {
                        partition,
                        leader: BrokerId(leader),
                        epoch: state.leader_epoch.max(0) as u32,
                    });
                }
            }
        }
        if let Ok(broker) = self.admin.coordinator(&self.names.group).await
            && self.leaders.coordinated(broker)
        {
            self.observe(TraceEvent::CoordinatorChanged {
                broker: BrokerId(broker),
            });
        }
    }

    /// Asks for the leaders again and again, until the run ends.
    pub(crate) async fn watch_leaders(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK).await;
            self.look_at_leaders().await;
        }
    }
}
