//! What faults do, and how it is undone.
//!
//! What hits the sink or the proxy is done here, at once. What hits a process, or takes its time,
//! is for the world to do.

use super::brokers::{Errors, Work};
use crate::error::ChaosError;
use crate::proxy::Proxy;
use crate::sink::{Finished, Sink};
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::scenario::{Fault, FaultKind};
use plimsoll_scenarios::schedule::{Act, Target};
use std::time::Duration;

/// What is left to do for a fault when [`act`] returns.
#[derive(Debug)]
pub(crate) enum Rest {
    /// Nothing.
    Nothing,
    /// Something that is done to a member's process, at once.
    Process(MemberId, ProcessAct),
    /// The effects of handlers that hung.
    Finish(Vec<Finished>),
    /// Something that takes its time.
    Beside(Work),
}

/// What is done to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProcessAct {
    Crash,
    Stop,
    Pause,
    Resume,
    Start,
    Restart,
}

/// Does a fault, or undoes it, as far as it hits the sink or the proxy; returns what is left to do.
///
/// # Errors
/// Where there is nothing that it could hit: a fault that was not done must not count as done.
pub(crate) fn act(
    fault: &Fault,
    act: Act,
    target: Target,
    sink: &mut Sink,
    proxy: &Proxy,
) -> Result<Rest, ChaosError> {
    use Act::{Do, Undo};
    use FaultKind as K;
    let name = fault.kind.name();
    let lacks =
        |what| ChaosError::Internal(format!("the fault `{name}` lacked the {what} it hits"));
    let member = || target.member.ok_or_else(|| lacks("member"));
    let links = target.broker.map(|broker| broker.0);
    let broker = || links.ok_or_else(|| lacks("broker"));
    let process = |act| Ok(Rest::Process(member()?, act));
    match (&fault.kind, act) {
        (K::Crash { .. } | K::CrashAfterEffect { .. }, Do) => return process(ProcessAct::Crash),
        (K::Stop { .. }, Do) => return process(ProcessAct::Stop),
        (K::Crash { .. } | K::CrashAfterEffect { .. } | K::Stop { .. }, Undo) => {
            return process(ProcessAct::Restart);
        }
        (K::Pause { .. }, Do) => return process(ProcessAct::Pause),
        (K::Pause { .. }, Undo) => return process(ProcessAct::Resume),
        (K::Join { member }, _) => return Ok(Rest::Process(*member, ProcessAct::Start)),
        // The schedule asks for each restart by itself.
        (K::RollingRestart | K::RollingBrokerRestart, _) => {}
        (K::Slow { by, .. }, Do) => sink.slow(member()?, by.0),
        (K::Slow { .. }, Undo) => sink.slow(member()?, 1),
        (K::HandlerHang { .. }, Do) => sink.hang(member()?),
        (K::HandlerHang { .. }, Undo) => return Ok(Rest::Finish(sink.unhang(member()?))),
        (K::HandlerOutage { outcome, share }, Do) => {
            sink.begin_outage(fault.id, (*outcome).into(), share.0);
        }
        (K::HandlerOutage { .. }, Undo) => sink.end_outage(fault.id),
        // Its message carries it since the plan was drawn.
        (K::Undecodable { .. }, _) => {}
        (K::Partition { direction, .. }, Do) => proxy.block(member()?, links, *direction)?,
        (K::Partition { direction, .. }, Undo) => proxy.unblock(member()?, links, *direction)?,
        (K::Delay { by, .. }, Do) => proxy.delay(member()?, links, *by)?,
        (K::Delay { .. }, Undo) => proxy.delay(member()?, links, Duration::ZERO)?,
        (K::Cut { .. }, _) => proxy.cut(member()?, links)?,
        (K::LoseResponse { request, .. }, _) => proxy.lose_response(member()?, *request)?,
        (K::Throttle { by, .. }, Do) => proxy.throttle(broker()?, *by)?,
        (K::Throttle { .. }, Undo) => proxy.throttle(broker()?, Duration::ZERO)?,
        (
            K::Error {
                request,
                error,
                share,
                ..
            },
            Do,
        ) => {
            return Ok(Rest::Beside(Work::BeginErrors(Errors {
                number: fault.id.0,
                broker: links,
                request: *request,
                error: *error,
                share: share.0,
            })));
        }
        (K::Error { .. }, Undo) => return Ok(Rest::Beside(Work::EndErrors(fault.id.0))),
        (K::Rebalance, _) => return Ok(Rest::Beside(Work::Rebalance)),
        (K::BrokerCrash { .. }, Do) => return Ok(Rest::Beside(Work::Kill(broker()?))),
        (K::BrokerStop { .. }, Do) => return Ok(Rest::Beside(Work::Stop(broker()?))),
        (K::BrokerCrash { .. } | K::BrokerStop { .. }, Undo) => {
            return Ok(Rest::Beside(Work::Start(broker()?)));
        }
        (K::BrokerPause { .. }, Do) => return Ok(Rest::Beside(Work::Pause(broker()?))),
        (K::BrokerPause { .. }, Undo) => return Ok(Rest::Beside(Work::Resume(broker()?))),
        (K::Isolate { .. }, Do) => return Ok(Rest::Beside(Work::Isolate(broker()?))),
        (K::Isolate { .. }, Undo) => return Ok(Rest::Beside(Work::Rejoin(broker()?))),
        (K::LeaderMove { partition }, _) => return Ok(Rest::Beside(Work::MoveLeader(*partition))),
        (K::CoordinatorMove, _) => return Ok(Rest::Beside(Work::MoveCoordinator)),
        (K::AddPartitions { topic, count }, _) => {
            let (topic, count) = (topic.0, count.0);
            return Ok(Rest::Beside(Work::AddPartitions { topic, count }));
        }
        (K::Retention { partition, share }, _) => {
            return Ok(Rest::Beside(Work::RemoveRecords(*partition, share.0)));
        }
        (K::OffsetsReset { partition, to }, _) => {
            return Ok(Rest::Beside(Work::ResetOffset(*partition, *to)));
        }
    }
    Ok(Rest::Nothing)
}

/// Says why a kind of fault cannot be done on embedded brokers; `None` for those that [`act`] does
/// there.
pub(crate) const fn impossible_embedded(kind: &FaultKind) -> Option<&'static str> {
    match kind {
        FaultKind::Error {
            partition: Some(_), ..
        } => {
            Some("embedded brokers answer whole requests with an error, not one partition of them")
        }
        _ => None,
    }
}

/// Says why a kind of fault cannot be done on real brokers; `None` for those that [`act`] does
/// there.
pub(crate) const fn impossible(kind: &FaultKind) -> Option<&'static str> {
    match kind {
        FaultKind::Error { .. } => {
            Some("real brokers cannot be made to answer with an error of choice")
        }
        FaultKind::Rebalance => {
            Some("real groups rebalance only when a member comes, goes or asks for it")
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
