//! `key-order`: a record's effect starts only when every earlier record of its key and partition
//! is finished.
//!
//! Records that were removed, that lie before the group's start or that the scenario skipped need
//! not be finished. A record behind which the assignment began to read, and that is never finished,
//! is lost rather than overtaken: `no-loss` judges it. Redelivering a finished record breaks no
//! order.

use super::findings::{Case, Finding, Findings};
use super::history::Attempt;
use super::ids::{NEVER, RecordId};
use crate::Judgement;
use plimsoll_core::{NextOffset, Ordering};

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    if case.terms.config.ordering == Ordering::Unordered {
        return Judgement::NotObserved("the scenario asks for no order");
    }
    let history = case.history;
    let mut findings = Findings::default();
    let mut keyed = false;
    for attempt in history.attempts.iter() {
        let record = history.record(attempt.record);
        let Some(key) = record.key else {
            continue;
        };
        keyed = true;
        if record.free_from > attempt.entry
            && let Some(earlier) = overtaken(case, attempt, key)
        {
            findings.add(case, attempt.entry, || tell(case, attempt, key, earlier));
        }
    }
    findings.or_held(keyed, "no record with a key was handled")
}

/// Returns the newest record that the attempt has overtaken.
fn overtaken(case: &Case<'_>, attempt: &Attempt, key: u32) -> Option<RecordId> {
    let RecordId { slot, offset } = attempt.record;
    let own = case.history.assignment(attempt.assignment);
    let position = own.map_or(NextOffset::ZERO, |own| own.position);
    let records = case.history.partitions[slot].records.with_ids();
    let earlier = records.take_while(|&(earlier, _)| earlier < offset);
    let same_key = earlier.filter(|(_, record)| record.key == Some(key));
    let overtaken = same_key.filter(|&(earlier, record)| {
        let lost = record.finished == NEVER && position.covers(earlier);
        record.settled() > attempt.entry && record.stored < attempt.entry && !lost
    });
    let (offset, _) = overtaken.last()?;
    Some(RecordId { slot, offset })
}

fn tell(case: &Case<'_>, attempt: &Attempt, key: u32, earlier: RecordId) -> Finding {
    let record = case.history.record(earlier);
    let summary = format!(
        "{} started {} before {}, an earlier record of key {key}, was finished",
        attempt.member,
        case.record_name(attempt.record),
        case.record_name(earlier),
    );
    let mut evidence = case.attempts_shown(record);
    evidence.push(record.finished);
    Finding::new("overtaken", summary, evidence)
}
