//! What faults do to brokers and topics: it takes its time, beside the run.

use crate::admin::OFFSETS_TOPIC;
use crate::channel::Sender;
use crate::cluster::Cluster;
use crate::error::ChaosError;
use crate::leaders::{self, News};
use crate::names::Names;
use plimsoll_core::{NextOffset, TopicPartition};
use plimsoll_oracle::{ErrorName, RequestKind, TraceEvent};
use plimsoll_scenarios::scenario::ResetTo;
use plimsoll_scenarios::schedule::{Done, FaultIndex};
use std::sync::Arc;
use std::time::Duration;

/// The time that a broker that came back may take until all partitions are in sync.
const BROKER_BACK: Duration = Duration::from_secs(60);

/// Something that takes its time; brokers go by their index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Work {
    Kill(u32),
    Stop(u32),
    /// A start, after which the cluster is whole again.
    Start(u32),
    /// A stop and a start, after which the cluster is whole again.
    Restart(u32),
    Pause(u32),
    Resume(u32),
    Isolate(u32),
    Rejoin(u32),
    MoveLeader(TopicPartition),
    MoveCoordinator,
    AddPartitions {
        topic: u32,
        count: u32,
    },
    /// The removal of this share of a partition's records, from the oldest.
    RemoveRecords(TopicPartition, f64),
    ResetOffset(TopicPartition, ResetTo),
    /// The answer of errors to requests, from now on; embedded brokers do it.
    BeginErrors(Errors),
    /// The end of the errors with this number.
    EndErrors(u32),
    /// A rebalance of the group; embedded brokers do it.
    Rebalance,
}

/// Requests of a kind that are answered with an error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Errors {
    /// The number by which they are ended.
    pub number: u32,
    /// The broker that answers, by its index; `None`: any.
    pub broker: Option<u32>,
    pub request: RequestKind,
    /// The one partition for which it answers so; `None`: all that the request names.
    pub partition: Option<TopicPartition>,
    pub error: ErrorName,
    /// The share of the requests.
    pub share: f64,
}

/// What the work reports.
#[derive(Debug)]
pub(crate) enum Report {
    /// A broker that was killed or stopped was started.
    Started(u32),
    /// The brokers said what leads a partition.
    Leader(News),
    /// What the trace says of the work.
    Observed(TraceEvent),
    /// The work for a fault is done, or the environment refused to do it.
    Done(FaultIndex, Result<Done, ChaosError>),
}

/// The cluster, and what of it is this run's.
#[derive(Clone, Debug)]
pub(crate) struct Brokers {
    pub cluster: Arc<Cluster>,
    pub names: Arc<Names>,
    pub reports: Sender<Report>,
}

impl Work {
    /// Returns the broker that goes down by it: other faults know that at once, before it is done.
    pub(crate) fn takes_down(self) -> Option<u32> {
        match self {
            Self::Kill(broker) | Self::Stop(broker) | Self::Restart(broker) => Some(broker),
            _ => None,
        }
    }
}

impl Brokers {
    /// Does something for a fault, and reports that it is done.
    pub(crate) async fn carry_out(self, fault: FaultIndex, work: Work) {
        let done = self.work(work).await;
        self.reports.send(Report::Done(fault, done));
    }

    async fn work(&self, work: Work) -> Result<Done, ChaosError> {
        match work {
            Work::Kill(broker) => self.cluster.kill(broker).await?,
            Work::Stop(broker) => self.cluster.stop(broker).await?,
            Work::Start(broker) => self.start(broker).await?,
            Work::Restart(broker) => {
                self.cluster.stop(broker).await?;
                self.start(broker).await?;
            }
            Work::Pause(broker) => self.cluster.pause(broker).await?,
            Work::Resume(broker) => {
                self.cluster.unpause(broker).await?;
                self.cluster.healthy(BROKER_BACK).await?;
            }
            Work::Isolate(broker) => self.cluster.isolate(broker).await?,
            Work::Rejoin(broker) => {
                self.cluster.rejoin(broker).await?;
                self.cluster.healthy(BROKER_BACK).await?;
            }
            Work::MoveLeader(partition) => {
                let topic = self.names.topic(partition.topic);
                let moved = self.cluster.move_leader(topic, partition.partition);
                moved.await?;
            }
            Work::MoveCoordinator => {
                let admin = self.cluster.admin();
                let partition = admin.offsets_partition(&self.names.group).await?;
                self.cluster.move_leader(OFFSETS_TOPIC, partition).await?;
            }
            Work::AddPartitions { topic, count } => self.add_partitions(topic, count).await?,
            Work::RemoveRecords(partition, share) => {
                return self.remove_records(partition, share).await;
            }
            Work::ResetOffset(partition, to) => return self.reset_offset(partition, to).await,
            Work::BeginErrors(errors) => {
                let named = |of: TopicPartition| (self.names.topic(of.topic), of.partition);
                let partition = errors.partition.map(named);
                return self.cluster.begin_errors(errors, partition).await;
            }
            Work::EndErrors(number) => return self.cluster.end_errors(number).await,
            Work::Rebalance => return self.cluster.rebalance(&self.names.group).await,
        }
        Ok(Done::Changed)
    }

    async fn start(&self, broker: u32) -> Result<(), ChaosError> {
        self.cluster.start_broker(broker).await?;
        self.reports.send(Report::Started(broker));
        self.cluster.healthy(BROKER_BACK).await
    }

    async fn add_partitions(&self, topic: u32, count: u32) -> Result<(), ChaosError> {
        let (admin, name) = (self.cluster.admin(), self.names.topic(topic));
        let before = admin.topic(name).await?.partitions.len() as u32;
        admin.add_partitions(name, before + count).await?;
        let tell = |news| self.reports.send(Report::Leader(news));
        leaders::look(admin, &self.names, tell).await;
        Ok(())
    }

    async fn remove_records(
        &self,
        partition: TopicPartition,
        share: f64,
    ) -> Result<Done, ChaosError> {
        let (admin, topic) = (self.cluster.admin(), self.names.topic(partition.topic));
        let ends = admin.log_ends(topic).await?;
        let Some((start, end)) = ends.get(partition.partition as usize).copied() else {
            return Ok(Done::Vain);
        };
        let before = start + ((end - start) as f64 * share) as u64;
        if before == start {
            return Ok(Done::Vain);
        }
        let log_start = admin
            .delete_records(topic, partition.partition, before)
            .await?;
        self.reports.send(Report::Observed(TraceEvent::Removed {
            partition,
            log_start: NextOffset::new(log_start),
        }));
        Ok(Done::Changed)
    }

    async fn reset_offset(
        &self,
        partition: TopicPartition,
        to: ResetTo,
    ) -> Result<Done, ChaosError> {
        let (admin, topic) = (self.cluster.admin(), self.names.topic(partition.topic));
        let ends = admin.log_ends(topic).await?;
        let Some((start, end)) = ends.get(partition.partition as usize).copied() else {
            return Ok(Done::Vain);
        };
        let next = to.within(start, end);
        let group = &self.names.group;
        let reset = admin.reset_offset(group, topic, partition.partition, next);
        let is_reset = reset.await?;
        if is_reset {
            self.reports
                .send(Report::Observed(TraceEvent::OffsetsReset {
                    partition,
                    next: NextOffset::new(next),
                }));
        }
        Ok(Done::from(is_reset))
    }
}
