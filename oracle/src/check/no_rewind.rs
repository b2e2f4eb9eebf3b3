#![doc = include_str!("../promises/no-rewind.md")]

use super::findings::{Case, Finding, Findings};
use super::history::Commit;
use super::ids::NEVER;
use super::obstacles::Obstacles;
use crate::Judgement;
use std::time::Duration;

/// The shortest time within which a late commit is to be made good, beside the slack.
const SHORTEST_REPAIR: Duration = Duration::from_secs(1);

pub(super) fn judge(case: &Case<'_>, obstacles: &Obstacles) -> Judgement {
    let mut findings = Findings::default();
    for (index, commit) in case.history.commits.iter().enumerate() {
        if commit.next >= commit.floor {
            continue;
        }
        if !commit.late {
            findings.add(case, commit.entry, || tell(case, commit));
        } else if is_left(case, obstacles, index) {
            findings.add(case, commit.entry, || tell_left(case, commit));
        }
    }
    let mut commits = case.history.commits.iter();
    let again = commits.any(|commit| commit.previous_by != NEVER);
    findings.or_held(again, "no partition was committed twice")
}

/// Returns whether the owner of a partition left it where a late commit had moved it back to,
/// although it had the time to commit it again.
fn is_left(case: &Case<'_>, obstacles: &Obstacles, index: usize) -> bool {
    let history = case.history;
    let late = &history.commits[index];
    let Some(owner) = history.assignment(late.current) else {
        return false;
    };
    let later = &history.commits[index + 1..];
    let repair = later
        .iter()
        .find(|commit| commit.slot == late.slot && commit.next >= late.previous);
    let repaired = repair.map_or(NEVER, |repair| repair.entry);
    let last = case.trace.entries().last().map(|entry| entry.at);
    let until = case.at(repaired.min(owner.ended));
    let until = last.map_or(until, |last| last.min(until));
    let policy = case.terms.config.commit;
    let within = policy.longest_tail().max(SHORTEST_REPAIR) + case.terms.duplicates_slack;
    let mut stretches = obstacles.stretches(owner.member, case.at(late.entry), until);
    stretches.any(|stretch| obstacles.free(owner.member, stretch) > within)
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

fn tell_left(case: &Case<'_>, commit: &Commit) -> Finding {
    let partition = case.partition_name(commit.slot);
    let summary = format!(
        "a commit of {} for {partition}, which {} had sent on a connection that it closed, arrived \
         after the one of {}, which was not committed again",
        commit.next, commit.member, commit.previous
    );
    Finding::new("left-behind", summary, vec![commit.previous_by])
}
