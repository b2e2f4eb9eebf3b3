//! Whether a fault can happen at all: what a scenario makes impossible is a mistake in it.
//!
//! Refused is only what no run of any consumer could show. What merely seldom happens is told by
//! the runs themselves.

use super::{Condition, Fault, FaultName, FaultSpec, RandomFaults, Trigger};
use crate::scenario::errors::{Place, Problem};
use crate::scenario::units::duration;
use crate::scenario::{Fate, Scenario, Workload};
use std::time::Duration;

/// Notes why a fault can never happen, if it cannot.
pub(super) fn explicit(
    fault: &Fault,
    scenario: &Scenario,
    at: &Place,
    problems: &mut Vec<Problem>,
) {
    match fault.trigger {
        Trigger::At(time) => problems.extend(behind(
            time.since_start(),
            scenario.settings.safety,
            key(at, "at"),
        )),
        // A delay is no reason: how long a scenario without a `duration` lasts depends on the seed.
        Trigger::When {
            condition, count, ..
        } => {
            if let Some((why, expected)) = impossible(condition, count, scenario) {
                let message = format!("`{condition}` cannot come true: {why}");
                problems.push(Problem::new(key(at, "when"), message).expected(expected));
            }
        }
    }
}

/// Notes that some random faults of a description would never happen, if that is so.
pub(super) fn random(
    random: &RandomFaults,
    scenario: &Scenario,
    at: &Place,
    problems: &mut Vec<Problem>,
) {
    let (_, latest) = random.between;
    problems.extend(behind(latest, scenario.settings.safety, key(at, "between")));
}

/// Returns the problem of a time that lies behind the end.
fn behind(time: Duration, end: Option<Duration>, place: Place) -> Option<Problem> {
    let end = end.filter(|end| time >= *end && !time.is_zero())?;
    let message = format!(
        "{} is not before the end: no fault begins any more",
        duration(time)
    );
    let expected = format!("expected less than `duration`, which is {}", duration(end));
    Some(Problem::new(place, message).expected(expected))
}

/// Returns why a condition cannot come true that number of times, and what was expected.
fn impossible(
    condition: Condition,
    count: u32,
    scenario: &Scenario,
) -> Option<(&'static str, String)> {
    use Condition as C;
    let messages = match &scenario.workload {
        Workload::Drawn(traffic) => traffic.messages,
        Workload::Explicit(messages) => messages.len() as u32,
    };
    match condition {
        C::HandlerStarted | C::Effect | C::HandlerFailed | C::Acknowledged | C::DeadLettered
            if messages == 0 =>
        {
            Some(("no message is produced", "expected messages".into()))
        }
        C::Acknowledged if count > messages => Some((
            "each message is acknowledged once",
            format!("expected at most {messages} times"),
        )),
        C::DeadLettered if !scenario.settings.consumers.config.dead_letters => {
            let expected = "expected `dead_letters = true` in `[consumers]`";
            Some(("there are no dead letters", expected.into()))
        }
        C::HandlerFailed if !can_fail(scenario) => {
            let expected = "expected failures in `[handler]`, or an outage among the faults";
            Some(("no handler fails", expected.into()))
        }
        C::CommitInFlight
        | C::CommitAccepted
        | C::HandlerStarted
        | C::Effect
        | C::HandlerFailed
        | C::Assigned
        | C::Revoked
        | C::RevokedInFlight
        | C::PartitionsLost
        | C::RevokedBuffered
        | C::JoinInFlight
        | C::SyncInFlight
        | C::OffsetFetchInFlight
        | C::LookupInFlight
        | C::FetchInFlight
        | C::HeartbeatInFlight
        | C::Acknowledged
        | C::DeadLettered => None,
    }
}

/// Returns whether the sink may answer an attempt with a failure. A handler that hangs has no
/// answer, but one that a fault lets hang comes back with an error.
fn can_fail(scenario: &Scenario) -> bool {
    let handler = &scenario.settings.handler;
    let fails = |fate: Fate| match fate {
        Fate::Retryable(times) | Fate::Panic(times) => times > 0,
        Fate::Permanent | Fate::Undecodable => true,
        Fate::Ok | Fate::Hang(_) => false,
    };
    let shares = [handler.retryable, handler.permanent, handler.panic];
    let by_share = shares.iter().any(|share| *share > 0.0);
    let by_fate = handler.messages.iter().any(|(_, fate)| fails(*fate));
    let by_message = match &scenario.workload {
        Workload::Drawn(_) => false,
        Workload::Explicit(messages) => messages.iter().any(|message| fails(message.fate)),
    };
    let by_fault = scenario.faults.iter().any(|spec| match spec {
        FaultSpec::Explicit(fault) => lets_fail(fault.kind.name()),
        FaultSpec::Random(random) => {
            let mut weights = random.weights.iter();
            weights.any(|(name, weight)| *weight > 0.0 && lets_fail(*name))
        }
    });
    by_share || by_fate || by_message || by_fault
}

const fn lets_fail(fault: FaultName) -> bool {
    matches!(
        fault,
        FaultName::HandlerOutage | FaultName::HandlerHang | FaultName::Undecodable
    )
}

fn key(at: &Place, key: &str) -> Place {
    at.iter().cloned().chain([key.to_string()]).collect()
}
