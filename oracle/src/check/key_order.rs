#![doc = include_str!("../promises/key-order.md")]

use super::findings::{Case, Finding, Findings};
use super::history::Attempt;
use super::ids::{NEVER, RecordId};
use crate::Judgement;
use plimsoll_core::{NextOffset, Ordering};

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    let mut findings = Findings::default();
    for attempt in history.attempts.iter() {
        let record = history.record(attempt.record);
        if record.free_from > attempt.entry
            && let Some(earlier) = overtaken(case, attempt)
        {
            findings.add(case, attempt.entry, || tell(case, attempt, earlier));
        }
        if let Some(running) = running_already(case, attempt) {
            findings.add(case, attempt.entry, || tell_twice(case, attempt, running));
        }
    }
    findings.or_held(!history.attempts.is_empty(), "no record was handled")
}

/// Returns the newest record that the attempt has overtaken.
fn overtaken(case: &Case<'_>, attempt: &Attempt) -> Option<RecordId> {
    let RecordId { slot, offset } = attempt.record;
    let own = case.history.assignment(attempt.assignment);
    let position = own.map_or(NextOffset::ZERO, |own| own.position);
    let key = case.history.record(attempt.record).key;
    let any_key = case.terms.config.ordering == Ordering::Partition;
    let earlier = case.history.partitions[slot].records.rows_before(offset);
    let mut same_key = earlier.filter(|(_, record)| any_key || record.key == key);
    let (offset, _) = same_key.find(|&(earlier, record)| {
        let lost = record.finished == NEVER && position.covers(earlier);
        record.settled() > attempt.entry && record.stored < attempt.entry && !lost
    })?;
    Some(RecordId { slot, offset })
}

/// Returns another handler of the record that runs when this one begins, under the same assignment.
fn running_already<'a>(case: &Case<'a>, attempt: &Attempt) -> Option<&'a Attempt> {
    let history = case.history;
    // What is known by its answer alone may have begun at any time.
    let shown = attempt.ended != attempt.entry && attempt.withdrawn > attempt.entry;
    let owner = history.assignment(attempt.assignment.filter(|_| shown))?;
    let mut before = history.attempts_back_from(attempt.previous);
    let running = before.find(|&earlier| {
        let earlier = &history.attempts[earlier];
        earlier.assignment == attempt.assignment
            && earlier.ended > attempt.entry
            && !case.outlasted(earlier, attempt.entry)
    })?;
    let moved_back = || case.moved_back(attempt.record, owner, attempt.entry);
    (!moved_back()).then_some(&history.attempts[running])
}

fn tell(case: &Case<'_>, attempt: &Attempt, earlier: RecordId) -> Finding {
    let record = case.history.record(earlier);
    let (later, name) = (case.record_name(attempt.record), case.record_name(earlier));
    let of = match (case.terms.config.ordering, record.key) {
        (Ordering::Key, Some(key)) => format!("key {key}"),
        _ => "its partition".into(),
    };
    let summary = format!(
        "{} started {later} before {name}, an earlier record of {of}, was finished",
        attempt.member
    );
    let mut evidence = case.attempts_shown(record);
    evidence.push(record.finished);
    Finding::new("overtaken", summary, evidence)
}

fn tell_twice(case: &Case<'_>, attempt: &Attempt, running: &Attempt) -> Finding {
    let summary = format!(
        "{} started {} while another handler of it was running",
        attempt.member,
        case.record_name(attempt.record)
    );
    Finding::new("two-at-once", summary, vec![running.entry, running.ended])
}
