//! The end of the run moved to where it fails.

use super::{Search, violation};
use crate::Plan;
use crate::scenario::Trigger;
use plimsoll_core::Instant;
use std::time::Duration;

/// Leaves out what comes after the violation, and heals soon after it: with the faults that begin
/// later, or with the messages alone. What breaks only after the healing stays as it is.
pub(super) fn pass(search: &mut Search<'_>) {
    let Some(violation) = violation(&search.observed.verdict, search.property) else {
        return;
    };
    let broken = violation.at;
    if broken >= search.best.heal_at {
        return;
    }
    let _ = search.attempt_with(|plan| {
        cut_messages(plan, broken);
        plan.faults.retain(|fault| match fault.trigger {
            Trigger::At(at) => at <= broken,
            Trigger::When { .. } => true,
        });
        heal_after(plan, broken);
    }) || search.attempt_with(|plan| cut_messages(plan, broken));
}

/// Leaves out the messages after a moment. One stays: a scenario without any is not a scenario.
fn cut_messages(plan: &mut Plan, last: Instant) {
    let kept = plan.messages.partition_point(|message| message.at <= last);
    plan.messages.truncate(kept.max(1));
}

/// Heals at the second whole second after a moment, once everything has begun.
fn heal_after(plan: &mut Plan, moment: Instant) {
    let starts = plan.starts.iter().flatten().copied();
    let faults = plan.faults.iter().filter_map(|fault| match fault.trigger {
        Trigger::At(at) => Some(at),
        Trigger::When { .. } => None,
    });
    let last = starts.chain(faults).fold(moment, Instant::max);
    let healed = Duration::from_secs(last.since_start().as_secs() + 2);
    plan.heal_at = plan.heal_at.min(Instant::ZERO + healed);
}
