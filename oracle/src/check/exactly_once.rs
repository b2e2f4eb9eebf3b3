//! `exactly-once`: where the scenario uses transactions, each input has one visible output.

use crate::Judgement;

/// Returns that it was not observed: the scenario language has no transactions yet.
pub(super) fn judge() -> Judgement {
    Judgement::NotObserved("the scenario uses no transactions")
}
