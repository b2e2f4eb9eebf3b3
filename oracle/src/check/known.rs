//! What was committed when an assignment began, as far as its owner must have known it.

use super::findings::Case;
use super::history::Assignment;
use super::ids::EntryIndex;
use super::obstacles::Obstacles;
use plimsoll_core::NextOffset;

/// The lowest committed offset that the owner of an assignment may have been told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) next: NextOffset,
    /// The entry since which no lower one was committed.
    pub(super) since: EntryIndex,
}

/// Returns what the owner of an assignment knew at least of the committed offset; `None` where the
/// partition had no owner before.
///
/// A member asks for the committed offset after the owner before it has given the partition up, and
/// before it fetches. So it was told at least the lowest that stood there from the one moment to
/// the other: what is committed meanwhile may have come too late. Where the owner before was not
/// seen to give the partition up (it stood still, or was cut off), it is the lowest of the settling
/// time before the first fetch, time in which the new owner was hindered not counted.
pub(super) fn known(case: &Case<'_>, obstacles: &Obstacles, own: &Assignment) -> Option<Known> {
    let history = case.history;
    let before = history.assignment(own.previous)?;
    let since = if before.released < own.entry {
        before.released
    } else if before.ended < own.entry {
        before.ended
    } else {
        let settling = case.terms.settling;
        let asked = obstacles.settled_before(own.member, case.at(own.entry), settling);
        case.first_entry_from(asked)
    };
    let earlier = history.commits.partition_point(|c| c.entry < own.entry);
    let meanwhile = history.commits[..earlier].iter().rev();
    let meanwhile = meanwhile.take_while(|commit| commit.entry >= since);
    let of_partition = meanwhile.filter(|commit| commit.slot == own.slot);
    let next = of_partition.fold(own.committed, |lowest, commit| {
        lowest.min(commit.previous).min(commit.next)
    });
    Some(Known { next, since })
}
