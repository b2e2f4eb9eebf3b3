//! What faults do, and how it is undone; which are not played, and why.

use super::{served, topics};
use crate::network::{Clients, Effect};
use crate::world::World;
use plimsoll_core::{Instant, TopicPartition};
use plimsoll_oracle::BrokerId;
use plimsoll_scenarios::scenario::{Condition, Fault, FaultKind, Trigger};
use plimsoll_scenarios::schedule::{Act, FaultIndex, Target};
use plimsoll_scenarios::{Plan, Purpose, Rng};
use plimsoll_sim::served::{Failing, Faulty, ServedCluster, Unknown};
use std::time::Duration;

/// The outcome of something that a fault did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// Something changed.
    Changed,
    /// There was nothing that could change.
    Vain,
    /// Something takes its time, and is told when it is done.
    Later,
}

impl From<bool> for Done {
    fn from(changed: bool) -> Self {
        match changed {
            true => Self::Changed,
            false => Self::Vain,
        }
    }
}

/// Says why a fault is not played; `None` for those that are.
pub(super) fn impossible(fault: &Fault) -> Option<&'static str> {
    let kind = match &fault.kind {
        FaultKind::Crash { .. }
        | FaultKind::Stop { .. }
        | FaultKind::Pause { .. }
        | FaultKind::Join { .. }
        | FaultKind::RollingRestart => {
            Some("the cluster has no members of its own: do it to your consumer")
        }
        FaultKind::Slow { .. }
        | FaultKind::CrashAfterEffect { .. }
        | FaultKind::HandlerOutage { .. }
        | FaultKind::HandlerHang { .. } => Some("handlers are your consumer's"),
        FaultKind::Undecodable { .. } => Some("what can be decoded is up to your consumer"),
        FaultKind::Partition { .. }
        | FaultKind::Isolate { .. }
        | FaultKind::Delay { .. }
        | FaultKind::Cut { .. }
        | FaultKind::LoseResponse { .. }
        | FaultKind::BrokerCrash { .. }
        | FaultKind::BrokerStop { .. }
        | FaultKind::BrokerPause { .. }
        | FaultKind::RollingBrokerRestart
        | FaultKind::LeaderMove { .. }
        | FaultKind::CoordinatorMove
        | FaultKind::Rebalance
        | FaultKind::Error { .. }
        | FaultKind::Throttle { .. }
        | FaultKind::AddPartitions { .. }
        | FaultKind::Retention { .. }
        | FaultKind::OffsetsReset { .. } => None,
    };
    let unseen = match fault.trigger {
        Trigger::When { condition, .. } if !is_seen(condition) => {
            Some("its condition is met inside of a consumer, where the cluster does not see it")
        }
        _ => None,
    };
    kind.or(unseen)
}

/// Returns whether the cluster sees that a condition comes true.
const fn is_seen(condition: Condition) -> bool {
    match condition {
        Condition::CommitInFlight
        | Condition::CommitAccepted
        | Condition::Acknowledged
        | Condition::JoinInFlight
        | Condition::SyncInFlight
        | Condition::OffsetFetchInFlight
        | Condition::LookupInFlight
        | Condition::FetchInFlight
        | Condition::HeartbeatInFlight => true,
        Condition::HandlerStarted
        | Condition::Effect
        | Condition::HandlerFailed
        | Condition::Assigned
        | Condition::Revoked
        | Condition::RevokedInFlight
        | Condition::RevokedBuffered
        | Condition::PartitionsLost
        | Condition::DeadLettered => false,
    }
}

impl World {
    /// Does a fault, or undoes it.
    pub(super) fn act(
        &mut self,
        now: Instant,
        index: FaultIndex,
        act: Act,
        target: Target,
    ) -> Done {
        let Some(play) = &self.play else {
            return Done::Vain;
        };
        let (plan, control) = (play.plan.clone(), play.control.clone());
        let fault = index.of(&plan);
        let name = |topic: u32| plan.settings.topics[topic as usize].name.clone();
        match fault.kind {
            FaultKind::AddPartitions { topic, count } => {
                let added = topics::add_partitions(control.clone(), name(topic.0), count.0);
                topics::begin(control, index, added);
                Done::Later
            }
            FaultKind::Retention { partition, share } => {
                let place = (name(partition.topic), partition.partition);
                let removed = topics::remove_records(control.clone(), place, share.0);
                topics::begin(control, index, removed);
                Done::Later
            }
            FaultKind::OffsetsReset { partition, to } => {
                let place = (name(partition.topic), partition.partition);
                let reset = topics::reset_offsets(control.clone(), place, to);
                topics::begin(control, index, reset);
                Done::Later
            }
            FaultKind::LeaderMove { partition } => {
                let TopicPartition { topic, partition } = partition;
                let moved = self
                    .cluster
                    .move_leader(now, &name(topic), partition.cast_signed());
                Done::from(moved == Ok(true))
            }
            FaultKind::CoordinatorMove => self.of_all_groups(now, ServedCluster::move_coordinator),
            FaultKind::Rebalance => self.of_all_groups(now, ServedCluster::rebalance),
            FaultKind::Error { .. } => self.act_on_requests(&plan, fault, act, target),
            FaultKind::LoseResponse { request, .. } => {
                if let (Some(play), Some(member)) = (&mut self.play, target.member) {
                    play.losses.push((member, request));
                }
                self.cluster.lose_response(Faulty {
                    request,
                    broker: None,
                    group: None,
                    client_id: None,
                    count: 1,
                });
                Done::Changed
            }
            FaultKind::Partition { .. } | FaultKind::Delay { .. } | FaultKind::Cut { .. } => {
                self.act_on_network(now, index, fault, act, target)
            }
            _ => target.broker.map_or(Done::Changed, |broker| {
                let done = self.act_on_broker(now, fault, act, served(broker));
                Done::from(done.is_ok())
            }),
        }
    }

