//! What faults do, and how it is undone; which are not played, and why.

use crate::inside::{self, TOOL};
use crate::network::{Clients, Effect};
use crate::world::World;
use plimsoll_core::Instant;
use plimsoll_scenarios::scenario::{Condition, Fault, FaultKind, Trigger};
use plimsoll_scenarios::schedule::{Act, Done, FaultIndex, Target};
use plimsoll_sim::served::{Faulty, kafka_id};

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
    /// Does a fault, or undoes it; `None`: it takes its time, and is told when it is done.
    pub(super) fn act(
        &mut self,
        now: Instant,
        index: FaultIndex,
        act: Act,
        target: Target,
    ) -> Option<Done> {
        let Some(play) = &mut self.play else {
            return Some(Done::Vain);
        };
        let (plan, host) = (play.plan.clone(), play.host.clone());
        let fault = index.of(&plan);
        Some(match fault.kind {
            FaultKind::AddPartitions { .. }
            | FaultKind::Retention { .. }
            | FaultKind::OffsetsReset { .. } => {
                tokio::spawn(inside::carry_out(host, plan, index));
                return None;
            }
            FaultKind::LoseResponse { request, .. } => {
                play.losses
                    .extend(target.member.map(|member| (member, request)));
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
            FaultKind::Isolate { .. } if act == Act::Do => {
                let broker = target.broker.map(kafka_id);
                let cut_off = broker.map(|broker| self.cluster.cut_off(now, broker));
                Done::from(cut_off == Some(Ok(())))
            }
            // The schedule asks for each step of a rolling restart by itself.
            _ => {
                let acted = self
                    .cluster
                    .act(now, (&plan, fault), act, target.broker, TOOL);
                acted.unwrap_or(Done::Changed)
            }
        })
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
            broker: target.broker.map(kafka_id),
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
}
