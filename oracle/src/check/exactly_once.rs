#![doc = include_str!("../promises/exactly-once.md")]

use crate::Judgement;

/// Returns that it was not observed: the scenario language has no transactions yet.
pub(super) fn judge() -> Judgement {
    Judgement::NotObserved("the scenario uses no transactions")
}
