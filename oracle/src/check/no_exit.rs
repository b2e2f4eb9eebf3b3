#![doc = include_str!("../promises/no-exit.md")]

use super::findings::{Case, Finding, Findings};
use super::history::Exit;
use crate::Judgement;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    if case.terms.exits_allowed {
        return Judgement::NotObserved("the scenario allows members to end by themselves");
    }
    let history = case.history;
    let mut findings = Findings::default();
    for exit in &history.exits {
        findings.add(case, exit.entry, || tell(exit));
    }
    findings.or_held(!history.assignments.is_empty(), "no partition was assigned")
}

fn tell(exit: &Exit) -> Finding {
    let member = exit.member;
    let summary = match exit.status {
        Some(status) => format!("{member} ended with status {status}, and was not asked to stop"),
        None => format!("{member} ended, and was not asked to stop"),
    };
    Finding::new("exited", summary, Vec::new())
}
