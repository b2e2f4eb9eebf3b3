//! Ids that a file need not say.

use super::Search;
use crate::Plan;
use crate::scenario::ids::needed;
use plimsoll_oracle::{FaultId, MessageId};

/// Numbers messages and faults from 1 on. What is still drawn for them (latencies, times of
/// handlers, which attempts an outage hits) is drawn by these ids, so it must fail under the new
/// ones too.
pub(super) fn pass(search: &mut Search<'_>) {
    let both = search.attempt_with(|plan| {
        number_messages(plan);
        number_faults(plan);
    });
    if !both {
        search.attempt_with(number_messages);
        search.attempt_with(number_faults);
    }
}

/// Counts the ids that a file must say.
pub(super) fn stated(plan: &Plan) -> usize {
    let messages: Vec<u32> = plan.messages.iter().map(|message| message.id.0).collect();
    let faults: Vec<u32> = plan.faults.iter().map(|fault| fault.id.0).collect();
    let stated = needed(&messages).into_iter().chain(needed(&faults));
    stated.filter(|&stated| stated).count()
}

fn number_messages(plan: &mut Plan) {
    for (message, id) in plan.messages.iter_mut().zip(1..) {
        message.id = MessageId(id);
    }
}

fn number_faults(plan: &mut Plan) {
    for (fault, id) in plan.faults.iter_mut().zip(1..) {
        fault.id = FaultId(id);
    }
}
