//! What became of a record that nobody had finished when the run ended: lost, or merely late.
//!
//! It is lost where the group has passed it, so that nothing which is still going on will finish
//! it:
//! - the group's committed offset stands beyond it (committed by a member, or set by the scenario);
//! - or its newest owner reads from beyond it;
//! - or its newest owner, alive to the end, skipped it: later records of the partition were
//!   finished under that assignment, neither it nor a record before it is in its handler, and
//!   nobody touched any of them for longer than the longest pause between attempts.
//!
//! Otherwise it is late, and `liveness` judges that. A record that a correct consumer retries
//! without end, or holds behind such a record, is late.

use super::findings::Case;
use super::history::{NEVER, at};
use std::time::Duration;

/// How the group passed an unfinished record, and the entry that shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// Committed beyond it, or its offset was set beyond it.
    Committed(u32),
    /// Its owner reads from beyond it.
    Position(u32),
    /// Its owner finished a later record instead.
    Skipped(u32),
}

impl Passed {
    pub(super) fn entry(self) -> u32 {
        match self {
            Self::Committed(entry) | Self::Position(entry) | Self::Skipped(entry) => entry,
        }
    }
}

/// How an unfinished record was passed; `None`: it is late.
pub(super) fn passed(case: &Case<'_>, slot: u32, offset: u32) -> Option<Passed> {
    let partition = case.history.partition(slot);
    if partition.committed > u64::from(offset) {
        return Some(Passed::Committed(first_commit_beyond(case, slot, offset)));
    }
    if partition.position > u64::from(offset) {
        return Some(Passed::Position(partition.position_by));
    }
    skipped(case, slot, offset).map(Passed::Skipped)
}

/// The commit after which the group's offset stayed beyond the record.
fn first_commit_beyond(case: &Case<'_>, slot: u32, offset: u32) -> u32 {
    let mut entry = case.history.partition(slot).committed_by;
    let commits = case.history.commits.iter().rev();
    for commit in commits.filter(|commit| commit.slot == slot) {
        if commit.entry == entry && commit.previous > u64::from(offset) {
            entry = commit.previous_by;
        }
    }
    entry
}

/// The effect with which a living owner left the record behind.
fn skipped(case: &Case<'_>, slot: u32, offset: u32) -> Option<u32> {
    let history = case.history;
    let partition = history.partition(slot);
    let owner = history.assignment(partition.current)?;
    if history.ended == NEVER || owner.ended != NEVER {
        return None;
    }
    let later = history.attempts.iter().find(|attempt| {
        attempt.assignment == partition.current
            && attempt.offset > offset
            && history.record(slot, attempt.offset).finished == attempt.ended
            && attempt.ended != NEVER
    })?;
    // Whoever holds a handler's place may hold the record's.
    let running = history.attempts.iter().filter(|a| a.ended == NEVER).count();
    let config = &case.terms.config;
    if running >= config.max_in_flight {
        return None;
    }
    let mut touched = owner.entry.max(later.ended);
    for record in &partition.records[..=offset as usize] {
        for attempt in history.attempts_at(record) {
            if attempt.ended == NEVER {
                return None;
            }
            touched = touched.max(attempt.ended);
        }
    }
    let touched = at(case.trace, touched);
    let idle = at(case.trace, history.ended) - touched;
    let patience = config.retry.max_backoff + Duration::from_secs(2);
    (idle > patience).then_some(later.ended)
}
