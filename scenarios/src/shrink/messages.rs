//! Fewer messages.

use super::{Search, subset};

/// Leaves messages out. One stays: a scenario without any is not a scenario.
pub(super) fn pass(search: &mut Search<'_>) {
    let all = search.best.messages.clone();
    subset::minimise(all.len(), |kept| {
        !kept.is_empty()
            && search
                .attempt_with(|plan| plan.messages = kept.iter().map(|&index| all[index]).collect())
    });
}
