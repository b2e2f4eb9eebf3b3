//! `dead-letter-exact`: a record is in the dead-letter topic if and only if its attempts were used
//! up or its error was permanent; acknowledged there before it counts as finished.
//!
//! Attempts are used up when as many as the budget failed within one assignment. The other way
//! round, a record of which that is true, and that the group passed without finishing it
//! ([`super::fate`]), should have been dead-lettered. More than one copy is allowed: a copy is
//! repeated where its member dies before it commits. What a commit covers before the copy is
//! acknowledged is the matter of `commit-covers-only-finished`.

use super::fate::passed;
use super::findings::{Case, Finding, Findings};
use super::history::{DeadLetter, Record};
use super::ids::{AssignmentId, NEVER, RecordId};
use crate::Judgement;
use plimsoll_core::Outcome;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    let asked = case.terms.config.dead_letters;
    let mut findings = Findings::default();
    for letter in &history.dead_letters {
        let record = history.record(letter.record);
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

/// Finds the records that failed for good, and that the group passed all the same.
fn find_missing(case: &Case<'_>, findings: &mut Findings) {
    for (slot, partition) in case.history.partitions.with_ids() {
        for (offset, record) in partition.records.with_ids() {
            let unfinished = record.stored != NEVER && record.settled() == NEVER;
            if !unfinished || !given_up(case, record, None) {
                continue;
            }
            let id = RecordId { slot, offset };
            if let Some(how) = passed(case, id) {
                findings.add(case, how.entry(), || {
                    let name = case.record_name(id);
                    let summary = format!("{name} failed for good, and is in no dead-letter topic");
                    Finding::new("missing", summary, case.attempts_shown(record))
                });
            }
        }
    }
}

/// Returns whether a record had failed for good: before a dead letter, under the assignment that
/// wrote it; or, without one, at any time.
fn given_up(case: &Case<'_>, record: &Record, letter: Option<&DeadLetter>) -> bool {
    let until = letter.map_or(NEVER, |letter| letter.entry);
    let budget = case.terms.config.retry.attempts;
    let attempts = || case.history.attempts_at(record);
    let ended = || attempts().filter(|attempt| attempt.ended < until);
    if ended().any(|attempt| attempt.outcome == Some(Outcome::Permanent))
        || undecodable(case, record)
    {
        return true;
    }
    let failed = |assignment: Option<AssignmentId>| {
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
    let undecodable = &case.terms.undecodable;
    let message = record.message;
    message.is_some_and(|message| undecodable.binary_search(&message).is_ok())
}

fn tell_early(case: &Case<'_>, letter: &DeadLetter, asked: bool) -> Finding {
    let record = case.history.record(letter.record);
    let name = case.record_name(letter.record);
    let member = letter.member;
    let (kind, summary) = match asked {
        true => (
            "early",
            format!("{member} dead-lettered {name} before its attempts were used up"),
        ),
        false => (
            "unasked",
            format!("{member} dead-lettered {name}, though dead letters were not asked for"),
        ),
    };
    Finding::new(kind, summary, case.attempts_shown(record))
}
