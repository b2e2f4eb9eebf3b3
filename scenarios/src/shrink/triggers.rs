//! Conditions, replaced by the times at which they came true.

use super::Search;
use crate::Plan;
use crate::scenario::{MemberTarget, Trigger};
use plimsoll_core::Instant;

/// Lets each fault that waits for a condition begin at the time at which it began: at that very
/// moment, or at the next whole microsecond or millisecond. What it hit, it is aimed at, if the
/// busiest member is another one then.
pub(super) fn pass(search: &mut Search<'_>) {
    for index in 0..search.best.faults.len() {
        let fault = &search.best.faults[index];
        let Some(beginning) = search.observed.beginning(fault.id) else {
            continue;
        };
        if matches!(fault.trigger, Trigger::At(_)) {
            continue;
        }
        let replaced = |plan: &mut Plan, unit: u64| {
            let nanos = beginning.at.as_nanos().div_ceil(unit) * unit;
            plan.faults[index].trigger = Trigger::At(Instant::from_nanos(nanos));
        };
        let _ = UNITS.into_iter().any(|unit| {
            search.attempt_with(|plan| replaced(plan, unit))
                || search.attempt_with(|plan| {
                    replaced(plan, unit);
                    for argument in plan.faults[index].kind.arguments_mut() {
                        if let (Some(target), Some(member)) =
                            (argument.member_mut(), beginning.member)
                        {
                            *target = MemberTarget::Member(member);
                        }
                    }
                })
        });
    }
}

/// Counts the faults that wait for a condition.
pub(super) fn conditions(plan: &Plan) -> usize {
    let triggers = plan.faults.iter().map(|fault| fault.trigger);
    triggers
        .filter(|trigger| matches!(trigger, Trigger::When { .. }))
        .count()
}

/// The whole multiples at which a fault may begin, in nanoseconds.
const UNITS: [u64; 3] = [1_000_000, 1_000, 1];
