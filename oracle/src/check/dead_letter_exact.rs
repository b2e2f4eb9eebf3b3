#![doc = include_str!("../promises/dead-letter-exact.md")]

use super::fate::passed;
use super::findings::{Case, Finding, Findings};
use super::history::{Attempt, DeadLetter, LetterAck, Record};
use super::ids::{AssignmentId, NEVER, RecordId};
use crate::Judgement;
use plimsoll_core::Outcome;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    let asked = case.terms.config.dead_letters;
    let mut findings = Findings::default();
    for letter in &history.dead_letters {
        if !asked || !is_due(case, letter) {
            findings.add(case, letter.entry, || tell_early(case, letter, asked));
        }
    }
    find_repeated(case, &mut findings);
    if asked && history.healed.min(history.ended) != NEVER {
        find_missing(case, &mut findings);
    }
    findings.or_else(|| match asked {
        true if !history.dead_letters.is_empty() => Judgement::Held,
        true => Judgement::NotObserved("no record failed for good"),
        false => Judgement::NotObserved("the scenario asks for no dead letters"),
    })
}

/// Returns whether the record had been given up under an assignment that may have written the copy.
fn is_due(case: &Case<'_>, letter: &DeadLetter) -> bool {
    let history = case.history;
    let record = history.record(letter.record);
    let RecordId { slot, .. } = letter.record;
    let mut writers = letter
        .epoch
        .into_iter()
        .flat_map(|epoch| history.assignments_of(letter.member, slot, epoch))
        .peekable();
    if writers.peek().is_some() {
        return writers.any(|writer| given_up(case, record, Some(writer), letter));
    }
    let mut tried = history
        .attempts_at(record)
        .map(|attempt| attempt.assignment);
    // It needs no attempt where no handler can decode it.
    tried.any(|writer| given_up(case, record, writer, letter))
        || given_up(case, record, None, letter)
}

/// Returns whether a record was given up under an assignment, before its copy was there.
fn given_up(
    case: &Case<'_>,
    record: &Record,
    writer: Option<AssignmentId>,
    letter: &DeadLetter,
) -> bool {
    let attempts = || {
        let attempts = case.history.attempts_at(record);
        attempts.filter(|a| a.assignment == writer)
    };
    let went_well = |attempt: &Attempt| {
        attempt.ended < letter.entry
            && attempt.outcome == Some(Outcome::Ok)
            && case.was_told(attempt)
    };
    if attempts().any(went_well) {
        return false;
    }
    // A handler that was stopped at its deadline may run on, as the sink sees it.
    let failed = attempts().filter(|a| a.ended < letter.entry || case.outlasted(a, letter.entry));
    failed.count() >= case.terms.config.retry.attempts as usize
        || attempts().any(|a| a.outcome == Some(Outcome::Permanent) && a.ended < letter.entry)
        || undecodable(case, record)
}

/// Finds the copies that an assignment wrote although its member had learned of one.
fn find_repeated(case: &Case<'_>, findings: &mut Findings) {
    let acks = case.history.letter_acks.iter();
    let mut acks: Vec<&LetterAck> = acks.filter(|ack| ack.exact).collect();
    acks.sort_by_key(|ack| {
        (
            ack.record.slot,
            ack.record.offset,
            ack.assignment,
            ack.entry,
        )
    });
    for pair in acks.windows(2) {
        let [first, again] = [pair[0], pair[1]];
        let RecordId { slot, offset } = again.record;
        let same = (first.record.slot, first.record.offset) == (slot, offset)
            && first.assignment == again.assignment
            && first.message == again.message;
        if same
            && let Some(writer) = case.history.assignment(again.assignment)
            && !case.moved_back(again.record, writer, again.entry)
        {
            findings.add(case, again.entry, || {
                let summary = format!(
                    "{} dead-lettered {} twice under one assignment",
                    again.member,
                    case.record_name(again.record)
                );
                Finding::new("twice", summary, vec![first.entry])
            });
        }
    }
}

/// Finds the records that were given up, and that the group passed all the same.
fn find_missing(case: &Case<'_>, findings: &mut Findings) {
    for (slot, partition) in case.history.partitions.with_ids() {
        for (offset, record) in partition.records.with_ids() {
            let unfinished = record.stored != NEVER && record.settled() == NEVER;
            if !unfinished || !failed_for_good(case, record) {
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

/// Returns whether a record that was never finished was given up at any time.
fn failed_for_good(case: &Case<'_>, record: &Record) -> bool {
    let budget = case.terms.config.retry.attempts as usize;
    let ended = || {
        let attempts = case.history.attempts_at(record);
        attempts.filter(|attempt| attempt.ended != NEVER)
    };
    let failed = |assignment: Option<AssignmentId>| {
        let under = ended().filter(|attempt| attempt.assignment == assignment);
        under.count()
    };
    undecodable(case, record)
        || ended().any(|attempt| attempt.outcome == Some(Outcome::Permanent))
        || ended().any(|attempt| failed(attempt.assignment) >= budget)
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
