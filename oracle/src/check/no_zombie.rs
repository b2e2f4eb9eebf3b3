#![doc = include_str!("../promises/no-zombie.md")]

use super::findings::{Case, Finding, Findings};
use super::history::{Assignment, Attempt, Commit, Trespass};
use super::ids::{EntryIndex, NEVER};
use crate::Judgement;
use std::time::Duration;

/// The longest time for which a call of a process that has ended may be under way to the sink.
const LATE_CALL: Duration = Duration::from_secs(1);

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    let mut findings = Findings::default();
    for commit in &history.commits {
        if let Some(owner) = history.assignment(commit.current)
            && owner.member != commit.member
        {
            findings.add(case, commit.entry, || tell_commit(case, commit, owner));
        } else if sent_after_loss(case, commit) {
            findings.add(case, commit.entry, || tell_lost(case, commit));
        }
    }
    for attempt in history.attempts.iter() {
        // An attempt that is known by its answer alone may have begun at any time.
        if attempt.withdrawn < attempt.entry
            && attempt.ended != attempt.entry
            && case.at(attempt.entry) - case.at(attempt.withdrawn) >= case.terms.crossing
        {
            findings.add(case, attempt.entry, || tell_attempt(case, attempt));
        }
    }
    for &(attempt, trespass) in &history.trespasses {
        let attempt = &history.attempts[attempt];
        match trespass {
            Trespass::NeverOwned(owner) => {
                findings.add(case, attempt.entry, || {
                    tell_stranger(case, attempt, &history.assignments[owner])
                });
            }
            Trespass::Dead(ended) if case.at(attempt.entry) - case.at(ended) > LATE_CALL => {
                findings.add(case, attempt.entry, || tell_ghost(case, attempt, ended));
            }
            Trespass::Dead(_) => {}
        }
    }
    findings.or_held(!history.assignments.is_empty(), "no partition was assigned")
}

/// Returns whether a member must have sent a commit after it had learned that it lost the
/// partition, and had not got it back.
fn sent_after_loss(case: &Case<'_>, commit: &Commit) -> bool {
    let sent_since = commit.lost < commit.entry && (commit.lost..NEVER).contains(&commit.sent);
    // In a newer generation it may own the partition before that is seen.
    let own = case.history.assignment(commit.own);
    sent_since
        && own.is_some_and(|own| commit.generation <= own.generation)
        && case.at(commit.entry) - case.at(commit.lost) > case.terms.settling
}

fn tell_commit(case: &Case<'_>, commit: &Commit, owner: &Assignment) -> Finding {
    let partition = case.partition_name(commit.slot);
    let summary = format!(
        "a commit of {} by {} was accepted for {partition}, which {} owns",
        commit.next, commit.member, owner.member
    );
    let mut evidence = vec![owner.entry];
    if let Some(own) = case.history.assignment(commit.own) {
        evidence.extend([own.entry, own.ended]);
    }
    Finding::new("commit", summary, evidence)
}

fn tell_lost(case: &Case<'_>, commit: &Commit) -> Finding {
    let partition = case.partition_name(commit.slot);
    let since = case.at(commit.entry) - case.at(commit.lost);
    let summary = format!(
        "a commit of {} by {} was accepted for {partition} {:.1}s after it had learned that the \
         partition was lost",
        commit.next,
        commit.member,
        since.as_secs_f64()
    );
    Finding::new("commit-after-loss", summary, vec![commit.lost])
}

fn tell_stranger(case: &Case<'_>, attempt: &Attempt, owner: &Assignment) -> Finding {
    let name = case.record_name(attempt.record);
    let summary = format!(
        "{} started a handler for {name}, of a partition that it never had, and that {} owns",
        attempt.member, owner.member
    );
    Finding::new("never-owned", summary, vec![owner.entry])
}

fn tell_ghost(case: &Case<'_>, attempt: &Attempt, ended: EntryIndex) -> Finding {
    let name = case.record_name(attempt.record);
    let summary = format!(
        "{} started a handler for {name} after its process had ended",
        attempt.member
    );
    Finding::new("dead-process", summary, vec![ended])
}

fn tell_attempt(case: &Case<'_>, attempt: &Attempt) -> Finding {
    let name = case.record_name(attempt.record);
    let summary = format!(
        "{} started a handler for {name} after it had learned that the partition was taken away",
        attempt.member
    );
    Finding::new("handler", summary, vec![attempt.withdrawn])
}
