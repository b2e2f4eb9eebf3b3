//! The leaders of the partitions and the coordinator of the group: asked for all the time, noted
//! when they change, and known at once to the faults that ask for them.

use crate::admin::Admin;
use crate::channel::Sender;
use crate::names::Names;
use plimsoll_core::TopicPartition;
use plimsoll_oracle::{BrokerId, TraceEvent};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The time between two questions to the brokers.
const LOOK: Duration = Duration::from_millis(500);

/// What the brokers said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The leader of a partition, by its index, and the leader epoch.
    Leader {
        partition: TopicPartition,
        broker: u32,
        epoch: i32,
    },
    /// The coordinator of the group, by its index.
    Coordinator(u32),
}

/// The number of partitions of each topic that have a leader, by the topic's number.
pub(crate) type PartitionCounts = BTreeMap<u32, u32>;

/// The leaders and the coordinator as they were known last.
#[derive(Debug, Default)]
pub(crate) struct Leaders {
    leaders: BTreeMap<TopicPartition, u32>,
    coordinator: Option<u32>,
    /// The partitions that are there, for the reader of the topics.
    counts: watch::Sender<PartitionCounts>,
}

impl Leaders {
    /// Asks the brokers for the first time. What they do not answer is not known yet.
    pub(crate) async fn first(admin: &Admin, names: &Names) -> Self {
        let mut leaders = Self::default();
        look(admin, names, |news| {
            // Nothing changes by what is the first to be known.
            let _ = leaders.learn(news);
        })
        .await;
        leaders
    }

    /// Returns the index of the broker that leads a partition, as far as is known.
    pub(crate) fn leader(&self, partition: TopicPartition) -> Option<u32> {
        self.leaders.get(&partition).copied()
    }

    /// Returns the index of the broker that coordinates the group, as far as is known.
    pub(crate) fn coordinator(&self) -> Option<u32> {
        self.coordinator
    }

    /// Shows the partitions that have a leader, now and whenever there are more.
    pub(crate) fn counts(&self) -> watch::Receiver<PartitionCounts> {
        self.counts.subscribe()
    }

    /// Takes in what the brokers said; returns what the trace says of it, where it is a change.
    pub(crate) fn learn(&mut self, news: News) -> Option<TraceEvent> {
        match news {
            News::Leader {
                partition,
                broker,
                epoch,
            } => {
                let before = self.leaders.insert(partition, broker);
                if before.is_none() {
                    let count = |counts: &mut PartitionCounts| {
                        *counts.entry(partition.topic).or_default() += 1;
                    };
                    self.counts.send_modify(count);
                }
                let changed = before.is_some_and(|leader| leader != broker);
                changed.then(|| TraceEvent::LeaderChanged {
                    partition,
                    leader: BrokerId(broker),
                    epoch: epoch.max(0) as u32,
                })
            }
            News::Coordinator(broker) => {
                let before = self.coordinator.replace(broker);
                let changed = before.is_some_and(|before| before != broker);
                changed.then_some(TraceEvent::CoordinatorChanged {
                    broker: BrokerId(broker),
                })
            }
        }
    }
}

/// Asks the brokers for leaders and coordinator. A question without an answer tells nothing.
pub(crate) async fn look(admin: &Admin, names: &Names, mut tell: impl FnMut(News)) {
    for (number, topic) in (0..).zip(&names.topics) {
        let Ok(state) = admin.topic(topic).await else {
            continue;
        };
        for (index, state) in (0..).zip(state.partitions) {
            if let Some(broker) = state.leader {
                tell(News::Leader {
                    partition: TopicPartition::new(number, index),
                    broker,
                    epoch: state.leader_epoch,
                });
            }
        }
    }
    if let Ok(broker) = admin.coordinator(&names.group).await {
        tell(News::Coordinator(broker));
    }
}

/// Asks for the leaders again and again, until the run ends.
pub(crate) async fn watch(admin: Admin, names: Arc<Names>, news: Sender<News>) {
    loop {
        tokio::time::sleep(LOOK).await;
        look(&admin, &names, |heard| news.send(heard)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_leader_is_a_change() {
        let mut leaders = Leaders::default();
        let partition = TopicPartition::new(0, 1);
        let led = |broker, epoch| News::Leader {
            partition,
            broker,
            epoch,
        };
        assert_eq!(leaders.learn(led(2, 0)), None);
        assert_eq!(leaders.learn(led(2, 1)), None);
        let changed = TraceEvent::LeaderChanged {
            partition,
            leader: BrokerId(0),
            epoch: 2,
        };
        assert_eq!(leaders.learn(led(0, 2)), Some(changed));
        assert_eq!(leaders.leader(partition), Some(0));
        assert_eq!(leaders.counts().borrow().get(&0), Some(&1));
    }
}
