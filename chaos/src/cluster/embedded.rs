//! Brokers of a simulated cluster, served by this process, and what breaks them.

use crate::address::BrokerAddress;
use crate::admin::HARNESS;
use crate::error::ChaosError;
use crate::faults::Errors;
use plimsoll_oracle::{BrokerId, FaultId};
use plimsoll_scenarios::Rng;
use plimsoll_scenarios::scenario::Cluster;
use plimsoll_scenarios::schedule::Done;
use plimsoll_serve::{Options, Served, ServedCluster, serve};
use plimsoll_sim::served::{BrokerState, Failing, Unknown};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The time that a broker has to hand over its partitions before it is killed, as one in a
/// container.
const GRACE: Duration = Duration::from_secs(30);

/// The time limit for another replica to be in sync, so that it can lead.
const MOVE: Duration = Duration::from_secs(30);

/// The time between two looks whether a broker has stopped.
const LOOK: Duration = Duration::from_millis(20);

/// A simulated cluster, served for as long as this lives.
#[derive(Debug)]
pub(super) struct Embedded {
    served: Served,
    /// The seed of all random choices.
    seed: u64,
}

impl Embedded {
    /// Serves a cluster as a plan wants it; where the plan states no settings of brokers, they have
    /// those of brokers in containers.
    pub(super) fn start(wanted: &Cluster, seed: u64) -> Result<Self, ChaosError> {
        let options = Options {
            http_port: None,
            ..Options::of_cluster(wanted, super::broker_settings(), seed)
        };
        let served = serve(options).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            let cause = cause.unwrap_or_default();
            ChaosError::Environment(format!("cannot serve embedded brokers: {error}{cause}"))
        })?;
        Ok(Self { served, seed })
    }

    /// Returns the addresses at which the harness reaches the brokers.
    pub(super) fn brokers(&self) -> Vec<BrokerAddress> {
        let brokers = (0..).zip(self.served.brokers());
        let brokers = brokers.map(|(index, (id, address))| BrokerAddress {
            index,
            node_id: id.0.cast_signed(),
            address: address.clone(),
        });
        brokers.collect()
    }

    /// Does something with a broker, which goes by its index.
    pub(super) async fn act(
        &self,
        broker: u32,
        act: fn(&mut ServedCluster, plimsoll_core::Instant, BrokerId) -> Result<(), Unknown>,
    ) -> Result<(), ChaosError> {
        let id = self.id(broker)?;
        let done = self
            .served
            .call_async(move |cluster, now| act(cluster, now, id));
        done.await.map_err(|Unknown(what)| unknown(what))
    }

    /// Stops a broker; returns when it has handed over its partitions and ended.
    pub(super) async fn stop(&self, broker: u32) -> Result<(), ChaosError> {
        self.act(broker, ServedCluster::stop).await?;
        let id = self.id(broker)?;
        let stopped = async {
            while !self.is_down(id).await {
                tokio::time::sleep(LOOK).await;
            }
        };
        match timeout(GRACE, stopped).await {
            Ok(()) => Ok(()),
            Err(_) => self.act(broker, ServedCluster::crash).await,
        }
    }

    async fn is_down(&self, broker: BrokerId) -> bool {
        let report = self.served.call_async(|cluster, _| cluster.report()).await;
        let mut brokers = report.brokers.iter();
        brokers.any(|found| found.id == broker && found.state == BrokerState::Down)
    }

    /// Undoes every fault of every broker.
    pub(super) async fn mend(&self) {
        self.served.call_async(ServedCluster::heal).await;
    }

    /// Makes another replica of a partition that is in sync the leader.
    pub(super) async fn move_leader(&self, topic: &str, partition: u32) -> Result<(), ChaosError> {
        let end = Instant::now() + MOVE;
        while !self.moves_leader(topic, partition).await? {
            if Instant::now() > end {
                let why = "no other replica is in sync";
                return Err(ChaosError::Environment(format!(
                    "the leader of {topic}/{partition} cannot be moved: {why}"
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    async fn moves_leader(&self, topic: &str, partition: u32) -> Result<bool, ChaosError> {
        let topic = topic.to_owned();
        let act = move |cluster: &mut ServedCluster, now| {
            cluster.move_leader(now, &topic, partition.cast_signed())
        };
        let moved = self.served.call_async(act).await;
        moved.map_err(|Unknown(what)| unknown(what))
    }

    /// Answers requests with errors, perhaps for one partition, by its topic's name and its number,
    /// until [`end_errors`](Self::end_errors). The harness' own questions are spared.
    pub(super) async fn begin_errors(
        &self,
        errors: Errors,
        partition: Option<(&str, u32)>,
    ) -> Result<Done, ChaosError> {
        let broker = errors.broker.map(|broker| self.id(broker)).transpose()?;
        let failing = Failing {
            number: errors.number,
            request: errors.request,
            broker,
            partition: partition.map(|(topic, number)| (topic.to_owned(), number.cast_signed())),
            spared: Some(HARNESS),
            error: errors.error,
            share: errors.share,
            rng: Rng::of_requests(self.seed, FaultId(errors.number)),
        };
        let act = |cluster: &mut ServedCluster, _| cluster.begin_failing(failing);
        // A partition that is not there yet has nothing that could fail.
        Ok(Done::from(self.served.call_async(act).await.is_ok()))
    }

    /// Ends the errors with this number.
    pub(super) async fn end_errors(&self, number: u32) -> Done {
        let act = move |cluster: &mut ServedCluster, _| cluster.end_failing(number);
        Done::from(self.served.call_async(act).await)
    }

    /// Lets a group rebalance, where it is there and stable.
    pub(super) async fn rebalance(&self, group: &str) -> Done {
        let group = group.to_owned();
        let act = move |cluster: &mut ServedCluster, now| cluster.rebalance(now, &group);
        Done::from(self.served.call_async(act).await == Ok(true))
    }

    fn id(&self, broker: u32) -> Result<BrokerId, ChaosError> {
        let known = self.served.brokers().get(broker as usize);
        known.map(|(id, _)| *id).ok_or_else(|| unknown("broker"))
    }
}

fn unknown(what: &str) -> ChaosError {
    ChaosError::Internal(format!("the embedded cluster has no such {what}"))
}

#[cfg(test)]
mod tests {
    use crate::admin::{Connection, topic_name};
    use crate::cluster::Cluster;
    use crate::faults::Errors;
    use kafka_protocol::messages::ListOffsetsRequest;
    use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
    use plimsoll_access::Access;
    use plimsoll_core::TopicPartition;
    use plimsoll_oracle::{ErrorName, RequestKind};
    use plimsoll_scenarios::scenario;
    use plimsoll_scenarios::schedule::Done;

    /// Asks for the ends of both partitions, as a member does; returns the errors.
    async fn asked_by_a_member(cluster: &Cluster) -> Vec<i16> {
        let address = &cluster.brokers()[0].address;
        let member = Connection::open(&Access::default(), address, "member").await;
        let partition = |index| ListOffsetsPartition::default().with_partition_index(index);
        let topic = ListOffsetsTopic::default()
            .with_name(topic_name("orders"))
            .with_partitions(vec![partition(0), partition(1)]);
        let request = ListOffsetsRequest::default()
            .with_replica_id((-1).into())
            .with_topics(vec![topic]);
        let answer = member.expect("it listens").call(&request, 5).await;
        let topics = answer.expect("an answer").topics.into_iter();
        let partitions = topics.flat_map(|topic| topic.partitions);
        partitions.map(|partition| partition.error_code).collect()
    }

    #[tokio::test]
    async fn errors_are_for_the_partition_that_is_named_and_spare_the_harness() {
        let wanted = scenario::Cluster {
            brokers: 1,
            replication: 1,
            min_insync: 1,
            ..scenario::Cluster::default()
        };
        let cluster = Cluster::embedded(&wanted, 0).await.expect("it is served");
        let created = cluster.admin().create_topic("orders", 2, 1, 1);
        created.await.expect("it is created");
        let errors = Errors {
            number: 3,
            broker: None,
            request: RequestKind::ListOffsets,
            partition: Some(TopicPartition::new(0, 1)),
            error: ErrorName::NotLeaderOrFollower,
            share: 1.0,
        };
        for (partition, refused) in [
            (
                Some(("orders", 1)),
                [0, ErrorName::NotLeaderOrFollower.code()],
            ),
            (None, [ErrorName::NotLeaderOrFollower.code(); 2]),
        ] {
            let begun = cluster.begin_errors(errors, partition).await;
            assert_eq!(begun.expect("they begin"), Done::Changed);
            let ends = cluster.admin().log_ends("orders").await;
            assert_eq!(ends.expect("no error"), [(0, 0), (0, 0)]);
            assert_eq!(asked_by_a_member(&cluster).await, refused);
            let ended = cluster.end_errors(errors.number).await;
            assert_eq!(ended.expect("they end"), Done::Changed);
            assert_eq!(asked_by_a_member(&cluster).await, [0, 0]);
        }
        let unknown = cluster.begin_errors(errors, Some(("orders", 2))).await;
        assert_eq!(unknown.expect("it is asked"), Done::Vain);
    }
}
