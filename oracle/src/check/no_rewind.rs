//! `no-rewind`: a committed next offset never decreases, unless the scenario resets it.
//!
//! A member that has moved its position back (because the log became shorter, or to read again on
//! purpose) may commit from there on.

use super::findings::{Case, Finding, Findings};
use super::history::Commit;
use crate::Judgement;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let mut findings = Findings::default();
    for commit in &case.history.commits {
        let moved_back = commit.sought.is_some_and(|sought| sought <= commit.next);
        if commit.next < commit.previous && !moved_back {
            findings.add(case, commit.entry, || tell(case, commit));
        }
    }
    findings.or_held(!case.history.commits.is_empty(), "nothing was committed")
}

fn tell(case: &Case<'_>, commit: &Commit) -> Finding {
    let partition = case.partition_name(commit.slot);
    let summary = format!(
        "{} committed {} for {partition}, where {} was committed before",
        commit.member, commit.next, commit.previous
    );
    Finding::new("rewound", summary, vec![commit.previous_by])
}
