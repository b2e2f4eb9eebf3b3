//! `no-zombie`: no broker accepts a commit of a member that no longer owns the partition's current
//! assignment, and no handler starts after its member learned of the revocation.
//!
//! Ownership passes when another member begins to fetch the partition. While no other member has
//! it, its last owner may commit: a group between two generations accepts that on purpose, and what
//! a process sent before it died may arrive when the next one already runs. Effects of handlers
//! that began before are no violation; a new attempt is.

use super::findings::{Case, Finding, Findings};
use super::history::{Assignment, Attempt, Commit};
use crate::Judgement;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    let mut findings = Findings::default();
    for commit in &history.commits {
        if let Some(owner) = history.assignment(commit.current)
            && owner.member != commit.member
        {
            findings.add(case, commit.entry, || tell_commit(case, commit, owner));
        }
    }
    for attempt in history.attempts.iter() {
        // An attempt that is known by its answer alone may have begun at any time.
        if attempt.withdrawn < attempt.entry && attempt.ended != attempt.entry {
            findings.add(case, attempt.entry, || tell_attempt(case, attempt));
        }
    }
    findings.or_held(!history.assignments.is_empty(), "no partition was assigned")
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

fn tell_attempt(case: &Case<'_>, attempt: &Attempt) -> Finding {
    let name = case.record_name(attempt.record);
    let summary = format!(
        "{} started a handler for {name} after it had learned that the partition was taken away",
        attempt.member
    );
    Finding::new("handler", summary, vec![attempt.withdrawn])
}
