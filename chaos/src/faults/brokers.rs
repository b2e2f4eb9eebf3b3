//! What takes its time: brokers, topics, and processes that are to come back.

use super::LOOK;
use crate::error::ChaosError;
use crate::lock::lock;
use crate::world::World;
use plimsoll_core::{NextOffset, TopicPartition};
use plimsoll_oracle::{MemberId, TraceEvent};
use plimsoll_scenarios::scenario::ResetTo;
use std::sync::Arc;
use std::time::Duration;

/// The time that a broker that came back may take until all partitions are in sync.
const BROKER_BACK: Duration = Duration::from_secs(60);

type Done = Result<(), ChaosError>;

/// Brokers. What takes one down is known to other faults at once, before it is done.
impl World {
    pub(super) fn kill_broker(self: Arc<Self>, broker: u32) -> impl Future<Output = Done> + Send {
        self.goes_down(broker);
        async move { self.cluster.kill(broker).await }
    }

    pub(super) fn stop_broker(self: Arc<Self>, broker: u32) -> impl Future<Output = Done> + Send {
        self.goes_down(broker);
        async move { self.cluster.stop(broker).await }
    }

    pub(super) async fn start_broker(self: Arc<Self>, broker: u32) -> Done {
        self.cluster.start_broker(broker).await?;
        lock(&self.faults.down).remove(&broker);
        self.cluster.healthy(BROKER_BACK).await
    }

    /// Stops a broker and starts it again; returns when the cluster is whole.
    pub(super) fn restart_broker(
        self: Arc<Self>,
        broker: u32,
    ) -> impl Future<Output = Done> + Send {
        let stopped = self.clone().stop_broker(broker);
        async move {
            stopped.await?;
            self.start_broker(broker).await
        }
    }

    pub(super) async fn pause_broker(self: Arc<Self>, broker: u32) -> Done {
        self.cluster.pause(broker).await
    }

    pub(super) async fn resume_broker(self: Arc<Self>, broker: u32) -> Done {
        self.cluster.unpause(broker).await?;
        self.cluster.healthy(BROKER_BACK).await
    }

    pub(super) async fn isolate_broker(self: Arc<Self>, broker: u32) -> Done {
        self.cluster.isolate(broker).await
    }

    pub(super) async fn rejoin_broker(self: Arc<Self>, broker: u32) -> Done {
        self.cluster.rejoin(broker).await?;
        self.cluster.healthy(BROKER_BACK).await
    }

    fn goes_down(&self, broker: u32) {
        lock(&self.faults.down).insert(broker);
    }
}

/// Topics.
impl World {
    pub(super) async fn move_leader(self: Arc<Self>, partition: TopicPartition) -> Done {
        let topic = self.names.topic(partition.topic);
        let moved = self.admin.move_leader(topic, partition.partition).await;
        moved.map(drop)
    }

    pub(super) async fn move_coordinator(self: Arc<Self>) -> Done {
        let partition = self.admin.offsets_partition(&self.names.group).await?;
        let moved = self
            .admin
            .move_leader("__consumer_offsets", partition)
            .await;
        moved.map(drop)
    }

    pub(super) async fn add_partitions(self: Arc<Self>, topic: u32, count: u32) -> Done {
        let name = self.names.topic(topic);
        let before = self.admin.topic(name).await?.partitions.len() as u32;
        self.admin.add_partitions(name, before + count).await?;
        self.look_at_leaders().await;
        Ok(())
    }

    pub(super) async fn remove_records(
        self: Arc<Self>,
        partition: TopicPartition,
        share: f64,
    ) -> Done {
        let topic = self.names.topic(partition.topic);
        let ends = self.admin.log_ends(topic).await?;
        let Some((start, end)) = ends.get(partition.partition as usize).copied() else {
            return Ok(());
        };
        let before = start + ((end - start) as f64 * share) as u64;
        let log_start = self
            .admin
            .delete_records(topic, partition.partition, before)
            .await?;
        self.observe(TraceEvent::Removed {
            partition,
            log_start: NextOffset::new(log_start),
        });
        Ok(())
    }

    pub(super) async fn reset_offset(
        self: Arc<Self>,
        partition: TopicPartition,
        to: ResetTo,
    ) -> Done {
        let topic = self.names.topic(partition.topic);
        let ends = self.admin.log_ends(topic).await?;
        let Some((start, end)) = ends.get(partition.partition as usize).copied() else {
            return Ok(());
        };
        let next = to.within(start, end);
        let group = &self.names.group;
        let reset = self
            .admin
            .reset_offset(group, topic, partition.partition, next);
        if reset.await? {
            self.observe(TraceEvent::OffsetsReset {
                partition,
                next: NextOffset::new(next),
            });
        }
        Ok(())
    }
}

/// Members.
impl World {
    /// Returns when the process of a member that is to stop and start again has done both.
    pub(super) async fn member_is_back(self: Arc<Self>, member: MemberId) -> Done {
        while !self.processes.has_restarted(member) {
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}
