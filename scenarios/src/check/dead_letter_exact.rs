//! `dead-letter-exact`: a record is in the dead-letter topic if and only if its attempts were used
//! up or its error was permanent; acknowledged there before it counts as finished.
//!
//! Attempts are used up when as many as the budget failed within one assignment. The other way
//! round, a record of which that is true, and that the group passed without finishing it
//! ([`super::fate`]), should have been dead-lettered. More than one copy is allowed: a copy is
//! repeated where its member dies before it commits. What a commit covers before the copy is
//! acknowledged is the matter of `commit-covers-only-finished`.

use super::fate::passed;
use super::findings::{Case, Findings};
use super::history::{DeadLetter, NEVER, Record};
use crate::Judgement;
use crate::scenario::{Fate, FaultKind};
use plimsoll_core::Outcome;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    let asked = case.plan.settings.consumers.config.dead_letters;
    let mut findings = Findings::default();
    for letter in &history.dead_letters {
        let record = history.record(letter.slot, letter.offset);
        if !asked || !given_up(case, record, Some(letter)) {
            findings.add(case, letter.entry, || tell_early(case, letter, asked));
        }
    }
    if asked && history.healed.min(history.ended) != NEVER {
        find_missing(case, &mut findings);
    }
    findings.or_else(|| match asked {
        true if !history.dead_letters.is_empty() => Judgement::Held,
        true => Judgement::NotObserved("no record failed for good"),
        false => Judgement::NotObserved("the scenario asks for no dead letters"),
    })
}

/// Records that failed for good, and that the group passed all the same.
fn find_missing(case: &Case<'_>, findings: &mut Findings) {
    for (slot, partition) in (0..).zip(case.history.partitions()) {
        for (offset, record) in (0..).zip(&partition.records) {
            let unfinished = record.stored != NEVER && record.settled() == NEVER;
            if !unfinished || !given_up(case, record, None) {
                continue;
            }
            if let Some(how) = passed(case, slot, offset) {
                findings.add(case, how.entry(), || {
                    let name = case.record_name(slot, offset);
                    let summary = format!("{name} failed for good, and is in no dead-letter topic");
                    (summary, case.attempts_shown(record))
                });
            }
        }
    }
}

/// Whether a record had failed for good: before a dead letter, under the assignment that wrote
/// it; or, without one, at any time.
fn given_up(case: &Case<'_>, record: &Record, letter: Option<&DeadLetter>) -> bool {
    let until = letter.map_or(NEVER, |letter| letter.entry);
    let budget = case.plan.settings.consumers.config.retry.attempts;
    let attempts = || case.history.attempts_at(record);
    let ended = || attempts().filter(|attempt| attempt.ended < until);
    if ended().any(|attempt| attempt.outcome == Some(Outcome::Permanent))
        || undecodable(case, record)
    {
        return true;
    }
    let failed = |assignment: u32| {
        ended()
            .filter(|attempt| attempt.assignment == assignment)
            .filter(|attempt| attempt.outcome != Some(Outcome::Ok))
            .count()
    };
    match letter {
        Some(letter) => failed(letter.assignment) >= budget as usize,
        None => attempts().any(|attempt| failed(attempt.assignment) >= budget as usize),
    }
}

fn undecodable(case: &Case<'_>, record: &Record) -> bool {
    let messages = &case.plan.messages;
    let mut faults = case.plan.faults.iter();
    messages
        .iter()
        .any(|message| message.id.0 == record.message && message.fate == Fate::Undecodable)
        || faults
            .any(|fault| matches!(fault.kind, FaultKind::Undecodable { message } if message.0 == record.message))
}

fn tell_early(case: &Case<'_>, letter: &DeadLetter, asked: bool) -> (String, Vec<u32>) {
    let record = case.history.record(letter.slot, letter.offset);
    let name = case.record_name(letter.slot, letter.offset);
    let member = letter.member;
    let summary = match asked {
        true => format!("{member} dead-lettered {name} before its attempts were used up"),
        false => format!("{member} dead-lettered {name}, though nobody asked for dead letters"),
    };
    (summary, case.attempts_shown(record))
}
