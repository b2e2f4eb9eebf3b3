//! What faults do, and how it is undone.
//!
//! What hits the sink or the proxy is done here, at once. What hits a process, or takes its time,
//! is for the world to do.

use super::brokers::{Errors, Work};
use crate::error::ChaosError;
use crate::proxy::Proxy;
use crate::sink::{Finished, Sink};
use plimsoll_oracle::{BrokerId, MemberId};
use plimsoll_scenarios::scenario::{Fault, FaultKind};
use plimsoll_scenarios::schedule::{Act, Done, Target};
use std::time::Duration;

/// What is left to do for a fault when [`act`] returns.
#[derive(Debug)]
pub(crate) enum Rest {
    /// Nothing.
    Nothing(Done),
    /// Something that is done to a member's process, at once.
    Process(MemberId, ProcessAct),
    /// The effects of handlers that hung and whose time is over.
    Finish(Done, Vec<Finished>),
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
    let member = || target.member.ok_or_else(|| lacks(fault, "member"));
    let links = target.broker.map(|broker| broker.0);
    let broker = || links.ok_or_else(|| lacks(fault, "broker"));
    let process = |act| Ok(Rest::Process(member()?, act));
    let nothing = |changed| Ok(Rest::Nothing(Done::from(changed)));
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
        (K::Slow { by, .. }, Do) => sink.attempts.slow(member()?, by.0),
        (K::Slow { .. }, Undo) => return nothing(sink.attempts.unslow(member()?)),
        (K::HandlerHang { .. }, Do) => sink.attempts.hang(member()?),
        (K::HandlerHang { .. }, Undo) => {
            let hung = Done::from(sink.attempts.has_hung(member()?));
            return Ok(Rest::Finish(hung, sink.unhang(member()?)));
        }
        (K::HandlerOutage { outcome, share }, Do) => {
            let attempts = &mut sink.attempts;
            attempts.begin_outage(fault.id, (*outcome).into(), share.0);
        }
        (K::HandlerOutage { .. }, Undo) => return nothing(sink.attempts.end_outage(fault.id)),
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
            K::Error { .. }
            | K::Rebalance
            | K::BrokerCrash { .. }
            | K::BrokerStop { .. }
            | K::BrokerPause { .. }
            | K::Isolate { .. }
            | K::LeaderMove { .. }
            | K::CoordinatorMove
            | K::AddPartitions { .. }
            | K::Retention { .. }
            | K::OffsetsReset { .. },
            act,
        ) => {
            let work = work(fault, act, target.broker)?;
            return work.map_or_else(|| nothing(true), |work| Ok(Rest::Beside(work)));
        }
    }
    nothing(true)
}

/// Returns the work by which a fault of the cluster is done, or undone.
fn work(fault: &Fault, act: Act, target: Option<BrokerId>) -> Result<Option<Work>, ChaosError> {
    use Act::{Do, Undo};
    use FaultKind as K;
    let broker = || {
        target
            .map(|broker| broker.0)
            .ok_or_else(|| lacks(fault, "broker"))
    };
    Ok(Some(match (&fault.kind, act) {
        (
            K::Error {
                request,
                error,
                share,
                partition,
                ..
            },
            Do,
        ) => Work::BeginErrors(Errors {
            number: fault.id.0,
            broker: target.map(|broker| broker.0),
            request: *request,
            partition: *partition,
            error: *error,
            share: share.0,
        }),
        (K::Error { .. }, Undo) => Work::EndErrors(fault.id.0),
        (K::Rebalance, _) => Work::Rebalance,
        (K::BrokerCrash { .. }, Do) => Work::Kill(broker()?),
        (K::BrokerStop { .. }, Do) => Work::Stop(broker()?),
        (K::BrokerCrash { .. } | K::BrokerStop { .. }, Undo) => Work::Start(broker()?),
        (K::BrokerPause { .. }, Do) => Work::Pause(broker()?),
        (K::BrokerPause { .. }, Undo) => Work::Resume(broker()?),
        (K::Isolate { .. }, Do) => Work::Isolate(broker()?),
        (K::Isolate { .. }, Undo) => Work::Rejoin(broker()?),
        (K::LeaderMove { partition }, _) => Work::MoveLeader(*partition),
        (K::CoordinatorMove, _) => Work::MoveCoordinator,
        (K::AddPartitions { topic, count }, _) => Work::AddPartitions {
            topic: topic.0,
            count: count.0,
        },
        (K::Retention { partition, share }, _) => Work::RemoveRecords(*partition, share.0),
        (K::OffsetsReset { partition, to }, _) => Work::ResetOffset(*partition, *to),
        _ => return Ok(None),
    }))
}

fn lacks(fault: &Fault, what: &str) -> ChaosError {
    let name = fault.kind.name();
    ChaosError::Internal(format!("the fault `{name}` lacked the {what} it hits"))
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
