#![doc = include_str!("../promises/no-rewind.md")]

use super::findings::{Case, Finding, Findings};
use super::history::Commit;
use super::ids::NEVER;
use crate::Judgement;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let mut findings = Findings::default();
    for commit in &case.history.commits {
        if commit.next < commit.floor {
            findings.add(case, commit.entry, || tell(case, commit));
        }
    }
    let mut commits = case.history.commits.iter();
    let again = commits.any(|commit| commit.previous_by != NEVER);
    findings.or_held(again, "no partition was committed twice")
}

fn tell(case: &Case<'_>, commit: &Commit) -> Finding {
    let partition = case.partition_name(commit.slot);
    let summary = format!(
        "{} committed {} for {partition}, where {} was committed before",
        commit.member, commit.next, commit.previous
    );
    let moved_back = commit.sought.is_some_and(|sought| sought <= commit.next);
    let kind = if moved_back { "moved-back" } else { "rewound" };
    Finding::new(kind, summary, vec![commit.previous_by])
}
