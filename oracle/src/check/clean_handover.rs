#![doc = include_str!("../promises/clean-handover.md")]

use super::bounded_duplicates::rewound;
use super::findings::{CROSSING, Case, Finding, Findings};
use super::history::{Assignment, Attempt};
use super::ids::{AssignmentId, EntryIndex, NEVER};
use super::obstacles::Obstacles;
use super::watermark::Passes;
use crate::{Judgement, TraceEvent};
use plimsoll_core::NextOffset;

pub(super) fn judge(case: &Case<'_>, obstacles: &Obstacles) -> Judgement {
    let history = case.history;
    let mut findings = Findings::default();
    let mut passes = Passes::default();
    let mut observed = false;
    for (id, owner) in history.assignments.with_ids() {
        if !is_handed_over(case, id, owner) || is_excused(case, obstacles, owner) {
            continue;
        }
        let last = history.partitions[owner.slot].last_repeat;
        let repeated = last.is_some_and(|last| history.attempts[last].entry > owner.released);
        if observed && !repeated {
            continue;
        }
        passes.read(case, id);
        let uncommitted = passes.first(&history.partitions[owner.slot], committed(case, owner));
        observed |= is_finished(case, owner, uncommitted);
        if repeated {
            find_repeats(case, (id, owner), &passes, &mut findings);
        }
    }
    findings.or_held(
        observed,
        "no undisturbed member gave up a partition with something to commit",
    )
}

/// Returns whether the member was asked to give the partition up and did, before another had it,
/// and another assignment came later.
fn is_handed_over(case: &Case<'_>, id: AssignmentId, owner: &Assignment) -> bool {
    if owner.released == NEVER {
        return false;
    }
    let entries = case.trace.entries();
    let ended = entries.get(owner.ended.get()).map(|entry| entry.event);
    let mut later = case.history.assignments.rows_from(id).skip(1);
    let successor = later.find(|(_, later)| later.slot == owner.slot);
    matches!(ended, Some(TraceEvent::Revoked { .. }))
        && successor.is_some_and(|(_, successor)| successor.entry > owner.released)
}

/// Returns whether something kept the member from committing what it had finished.
fn is_excused(case: &Case<'_>, obstacles: &Obstacles, owner: &Assignment) -> bool {
    let (asked, released) = (case.at(owner.ended), case.at(owner.released));
    let deadline = asked + case.terms.config.longest_revocation();
    // On real Kafka only its request to join shows that it was asked: it may have been since longer.
    if released - asked < CROSSING && obstacles.refused_just_before(owner.member, asked) {
        return true;
    }
    obstacles.hinder(owner.member, asked, released)
        || obstacles.refused_for_good(owner.member, (asked, released), deadline)
}

/// Returns what was committed when the member was asked to give the partition up.
fn committed(case: &Case<'_>, owner: &Assignment) -> NextOffset {
    let commits = &case.history.commits;
    let earlier = commits.partition_point(|commit| commit.entry < owner.ended);
    let mut newest = commits[..earlier].iter().rev();
    let newest = newest.find(|commit| commit.slot == owner.slot);
    newest.map_or(owner.committed, |commit| commit.next)
}

/// Returns whether the owner can have known, when it committed last, that it had finished a record.
fn is_finished(case: &Case<'_>, owner: &Assignment, passed: EntryIndex) -> bool {
    case.at(passed) + CROSSING < case.at(owner.released)
}

fn find_repeats(
    case: &Case<'_>,
    (id, owner): (AssignmentId, &Assignment),
    passes: &Passes,
    findings: &mut Findings,
) {
    let repeats = case.history.repeats();
    let later = repeats.filter(|repeat| repeat.entry > owner.released && repeat.is_under_later(id));
    for repeat in later.filter(|repeat| repeat.record.slot == owner.slot) {
        let passed = passes.at(repeat.record.offset);
        if is_finished(case, owner, passed) && !rewound(case, repeat, passed) {
            findings.add(case, repeat.entry, || tell(case, owner, repeat, passed));
        }
    }
}

fn tell(case: &Case<'_>, owner: &Assignment, repeat: &Attempt, passed: EntryIndex) -> Finding {
    let name = case.record_name(repeat.record);
    let summary = format!(
        "{} started {name} again, which {} had finished before it gave {} up",
        repeat.member,
        owner.member,
        case.partition_name(owner.slot)
    );
    let evidence = vec![owner.entry, passed, owner.ended, owner.released];
    Finding::new("repeated", summary, evidence)
}
