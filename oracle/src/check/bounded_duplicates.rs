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

use super::findings::{Case, Findings, who};
use super::history::{Assignment, Attempt, at};
use super::obstacles::Obstacles;
use super::watermark::Passes;
use crate::Judgement;
use plimsoll_core::Outcome;
use std::time::Duration;

/// An answer and a handler's deadline may cross within so much time.
const CROSSING: Duration = Duration::from_millis(100);

pub(super) fn judge(case: &Case<'_>, obstacles: &Obstacles) -> Judgement {
    let history = case.history;
    let mut findings = Findings::default();
    // By repeat: already counted. By partition: its last repeat.
    let mut counted = vec![false; history.repeats.len()];
    let mut last = vec![0; history.partitions().len()];
    for (repeat, counted) in repeats(case).zip(&mut counted) {
        last[repeat.slot as usize] = repeat.entry;
        if let Some(first) = done_under_same_assignment(case, repeat) {
            *counted = true;
            findings.add(case, repeat.entry, || tell_undisrupted(case, repeat, first));
        }
    }
    let mut passes = Passes::default();
    for (number, owner) in (0u32..).zip(&history.assignments) {
        if owner.ended >= last[owner.slot as usize] {
            continue;
        }
        passes.read(history, number);
        for (repeat, counted) in repeats(case).zip(&mut counted) {
            let later = repeat.entry > owner.ended && repeat.assignment > number;
            if repeat.slot != owner.slot || !later || *counted {
                continue;
            }
            let passed = passes.at(repeat.offset);
            if passed < owner.ended
                && overdue(case, obstacles, number, passed)
                && !rewound(case, repeat, passed)
            {
                *counted = true;
                findings.add(case, repeat.entry, || {
                    tell_overdue(case, owner, repeat, passed)
                });
            }
        }
    }
    let disrupted = || history.partitions().iter().any(|p| p.chances > 1);
    let observed = !history.repeats.is_empty() || disrupted();
    findings.or_held(observed, "no owner was disrupted")
}

fn repeats<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Attempt> {
    let history = case.history;
    let repeats = history.repeats.iter();
    repeats.map(|&repeat| &history.attempts[repeat as usize])
}

/// The attempt that went well under the very assignment under which the record comes again.
fn done_under_same_assignment<'a>(case: &Case<'a>, repeat: &Attempt) -> Option<&'a Attempt> {
    let history = case.history;
    let record = history.record(repeat.slot, repeat.offset);
    let deadline = case.terms.config.handler_deadline;
    let done = history.attempts_at(record).find(|first| {
        first.ended < repeat.entry
            && first.assignment == repeat.assignment
            && first.member == repeat.member
            && first.outcome == Some(Outcome::Ok)
    })?;
    let took = at(case.trace, done.ended) - at(case.trace, done.entry);
    let crossed = deadline.is_some_and(|deadline| took + CROSSING >= deadline);
    (!crossed && !rewound(case, repeat, done.ended)).then_some(done)
}

/// Whether the owner had the time to commit what it had passed, and did not.
fn overdue(case: &Case<'_>, obstacles: &Obstacles, owner: u32, passed: u32) -> bool {
    let slack = case.terms.duplicates_slack;
    let policy = case.terms.config.commit;
    let assignment = &case.history.assignments[owner as usize];
    let member = assignment.member;
    let from = at(case.trace, passed);
    let until = at(case.trace, assignment.ended);
    let by_time = policy
        .interval
        .is_some_and(|interval| obstacles.longest_free(member, from, until) > interval + slack);
    by_time
        || policy.every.is_some_and(|every| {
            let full = count_full(case, owner, passed, every);
            full.is_some_and(|full| {
                let full = at(case.trace, full);
                until - full > slack && !obstacles.hinder(member, from, until)
            })
        })
}

/// The entry by which the owner had finished `every` records, counted from `passed` on.
fn count_full(case: &Case<'_>, owner: u32, passed: u32, every: u32) -> Option<u32> {
    let attempts = case.history.attempts.iter();
    let mut finished: Vec<u32> = attempts
        .filter(|a| a.assignment == owner && a.outcome == Some(Outcome::Ok))
        .map(|attempt| attempt.ended)
        .filter(|&ended| ended >= passed)
        .collect();
    finished.sort_unstable();
    finished.get(every.max(1) as usize - 1).copied()
}

/// Whether the record comes again by no will of the group's members.
pub(super) fn rewound(case: &Case<'_>, repeat: &Attempt, done: u32) -> bool {
    case.history.rewinds.iter().any(|rewind| {
        rewind.slot == repeat.slot
            && rewind.to <= u64::from(repeat.offset)
            && (done..repeat.entry).contains(&rewind.entry)
    })
}

fn tell_undisrupted(case: &Case<'_>, repeat: &Attempt, first: &Attempt) -> (String, Vec<u32>) {
    let name = case.record_name(repeat.slot, repeat.offset);
    let summary = format!(
        "{} started {name} again, which it had finished under the same assignment",
        repeat.member
    );
    (summary, vec![first.entry, first.ended])
}

fn tell_overdue(
    case: &Case<'_>,
    owner: &Assignment,
    repeat: &Attempt,
    passed: u32,
) -> (String, Vec<u32>) {
    let name = case.record_name(repeat.slot, repeat.offset);
    let stood = at(case.trace, owner.ended) - at(case.trace, passed);
    let summary = format!(
        "{} started {name} again: {} had finished it and everything before it {:.1}s before it \
         was disrupted, and had not committed it",
        repeat.member,
        who(Some(owner.member)),
        stood.as_secs_f64()
    );
    let commits = case.history.commits.iter().rev();
    let newest = commits
        .filter(|commit| commit.slot == owner.slot && commit.entry < owner.ended)
        .find(|commit| commit.member == owner.member);
    let mut evidence = vec![owner.entry, passed, owner.ended];
    evidence.extend(newest.map(|commit| commit.entry));
    (summary, evidence)
}
