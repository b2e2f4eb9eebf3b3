#![doc = include_str!("../promises/bounded-duplicates.md")]

use super::findings::{Case, Finding, Findings};
use super::history::{Assignment, Attempt, History};
use super::ids::{AssignmentId, EntryIndex};
use super::known::{Known, known};
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
        } else if let Some((owner, known)) = committed_before(case, obstacles, repeat) {
            *counted = true;
            findings.add(case, repeat.entry, || {
                tell_committed(case, owner, repeat, known)
            });
        }
    }
    find_overdue(case, obstacles, &mut counted, &mut findings);
    findings.or_else(|| match () {
        () if !history.is_disrupted() => Judgement::NotObserved("no owner was disrupted"),
        () if could_be_broken(case, obstacles) => Judgement::Held,
        () => Judgement::NotObserved(
            "no owner was disrupted that had committed something, or had the time to",
        ),
    })
}

/// Finds the repeats of what an earlier owner should have committed.
fn find_overdue(
    case: &Case<'_>,
    obstacles: &Obstacles,
    counted: &mut [bool],
    findings: &mut Findings,
) {
    let history = case.history;
    let mut passes = Passes::default();
    for (id, owner) in history.assignments.with_ids() {
        let last = history.partitions[owner.slot].last_repeat;
        if last.is_none_or(|last| history.attempts[last].entry <= owner.ended) {
            continue;
        }
        passes.read(case, id);
        for (repeat, counted) in history.repeats().zip(&mut *counted) {
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
}

/// Returns whether a consumer that repeats more than it may would have shown in this run: an owner
/// began where something was committed, or was disrupted when something was overdue, and another
/// came after it.
fn could_be_broken(case: &Case<'_>, obstacles: &Obstacles) -> bool {
    let history = case.history;
    let begins_behind = |own: &Assignment| {
        let log_start = history.partitions[own.slot].log_start;
        known(case, obstacles, own).is_some_and(|known| known.next > log_start)
    };
    if history.assignments.iter().any(begins_behind) {
        return true;
    }
    let mut passes = Passes::default();
    history.assignments.with_ids().any(|(id, owner)| {
        let partition = &history.partitions[owner.slot];
        if partition.current <= Some(id) {
            return false;
        }
        passes.read(case, id);
        let passed = passes.first(partition, owner.position);
        passed < owner.ended && overdue(case, obstacles, id, passed)
    })
}

/// Returns the attempt that went well under the very assignment under which the record comes
/// again.
fn done_under_same_assignment<'a>(case: &Case<'a>, repeat: &Attempt) -> Option<&'a Attempt> {
    let record = case.history.record(repeat.record);
    let done = case.history.attempts_at(record).find(|first| {
        first.ended < repeat.entry
            && first.assignment == repeat.assignment
            && first.member == repeat.member
            && first.outcome == Some(Outcome::Ok)
    })?;
    let excused = rewound(case, repeat, done.ended) || went_back(case, repeat, done);
    (case.was_told(done) && !excused).then_some(done)
}

/// Returns whether the terms allow the record to come again because its member went back to one
/// below it that had failed, and was not finished when this one was `done`.
fn went_back(case: &Case<'_>, repeat: &Attempt, done: &Attempt) -> bool {
    let history = case.history;
    let explains = |failed: &Attempt| {
        failed.record.slot == repeat.record.slot
            && failed.record.offset < repeat.record.offset
            && failed.assignment == repeat.assignment
            && failed.ended < repeat.entry
            && failed.outcome == Some(Outcome::Retryable)
            && history.record(failed.record).finished > done.entry
    };
    case.terms.repeats_after_failure && history.attempts.iter().any(explains)
}

/// Returns the assignment under which the record comes again, where its owner knew that the record
/// was committed.
fn committed_before<'a>(
    case: &Case<'a>,
    obstacles: &Obstacles,
    repeat: &Attempt,
) -> Option<(&'a Assignment, Known)> {
    // An attempt that is known by its answer alone may have begun at any time.
    if repeat.ended == repeat.entry {
        return None;
    }
    let owner = case.history.assignment(repeat.assignment)?;
    let known = known(case, obstacles, owner)?;
    let again = known.next.covers(repeat.record.offset) && !rewound(case, repeat, known.since);
    again.then_some((owner, known))
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
    let (from, until) = (case.at(passed), case.at(assignment.ended));
    let by_time = policy.interval.is_some_and(|interval| {
        let mut stretches = obstacles.stretches(member, from, until);
        stretches.any(|stretch| obstacles.free(member, stretch) > interval + slack)
    });
    by_time
        || policy.every.is_some_and(|every| {
            let mut stretches = obstacles.stretches(member, from, until);
            stretches.any(|(begin, end)| {
                let begun = passed.max(case.first_entry_from(begin));
                let full = count_full(case.history, owner, begun, every);
                full.is_some_and(|full| {
                    let full = case.at(full);
                    obstacles.free(member, (full, end)) > slack
                })
            })
        })
}

/// Returns the entry by which the owner had finished `every` records, counted from `begun` on.
fn count_full(
    history: &History,
    owner: AssignmentId,
    begun: EntryIndex,
    every: u32,
) -> Option<EntryIndex> {
    let attempts = history.attempts.iter();
    let mut finished: Vec<EntryIndex> = attempts
        .filter(|a| a.assignment == Some(owner) && a.outcome == Some(Outcome::Ok))
        .map(|attempt| attempt.ended)
        .filter(|&ended| ended >= begun)
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

fn tell_committed(
    case: &Case<'_>,
    owner: &Assignment,
    repeat: &Attempt,
    Known { next, since }: Known,
) -> Finding {
    let name = case.record_name(repeat.record);
    let summary = format!(
        "{} started {name} again, which was committed when it took the partition over: the \
         committed offset was {next}",
        repeat.member
    );
    let commits = case.history.commits.iter().rev();
    let commit = commits
        .filter(|commit| commit.slot == owner.slot && commit.entry < owner.entry)
        .find(|commit| commit.next.covers(repeat.record.offset));
    let mut evidence = vec![since, owner.entry];
    evidence.extend(commit.map(|commit| commit.entry));
    Finding::new("below-committed", summary, evidence)
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
