//! Fewer messages.

use super::{Search, subset};
use crate::Plan;
use crate::scenario::Distribution;
use std::sync::Arc;
use std::time::Duration;

/// Thins many messages out: every tenth, third or second one stays, with handlers that take as much
/// longer, or more. So a load stays a load, which no gap between messages is.
pub(super) fn thin(search: &mut Search<'_>) {
    if search.best.messages.len() < MANY {
        return;
    }
    for step in [10, 3, 2] {
        while search.best.messages.len() >= FEW
            && [1, step, 2 * step, 4 * step].into_iter().any(|factor| {
                search.attempt_with(|plan| {
                    keep_every(plan, step);
                    slow_down(plan, factor);
                })
            })
        {}
    }
}

/// Leaves messages out, whatever their handlers take.
pub(super) fn fewer(search: &mut Search<'_>) {
    leave_out(search, None);
}

/// Leaves messages out; where some are left, also with handlers that take longer, as one slow
/// handler may do what many messages did.
pub(super) fn pass(search: &mut Search<'_>) {
    leave_out(search, None);
    for time in SLOW {
        let handlers = search.best.settings.handler.time;
        if search.best.messages.len() > 1 && handlers.max < time {
            leave_out(search, Some(Distribution::even(time, time)));
        }
    }
    keep_first_or_last(search);
}

/// Keeps the first or the last few of several messages: where two of them fail and three do not,
/// leaving them out one by one stops at four.
fn keep_first_or_last(search: &mut Search<'_>) {
    for count in 1..search.best.messages.len().min(SEVERAL) {
        if search.attempt_with(|plan| plan.messages.truncate(count))
            || search.attempt_with(|plan| {
                let dropped = plan.messages.len() - count;
                plan.messages.drain(..dropped);
            })
        {
            return;
        }
    }
}

/// Leaves messages out, with another time of handlers if one is given. One stays: a scenario
/// without any is not a scenario.
fn leave_out(search: &mut Search<'_>, time: Option<Distribution>) {
    let all = search.best.messages.clone();
    subset::minimise(all.len(), |kept| {
        !kept.is_empty()
            && search.attempt_with(|plan| {
                plan.messages = kept.iter().map(|&index| all[index]).collect();
                if let Some(time) = time {
                    Arc::make_mut(&mut plan.settings).handler.time = time;
                }
            })
    });
}

fn keep_every(plan: &mut Plan, step: u32) {
    let mut place = 0..;
    plan.messages.retain(|_| {
        place
            .next()
            .is_some_and(|place: u32| place.is_multiple_of(step))
    });
}

fn slow_down(plan: &mut Plan, factor: u32) {
    let time = &mut Arc::make_mut(&mut plan.settings).handler.time;
    for bound in [
        &mut time.min,
        &mut time.max,
        &mut time.slow_min,
        &mut time.slow_max,
    ] {
        *bound = bound.saturating_mul(factor);
    }
}

/// The number of messages that are thinned out before they are left out one by one.
const MANY: usize = 1_000;

/// The number of messages at which thinning out ends.
const FEW: usize = 50;

/// The highest number of messages that are kept by themselves.
const SEVERAL: usize = 8;

/// The times of handlers that may save messages.
const SLOW: [Duration; 3] = [
    Duration::from_millis(100),
    Duration::from_secs(1),
    Duration::from_secs(10),
];
