//! What faults do, and how it is undone.
//!
//! What hits a process, the sink or the proxy is done before the observer that triggered it goes
//! on. What hits brokers or topics takes its time, beside the run.

use crate::error::ChaosError;
use crate::world::World;
use plimsoll_scenarios::scenario::FaultKind;
use plimsoll_scenarios::schedule::{Act, FaultIndex, Target};
use std::sync::Arc;
use std::time::Duration;

/// The progress of a fault when [`World::act`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The fault is done.
    Done,
    /// A task does it beside the run, and tells the schedule when it is done.
    UnderWay,
}

/// Says why a kind of fault cannot be done on any cluster; `None` for those that
/// [`World::act`] does.
pub(crate) const fn impossible(kind: &FaultKind) -> Option<&'static str> {
    match kind {
        FaultKind::Error { .. } => {
            Some("real brokers cannot be made to answer with an error of choice")
        }
        FaultKind::Crash { .. }
        | FaultKind::Stop { .. }
        | FaultKind::Pause { .. }
        | FaultKind::Slow { .. }
        | FaultKind::Join { .. }
        | FaultKind::RollingRestart
        | FaultKind::CrashAfterEffect { .. }
        | FaultKind::HandlerOutage { .. }
        | FaultKind::HandlerHang { .. }
        | FaultKind::Undecodable { .. }
        | FaultKind::Partition { .. }
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
        | FaultKind::Throttle { .. }
        | FaultKind::AddPartitions { .. }
        | FaultKind::Retention { .. }
        | FaultKind::OffsetsReset { .. } => None,
    }
}

impl World {
    /// Does a fault, or undoes it. `None` where there is nothing that it could hit.
    pub(super) fn act(
        self: &Arc<Self>,
        index: FaultIndex,
        act: Act,
        target: Target,
    ) -> Option<Progress> {
        use Act::{Do, Undo};
        use FaultKind as K;
        let fault = index.of(&self.plan);
        let (member, broker) = (target.member, target.broker.map(|broker| broker.0));
        let (proxy, world) = (self.proxy.get(), self.clone());
        match (&fault.kind, act) {
            (K::Crash { .. } | K::CrashAfterEffect { .. }, Do) => self.crash_member(member?),
            (K::Stop { .. }, Do) => self.stop_member(member?),
            (K::Crash { .. } | K::CrashAfterEffect { .. } | K::Stop { .. }, Undo) => {
                self.restart_member(member?);
            }
            (K::Pause { .. }, Do) => self.pause_member(member?),
            (K::Pause { .. }, Undo) => self.resume_member(member?),
            (K::Join { member }, _) => self.try_start_member(*member),
            // The schedule asks for each restart by itself.
            (K::RollingRestart | K::RollingBrokerRestart, _) => {}
            (K::Slow { by, .. }, Do) => self.sink.slow(member?, by.0),
            (K::Slow { .. }, Undo) => self.sink.slow(member?, 1),
            (K::HandlerHang { .. }, Do) => self.sink.hang(member?),
            (K::HandlerHang { .. }, Undo) => self.sink.unhang(member?),
            (K::HandlerOutage { outcome, share }, Do) => {
                self.sink.begin_outage(fault.id, (*outcome).into(), share.0);
            }
            (K::HandlerOutage { .. }, Undo) => self.sink.end_outage(fault.id),
            // Its message carries it since the plan was drawn.
            (K::Undecodable { .. }, _) => {}
            (K::Partition { direction, .. }, Do) => proxy?.block(member?, broker, *direction),
            (K::Partition { direction, .. }, Undo) => proxy?.unblock(member?, broker, *direction),
            (K::Delay { by, .. }, Do) => proxy?.delay(member?, broker, *by),
            (K::Delay { .. }, Undo) => proxy?.delay(member?, broker, Duration::ZERO),
            (K::Cut { .. }, _) => proxy?.cut(member?, broker),
            (K::LoseResponse { request, .. }, _) => proxy?.lose_response(member?, *request),
            (K::Throttle { by, .. }, Do) => proxy?.throttle(broker?, *by),
            (K::Throttle { .. }, Undo) => proxy?.throttle(broker?, Duration::ZERO),
            // Impossible: plans with it are refused.
            (K::Error { .. }, _) => {}
            (K::BrokerCrash { .. }, Do) => {
                return self.beside(index, world.kill_broker(broker?));
            }
            (K::BrokerStop { .. }, Do) => return self.beside(index, world.stop_broker(broker?)),
            (K::BrokerCrash { .. } | K::BrokerStop { .. }, Undo) => {
                return self.beside(index, world.start_broker(broker?));
            }
            (K::BrokerPause { .. }, Do) => {
                return self.beside(index, world.pause_broker(broker?));
            }
            (K::BrokerPause { .. }, Undo) => {
                return self.beside(index, world.resume_broker(broker?));
            }
            (K::Isolate { .. }, Do) => return self.beside(index, world.isolate_broker(broker?)),
            (K::Isolate { .. }, Undo) => return self.beside(index, world.rejoin_broker(broker?)),
            (K::LeaderMove { partition }, _) => {
                return self.beside(index, world.move_leader(*partition));
            }
            (K::CoordinatorMove, _) => return self.beside(index, world.move_coordinator()),
            (K::AddPartitions { topic, count }, _) => {
                return self.beside(index, world.add_partitions(topic.0, count.0));
            }
            (K::Retention { partition, share }, _) => {
                return self.beside(index, world.remove_records(*partition, share.0));
            }
            (K::OffsetsReset { partition, to }, _) => {
                return self.beside(index, world.reset_offset(*partition, *to));
            }
        }
        Some(Progress::Done)
    }

    /// Does something for a fault beside the run, and tells the schedule when it is done.
    pub(super) fn beside(
        self: &Arc<Self>,
        fault: FaultIndex,
        work: impl Future<Output = Result<(), ChaosError>> + Send + 'static,
    ) -> Option<Progress> {
        let world = self.clone();
        self.spawn(async move {
            if let Err(error) = work.await {
                // What the environment refused to do was not tried: the run means nothing.
                world.fail(error);
            }
            world.faults.with(|schedule| schedule.handle_done(fault));
            world.drive_fault(fault);
        });
        Some(Progress::UnderWay)
    }
}
