//! The world of a run as its cluster sees it, and what the trace says of the cluster.

use crate::cluster::{ClusterEnv, ClusterSettings, Observation, Placement, Shared};
use crate::env::Env;
use crate::protocol::{
    Channel, Channels, Commit, CommittedOffset, Content, Correlation, Lean, LogEntry, Message,
    Node, Response, Value,
};
use crate::topology::PartitionIndex;
use plimsoll_core::Instant;
use plimsoll_oracle::{BrokerId, TraceEvent};
use plimsoll_scenarios::{Purpose, Rng};
use std::time::Duration;

/// The longest time for which a broker has run when a run begins: many times what lies between two
/// beats of a broker.
const LONGEST_AGE: Duration = Duration::from_secs(60);

impl Env<'_> {
    /// Returns the settings of the plan's cluster.
    pub(crate) fn cluster_settings(&self) -> ClusterSettings {
        let cluster = &self.plan.settings.cluster;
        let mut rng = Rng::substream(self.plan.seed, Purpose::Placement, 0);
        let placement = Placement {
            brokers: cluster.brokers as u16,
            replication: cluster.replication as u16,
            offsets: self.topology.group_offsets(),
            coordinator: Node(rng.below(cluster.brokers.into()) as u16),
        };
        let mut ages = Rng::substream(self.plan.seed, Purpose::Age, 0);
        let partitions = self.topology.all();
        let initial = partitions.filter(|partition| self.topology.exists_at_start(*partition));
        ClusterSettings {
            brokers: self.brokers().len(),
            controller: self.controller(),
            partitions: self.topology.len(),
            offsets: self.topology.offsets().collect(),
            placement,
            initial: initial
                .map(|partition| placement.place(partition))
                .collect(),
            min_insync: cluster.min_insync,
            publishes_in_sync: false,
            ages: (0..cluster.brokers)
                .map(|_| ages.between(Duration::ZERO, LONGEST_AGE))
                .collect(),
            broker: cluster.settings.clone(),
        }
    }
}

impl ClusterEnv<Lean> for Env<'_> {
    #[inline]
    fn now(&self) -> Instant {
        self.now()
    }

    #[inline]
    fn send(&mut self, from: Node, to: Node, channel: Channel, message: Message) {
        self.send(from, to, channel, message);
    }

    #[inline]
    fn respond(
        &mut self,
        from: Node,
        to: Node,
        channel: Channel,
        correlation: Correlation,
        response: Response,
    ) {
        self.respond(from, to, channel, correlation, response);
    }

    fn cut(&mut self, a: Node, b: Node) {
        self.cut(a, b, Channels::ALL);
    }

    #[inline]
    fn observe(&mut self, observation: Observation<'_, Lean>) {
        match observation {
            Observation::LeaderChanged {
                partition,
                leader,
                epoch,
            } => self.observe_leader(partition, leader, epoch),
            Observation::Replicated { partition, entry } => self.observe_entry(partition, entry),
            Observation::Truncated { partition, log_end } => self.observe(TraceEvent::Truncated {
                partition: self.topology.partition(partition),
                log_end,
            }),
            Observation::Removed {
                partition,
                log_start,
            } => self.observe(TraceEvent::Removed {
                partition: self.topology.partition(partition),
                log_start,
            }),
        }
    }

    #[inline]
    fn shared(&mut self) -> &mut Shared<Lean> {
        &mut self.cluster
    }
}

impl Env<'_> {
    fn observe_leader(&mut self, partition: PartitionIndex, leader: Node, epoch: u32) {
        let broker = BrokerId(leader.0.into());
        self.observe(TraceEvent::LeaderChanged {
            partition: self.topology.partition(partition),
            leader: broker,
            epoch,
        });
        if partition == self.topology.group_offsets() {
            self.observe(TraceEvent::CoordinatorChanged { broker });
        }
    }

    fn observe_entry(&mut self, partition: PartitionIndex, entry: &LogEntry) {
        match entry.content {
            Content::Batch(value) => self.observe_value(partition, entry, value),
            Content::Commit(commit) => self.observe_commit(commit),
            Content::Reset {
                offset: CommittedOffset {
                    partition, next, ..
                },
                ..
            } => self.observe(TraceEvent::OffsetsReset {
                partition: self.topology.partition(partition),
                next,
            }),
            Content::OffsetTombstone { .. }
            | Content::Group { .. }
            | Content::GroupTombstone(_) => {}
        }
    }

    fn observe_value(&mut self, partition: PartitionIndex, entry: &LogEntry, value: Value) {
        match value {
            Value::Message { id, key, .. } => self.observe(TraceEvent::Stored {
                message: id,
                partition: self.topology.partition(partition),
                offset: entry.offset,
                key,
            }),
            Value::DeadLetter {
                id,
                partition,
                offset,
                member,
                epoch,
            } => self.observe(TraceEvent::DeadLettered {
                member,
                partition: self.topology.partition(partition),
                offset,
                message: id,
                epoch: Some(epoch),
            }),
        }
    }

    fn observe_commit(&mut self, commit: Commit) {
        let member = self.member_at(commit.by).unwrap_or_default();
        let partition = self.topology.partition(commit.offset.partition);
        if commit.late {
            self.observe(TraceEvent::LateCommit { member, partition });
        }
        self.observe(TraceEvent::Committed {
            member,
            partition,
            next: commit.offset.next,
            generation: commit.generation,
            rebalancing: commit.rebalancing,
        });
    }
}
