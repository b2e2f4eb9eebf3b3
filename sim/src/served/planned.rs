//! The faults of a plan that hit brokers, leaders, groups or requests, done to a cluster.
//!
//! A plan counts brokers from 0, and Kafka's ids begin at 1.

use super::cluster::ServedCluster;
use super::faults::{Failing, Unknown};
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::scenario::{Fault, FaultKind};
use plimsoll_scenarios::schedule::{Act, Done};
use plimsoll_scenarios::{Plan, Rng};
use std::time::Duration;

/// Returns the Kafka id of a broker of a plan.
pub fn kafka_id(broker: BrokerId) -> BrokerId {
    BrokerId(broker.0 + 1)
}

/// Returns the number that a plan has for the broker with a Kafka id.
pub fn in_plan(id: BrokerId) -> BrokerId {
    BrokerId(id.0.wrapping_sub(1))
}

impl ServedCluster {
    /// Does a fault of a plan, or undoes it. What it does to the group, it does to all groups; what
    /// it does to requests spares the clients that call themselves `spared`. `None`: a fault that
    /// hits none of what the cluster has.
    pub fn act(
        &mut self,
        now: Instant,
        (plan, fault): (&Plan, &Fault),
        act: Act,
        broker: Option<BrokerId>,
        spared: &'static str,
    ) -> Option<Done> {
        match fault.kind {
            FaultKind::LeaderMove { partition } => {
                let (topic, number) = named(plan, partition);
                let moved = self.move_leader(now, &topic, number);
                Some(Done::from(moved == Ok(true)))
            }
            FaultKind::CoordinatorMove => Some(self.of_all_groups(now, Self::move_coordinator)),
            FaultKind::Rebalance => Some(self.of_all_groups(now, Self::rebalance)),
            FaultKind::Error { .. } => self.act_on_requests(plan, fault, act, broker, spared),
            _ => {
                let done = self.act_on_broker(now, &fault.kind, act, kafka_id(broker?))?;
                Some(Done::from(done.is_ok()))
            }
        }
    }

    /// Stops a broker of a plan, which starts again when it has stopped.
    ///
    /// # Errors
    /// Where there is no such broker.
    pub fn restart(&mut self, now: Instant, broker: BrokerId) -> Result<(), Unknown> {
        self.stop(now, kafka_id(broker))?;
        self.start(now, kafka_id(broker))
    }

    /// Does something to every group. It changed something where it did for one of them.
    fn of_all_groups(
        &mut self,
        now: Instant,
        act: impl Fn(&mut Self, Instant, &str) -> Result<bool, Unknown>,
    ) -> Done {
        let groups = self.report().groups.into_iter();
        let done = groups.map(|group| act(self, now, &group.name) == Ok(true));
        Done::from(done.fold(false, |any, did| any | did))
    }

    fn act_on_requests(
        &mut self,
        plan: &Plan,
        fault: &Fault,
        act: Act,
        broker: Option<BrokerId>,
        spared: &'static str,
    ) -> Option<Done> {
        let FaultKind::Error {
            request,
            partition,
            error,
            share,
            ..
        } = fault.kind
        else {
            return None;
        };
        let number = fault.id.0;
        if act == Act::Undo {
            return Some(Done::from(self.end_failing(number)));
        }
        let begun = self.begin_failing(Failing {
            number,
            request,
            broker: broker.map(kafka_id),
            partition: partition.map(|partition| named(plan, partition)),
            spared: Some(spared),
            error,
            share: share.0,
            rng: Rng::of_requests(plan.seed, fault.id),
        });
        Some(Done::from(begun.is_ok()))
    }

    fn act_on_broker(
        &mut self,
        now: Instant,
        kind: &FaultKind,
        act: Act,
        broker: BrokerId,
    ) -> Option<Result<(), Unknown>> {
        use Act::{Do, Undo};
        use FaultKind as K;
        Some(match (kind, act) {
            (K::BrokerCrash { .. }, Do) => self.crash(now, broker),
            (K::BrokerStop { .. }, Do) => self.stop(now, broker),
            (K::BrokerCrash { .. } | K::BrokerStop { .. }, Undo) => self.start(now, broker),
            (K::BrokerPause { .. }, Do) => self.pause(now, broker),
            (K::BrokerPause { .. }, Undo) => self.resume(now, broker),
            (K::Isolate { .. }, Do) => self.isolate(now, broker),
            (K::Isolate { .. }, Undo) => self.reunite(now, broker),
            (K::Throttle { by, .. }, Do) => self.throttle(now, broker, *by),
            (K::Throttle { .. }, Undo) => self.throttle(now, broker, Duration::ZERO),
            _ => return None,
        })
    }
}

/// Returns the name of a partition's topic, and its number there.
fn named(plan: &Plan, partition: TopicPartition) -> (String, i32) {
    let TopicPartition { topic, partition } = partition;
    let topic = plan.settings.topic_name(topic).to_owned();
    (topic, partition.cast_signed())
}