    /// Does something to every group. It changed something where it did for one of them.
    fn of_all_groups(
        &mut self,
        now: Instant,
        act: impl Fn(&mut ServedCluster, Instant, &str) -> Result<bool, Unknown>,
    ) -> Done {
        let groups = self.cluster.report().groups.into_iter();
        let done = groups.map(|group| act(&mut self.cluster, now, &group.name) == Ok(true));
        Done::from(done.fold(false, |any, did| any | did))
    }

    fn act_on_requests(&mut self, plan: &Plan, fault: &Fault, act: Act, target: Target) -> Done {
        let FaultKind::Error {
            request,
            partition,
            error,
            share,
            ..
        } = fault.kind
        else {
            return Done::Vain;
        };
        let number = fault.id.0;
        if act == Act::Undo {
            return Done::from(self.cluster.end_failing(number));
        }
        let partition = partition.map(|TopicPartition { topic, partition }| {
            let topic = plan.settings.topics[topic as usize].name.clone();
            (topic, partition.cast_signed())
        });
        let begun = self.cluster.begin_failing(Failing {
            number,
            request,
            broker: target.broker.map(served),
            partition,
            spared: None,
            error,
            share: share.0,
            rng: Rng::substream(plan.seed, Purpose::Faults, 1 << 32 | u64::from(number)),
        });
        Done::from(begun.is_ok())
    }

    fn act_on_network(
        &mut self,
        now: Instant,
        index: FaultIndex,
        fault: &Fault,
        act: Act,
        target: Target,
    ) -> Done {
        let clients = Clients {
            client_id: None,
            broker: target.broker.map(served),
        };
        let effect = match fault.kind {
            FaultKind::Partition { direction, .. } => Effect::Hold(direction),
            FaultKind::Delay { by, .. } => Effect::Delay(by),
            _ => return Done::from(self.cut(now, &clients) > 0),
        };
        let Some(play) = &mut self.play else {
            return Done::Vain;
        };
        match act {
            Act::Do => {
                let number = self.network.begin(clients, effect);
                play.network.insert(index, number);
            }
            Act::Undo => {
                if let Some(number) = play.network.remove(&index) {
                    self.network.end(now, number);
                }
            }
        }
        Done::Changed
    }

    fn act_on_broker(
        &mut self,
        now: Instant,
        fault: &Fault,
        act: Act,
        broker: BrokerId,
    ) -> Result<(), Unknown> {
        use Act::{Do, Undo};
        let cluster = &mut self.cluster;
        match (&fault.kind, act) {
            (FaultKind::BrokerCrash { .. }, Do) => cluster.crash(now, broker),
            (FaultKind::BrokerStop { .. }, Do) => cluster.stop(now, broker),
            (FaultKind::BrokerCrash { .. } | FaultKind::BrokerStop { .. }, Undo) => {
                cluster.start(now, broker)
            }
            (FaultKind::BrokerPause { .. }, Do) => cluster.pause(now, broker),
            (FaultKind::BrokerPause { .. }, Undo) => cluster.resume(now, broker),
            (FaultKind::Isolate { .. }, Do) => cluster.cut_off(now, broker),
            (FaultKind::Isolate { .. }, Undo) => cluster.reunite(now, broker),
            (FaultKind::Throttle { by, .. }, Do) => cluster.throttle(now, broker, *by),
            (FaultKind::Throttle { .. }, Undo) => cluster.throttle(now, broker, Duration::ZERO),
            // The schedule asks for each step of a rolling restart by itself.
            _ => Ok(()),
        }
    }
}
