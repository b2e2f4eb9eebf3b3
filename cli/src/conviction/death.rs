//! From a commit that was early, and lost nothing, to the crash that makes it a loss.
//!
//! A commit that covers a record which is still in its handler loses it only if the member dies
//! before the handler ends. The scenario may have no such crash, so one is put into its plan.

use super::Shrunk;
use super::shrinking::Shrinker;
use plimsoll_core::Instant;
use plimsoll_oracle::story::{Attempt, Cause, is_early};
use plimsoll_oracle::{FaultId, MemberId, Property, Trace, Violation};
use plimsoll_scenarios::Plan;
use plimsoll_scenarios::scenario::{Fault, FaultKind, MemberTarget, Trigger};
use std::sync::Arc;
use std::time::Duration;

/// The time for which the member is dead, so that another one may take its partitions.
const DEAD_FOR: Duration = Duration::from_secs(5);

/// The time after the commit at which the member dies, if the record takes that long.
const SOON: Duration = Duration::from_millis(1);

/// Searches for a crash that turns the early commits of a plan into a loss, and shrinks what it
/// finds; `None`: the commits are not early, or the crash loses nothing.
pub(super) fn search(shrinker: &mut Shrinker<'_>, plan: &Plan) -> Option<Shrunk> {
    let run = shrinker.worker.run(plan).ok()?;
    if run.verdict.violates(Property::NoLoss) {
        return None;
    }
    let mut violations = run.verdict.violations();
    let (_, violation) = violations.find(|(property, violation)| is_early(*property, violation))?;
    let (member, at) = moment(plan, shrinker.worker.trace(), violation)?;
    let plan = with_crash(plan, member, at);
    let run = shrinker.worker.run(&plan).ok()?;
    if !run.verdict.violates(Property::NoLoss) {
        return None;
    }
    shrinker.smallest(&plan, Property::NoLoss).ok()
}

/// Returns the member that commits early, and a moment after the commit at which the record is
/// still in its handler.
fn moment(plan: &Plan, trace: &Trace, violation: &Violation) -> Option<(MemberId, Instant)> {
    let cause = Cause::read(&plan.terms(), trace, violation);
    let committed = cause.committed?;
    cause
        .attempt
        .filter(|attempt| attempt.what == Attempt::Running)?;
    let finished = trace.entries().get(*violation.evidence.last()?)?.at;
    let left = finished.saturating_since(committed.at);
    let at = committed.at + SOON.min(left / 2);
    (at < finished && at < plan.heal_at).then_some((committed.member, at))
}

/// Returns the plan with one crash more, which its name tells.
fn with_crash(plan: &Plan, member: MemberId, at: Instant) -> Plan {
    let mut plan = plan.clone();
    let ids = plan.faults.iter().map(|fault| fault.id.0);
    let id = FaultId(ids.max().map_or(1, |id| id + 1));
    plan.faults.push(Fault {
        id,
        trigger: Trigger::At(at),
        kind: FaultKind::Crash {
            member: MemberTarget::Member(member),
        },
        duration: Some(DEAD_FOR),
    });
    let settings = Arc::make_mut(&mut plan.settings);
    settings.name += " (with one crash more)";
    plan
}
