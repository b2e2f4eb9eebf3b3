//! `bounded-duplicates`: a record is processed again only if, when its owner was disrupted, it had
//! stood below the watermark (as the trace shows it) for no longer than the commit interval plus a
//! stated slack, time in which commits were refused, lost or impossible not counted.
//!
//! Read as: an owner that had finished a record, and everything before it, must have committed it
//! within any stretch of the interval plus the slack in which nothing hindered it
//! ([`super::obstacles`]). If it had such a stretch before it was disrupted, and the record is
//! delivered again under a later assignment, it is to blame. Where commits go by count, the slack
//! runs from the record that made the count full. And under one assignment a record that went well
//! is never delivered again.
//!
//! A zombie that wakes up and starts what it held is no repetition of this kind: its assignment is
//! older than the one that finished the record. Nor is what comes again because the scenario reset
//! the group's offset, or the log became shorter.

use super::findings::{Case, Finding, Findings};
use super::history::{Assignment, Attempt};
use super::ids::{AssignmentId, EntryIndex};
use super::obstacles::Obstacles;
use super::watermark::Passes;
use crate::Judgement;
use plimsoll_core::Outcome;

pub(super) fn judge(case: &Case<'_>, obstacles: &Obstacles) -> Judgement {
    let history = case.history;
    let mut findings = Findings::default();
    let mut counted = vec![false; history.repeats.len()];
    for (repeat, counted) in history.repeats().zip(&mut counted) {
        if let Some(first) = done_under_same_assignment(case, repeat) {
            *counted = true;
            findings.add(case, repeat.entry, || tell_undisrupted(case, repeat, first));
        }
    }
    let mut passes = Passes::default();
    for (id, owner) in history.assignments.with_ids() {
        let last = history.partitions[owner.slot].last_repeat;
        if last.is_none_or(|last| history.attempts[last].entry <= owner.ended) {
            continue;
        }
        passes.read(history, id);
        for (repeat, counted) in history.repeats().zip(&mut counted) {
            let later = repeat.entry > owner.ended && repeat.is_under_later(id);
            if repeat.record.slot != owner.slot || !later || *counted {
                continue;
            }
            let passed = passes.at(repeat.record.offset);
            if passed < owner.ended
                && overdue(case, obstacles, id, passed)
                && !rewound(case, repeat, passed)
            {
                *counted = true;
                findings.add(case, repeat.entry, || {
                    tell_overdue(case, owner, repeat, passed)
                });
            }
        }
    }
    let disrupted = || history.partitions.iter().any(|p| p.chances > 1);
    let observed = !history.repeats.is_empty() || disrupted();
    findings.or_held(observed, "no owner was disrupted")
}

/// Returns the attempt that went well under the very assignment under which the record comes
/// again.
fn done_under_same_assignment<'a>(case: &Case<'a>, repeat: &Attempt) -> Option<&'a Attempt> {
    let history = case.history;
    let record = history.record(repeat.record);
    let done = history.attempts_at(record).find(|first| {
        first.ended < repeat.entry
            && first.assignment == repeat.assignment
            && first.member == repeat.member
            && first.outcome == Some(Outcome::Ok)
    })?;
    (case.was_told(done) && !rewound(case, repeat, done.ended)).then_some(done)
}

/// Returns whether the owner had the time to commit what it had passed, and did not.
fn overdue(
    case: &Case<'_>,
    obstacles: &Obstacles,
    owner: AssignmentId,
    passed: EntryIndex,
) -> bool {
    let slack = case.terms.duplicates_slack;
    let policy = case.terms.config.commit;
    let assignment = &case.history.assignments[owner];
    let member = assignment.member;
    let from = case.at(passed);
    let until = case.at(assignment.ended);
    let by_time = policy
        .interval
        .is_some_and(|interval| obstacles.longest_free(member, from, until) > interval + slack);
    by_time
        || policy.every.is_some_and(|every| {
            let full = count_full(case, owner, passed, every);
            full.is_some_and(|full| {
                until - case.at(full) > slack && !obstacles.hinder(member, from, until)
            })
        })
}

/// Returns the entry by which the owner had finished `every` records, counted from `passed` on.
fn count_full(
    case: &Case<'_>,
    owner: AssignmentId,
    passed: EntryIndex,
    every: u32,
) -> Option<EntryIndex> {
    let attempts = case.history.attempts.iter();
    let mut finished: Vec<EntryIndex> = attempts
        .filter(|a| a.assignment == Some(owner) && a.outcome == Some(Outcome::Ok))
        .map(|attempt| attempt.ended)
        .filter(|&ended| ended >= passed)
        .collect();
    finished.sort_unstable();
    finished.get(every.max(1) as usize - 1).copied()
}

/// Returns whether the record comes again by no will of the group's members.
pub(super) fn rewound(case: &Case<'_>, repeat: &Attempt, done: EntryIndex) -> bool {
    case.history.rewinds.iter().any(|rewind| {
        rewind.slot == repeat.record.slot
            && !rewind.to.covers(repeat.record.offset)
            && (done..repeat.entry).contains(&rewind.entry)
    })
}

fn tell_undisrupted(case: &Case<'_>, repeat: &Attempt, first: &Attempt) -> Finding {
    let name = case.record_name(repeat.record);
    let summary = format!(
        "{} started {name} again, which it had finished under the same assignment",
        repeat.member
    );
    Finding::new("undisrupted", summary, vec![first.entry, first.ended])
}

fn tell_overdue(
    case: &Case<'_>,
    owner: &Assignment,
    repeat: &Attempt,
    passed: EntryIndex,
) -> Finding {
    let name = case.record_name(repeat.record);
    let stood = case.at(owner.ended) - case.at(passed);
    let summary = format!(
        "{} started {name} again: {} had finished it and everything before it {:.1}s before it \
         was disrupted, and had not committed it",
        repeat.member,
        owner.member,
        stood.as_secs_f64()
    );
    let commits = case.history.commits.iter().rev();
    let newest = commits
        .filter(|commit| commit.slot == owner.slot && commit.entry < owner.ended)
        .find(|commit| commit.member == owner.member);
    let mut evidence = vec![owner.entry, passed, owner.ended];
    evidence.extend(newest.map(|commit| commit.entry));
    Finding::new("overdue", summary, evidence)
}
