//! `key-order`: a record's effect starts only when every earlier record of its key and partition
//! is finished.
//!
//! Records that were removed, that lie before the group's start or that the scenario skipped need
//! not be finished. A record behind which the assignment began to read, and that nobody finishes
//! ever after, is lost rather than overtaken: `no-loss` judges it. Redelivering a finished record
//! breaks no order.

use super::findings::{Case, Findings};
use super::history::{Attempt, NEVER, Record};
use crate::Judgement;
use plimsoll_core::Ordering;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    if case.terms.config.ordering == Ordering::Unordered {
        return Judgement::NotObserved("the scenario asks for no order");
    }
    let history = case.history;
    let mut findings = Findings::default();
    let mut keyed = false;
    for attempt in &history.attempts {
        let record = history.record(attempt.slot, attempt.offset);
        keyed |= record.key != Record::NO_KEY;
        if record.free_from > attempt.entry
            && let Some(earlier) = overtaken(case, attempt, record)
        {
            findings.add(case, attempt.entry, || tell(case, attempt, earlier));
        }
    }
    findings.or_held(keyed, "no record with a key was handled")
}

/// The newest record that the attempt has overtaken.
fn overtaken(case: &Case<'_>, attempt: &Attempt, record: &Record) -> Option<u32> {
    let partition = case.history.partition(attempt.slot);
    let position = case.owner(attempt.assignment).map_or(0, |own| own.position);
    let mut earlier = record.before;
    while let Some(candidate) = partition.records.get(earlier as usize) {
        let lost = candidate.finished == NEVER && u64::from(earlier) < position;
        if candidate.settled() > attempt.entry && candidate.stored < attempt.entry && !lost {
            return Some(earlier);
        }
        earlier = candidate.before;
    }
    None
}

fn tell(case: &Case<'_>, attempt: &Attempt, earlier: u32) -> (String, Vec<u32>) {
    let record = case.history.record(attempt.slot, earlier);
    let summary = format!(
        "{} started {} before {}, an earlier record of key {}, was finished",
        attempt.member,
        case.record_name(attempt.slot, attempt.offset),
        case.record_name(attempt.slot, earlier),
        record.key
    );
    let mut evidence = case.attempts_shown(record);
    evidence.push(record.finished);
    (summary, evidence)
}
