//! `commit-covers-only-finished`: whenever a broker accepts a commit of next offset n, every
//! readable record below n of that partition was finished before.
//!
//! Readable is what was stored before the commit and not yet removed. Records before the group's
//! start, and those that the scenario itself skipped, are nobody's to finish. Each record is
//! counted once, at the first commit that covers it.

use super::findings::{Case, Findings};
use super::history::{Commit, NEVER};
use crate::Judgement;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    let mut findings = Findings::default();
    let mut checked = vec![0usize; history.partitions().len()];
    for commit in &history.commits {
        let checked = &mut checked[commit.slot as usize];
        let partition = history.partition(commit.slot);
        let covered = partition.below(commit.next);
        while *checked < covered {
            let record = &partition.records[*checked];
            if record.stored > commit.entry {
                // It comes later (and is looked at by the next commit), or this offset has none.
                if record.stored != NEVER {
                    break;
                }
            } else if record.settled() > commit.entry {
                let offset = *checked as u32;
                findings.add(case, commit.entry, || tell(case, commit, offset));
            }
            *checked += 1;
        }
    }
    findings.or_held(!history.commits.is_empty(), "nothing was committed")
}

fn tell(case: &Case<'_>, commit: &Commit, offset: u32) -> (String, Vec<u32>) {
    let record = case.history.record(commit.slot, offset);
    let mut evidence = vec![record.stored];
    if let Some(last) = case
        .history
        .attempts_at(record)
        .find(|attempt| attempt.entry < commit.entry)
    {
        evidence.extend([last.entry, last.ended]);
    }
    let name = case.record_name(commit.slot, offset);
    let (member, next) = (commit.member, commit.next);
    let summary = match record.finished {
        NEVER => format!("{member} committed {next} while {name} was not finished, nor ever after"),
        _ => format!("{member} committed {next} before {name} was finished"),
    };
    evidence.push(record.finished);
    (summary, evidence)
}
