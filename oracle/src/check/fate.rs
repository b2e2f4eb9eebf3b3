//! What became of a record that was not finished when the run ended: lost, or merely late.
//!
//! It is lost where the group has passed it, so that nothing which is still going on will finish
//! it:
//! - the group's committed offset stands beyond it (committed by a member, or set by the scenario);
//! - or its newest owner reads from beyond it;
//! - or its newest owner, alive to the end, skipped it: later records of the partition were
//!   finished under that assignment, neither it nor a record before it is in its handler, and
//!   none of them was touched for longer than the longest pause between attempts;
//! - or the group is at rest: the cluster says that nothing is left to commit, by whatever commits
//!   the trace did not show (those of a transaction, for example).
//!
//! Otherwise it is late, and `liveness` judges that. A record that a correct consumer retries
//! without end, or holds behind such a record, is late.

use super::findings::Case;
use super::ids::{EntryIndex, NEVER, RecordId};
use std::time::Duration;

/// How the group passed an unfinished record, and the entry that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// By a commit, or a reset of the group's offset, beyond the record.
    Committed(EntryIndex),
    /// By an owner that reads from beyond the record.
    Position(EntryIndex),
    /// By an owner that finished a later record instead.
    Skipped(EntryIndex),
    /// By a group that has nothing left to do.
    AtRest(EntryIndex),
}

impl Passed {
    /// Returns a word for it.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Committed(_) => "committed-past",
            Self::Position(_) => "read-from-beyond",
            Self::Skipped(_) => "skipped",
            Self::AtRest(_) => "at-rest",
        }
    }

    /// Returns the entry that shows it.
    pub(super) fn entry(self) -> EntryIndex {
        match self {
            Self::Committed(entry)
            | Self::Position(entry)
            | Self::Skipped(entry)
            | Self::AtRest(entry) => entry,
        }
    }
}

/// Returns how the group passed an unfinished record; `None`: it is late.
pub(super) fn passed(case: &Case<'_>, id: RecordId) -> Option<Passed> {
    let partition = &case.history.partitions[id.slot];
    if partition.committed.covers(id.offset) {
        return Some(Passed::Committed(first_commit_beyond(case, id)));
    }
    if partition.position.covers(id.offset) {
        return Some(Passed::Position(partition.position_by));
    }
    let skipped = skipped(case, id).map(Passed::Skipped);
    skipped.or_else(|| at_rest(case).map(Passed::AtRest))
}

/// Returns the entry by which the group had committed everything that can be read.
fn at_rest(case: &Case<'_>) -> Option<EntryIndex> {
    let history = case.history;
    match (history.quiet, history.ended) {
        (NEVER, NEVER) => None,
        (NEVER, ended) => (history.lag == 0).then_some(ended),
        (quiet, _) => Some(quiet),
    }
}

/// Returns the commit after which the group's offset stayed beyond the record.
fn first_commit_beyond(case: &Case<'_>, id: RecordId) -> EntryIndex {
    let mut entry = case.history.partitions[id.slot].committed_by;
    let commits = case.history.commits.iter().rev();
    for commit in commits.filter(|commit| commit.slot == id.slot) {
        if commit.entry == entry && commit.previous.covers(id.offset) {
            entry = commit.previous_by;
        }
    }
    entry
}

/// Returns the effect with which a living owner left the record behind.
fn skipped(case: &Case<'_>, id: RecordId) -> Option<EntryIndex> {
    let history = case.history;
    let partition = &history.partitions[id.slot];
    let owner = history.assignment(partition.current)?;
    if history.ended == NEVER || owner.ended != NEVER {
        return None;
    }
    let later = history.attempts.iter().find(|attempt| {
        attempt.assignment == partition.current
            && attempt.record.offset > id.offset
            && history.record(attempt.record).finished == attempt.ended
            && attempt.ended != NEVER
    })?;
    // A handler that runs may stand where the record's would.
    let running = history.attempts.iter().filter(|a| a.ended == NEVER).count();
    let config = &case.terms.config;
    if running >= config.max_in_flight {
        return None;
    }
    let mut touched = owner.entry.max(later.ended);
    let next = id.offset.next();
    let records = partition.records.with_ids();
    for (_, record) in records.take_while(|&(offset, _)| next.covers(offset)) {
        for attempt in history.attempts_at(record) {
            if attempt.ended == NEVER {
                return None;
            }
            touched = touched.max(attempt.ended);
        }
    }
    let idle = case.at(history.ended) - case.at(touched);
    let patience = config.retry.max_backoff + Duration::from_secs(2);
    (idle > patience).then_some(later.ended)
}
