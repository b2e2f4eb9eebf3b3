//! Fewer faults.

use super::{Search, subset};
use crate::scenario::{FaultKind, Trigger};

/// Leaves faults out, and turns members that join by a fault into members that start by
/// themselves.
pub(super) fn pass(search: &mut Search<'_>) {
    let all = search.best.faults.clone();
    subset::minimise(all.len(), |kept| {
        search.attempt_with(|plan| {
            plan.faults = kept.iter().map(|&index| all[index].clone()).collect();
        })
    });
    for fault in search.best.faults.clone() {
        let (FaultKind::Join { member }, Trigger::At(at)) = (&fault.kind, fault.trigger) else {
            continue;
        };
        search.attempt_with(|plan| {
            plan.starts[member.0 as usize] = Some(at);
            plan.faults.retain(|other| other.id != fault.id);
        });
    }
}
