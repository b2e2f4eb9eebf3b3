//! `commit-covers-only-finished`: whenever a broker accepts a commit of next offset n, every
//! readable record below n of that partition was finished before.
//!
//! Readable is what was stored before the commit and not yet removed. Records before the group's
//! start, and those that the scenario itself skipped, need not be finished. Each record is counted
//! once, at the first commit that covers it.

use super::findings::{Case, Finding, Findings};
use super::history::Commit;
use super::ids::{NEVER, RecordId, Slot};
use super::table::Table;
use crate::Judgement;
use plimsoll_core::Offset;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    let mut findings = Findings::default();
    // The first offset of each partition that no commit has covered so far.
    let mut uncovered = Table::<Slot, Offset>::default();
    for commit in &history.commits {
        let slot = commit.slot;
        let offset = uncovered.row_mut(slot);
        let records = &history.partitions[slot].records;
        while commit.next.covers(*offset)
            && let Some(record) = records.get(*offset)
        {
            if record.stored > commit.entry {
                // It comes later (and is looked at by the next commit), or this offset has none.
                if record.stored != NEVER {
                    break;
                }
            } else if record.settled() > commit.entry {
                let offset = *offset;
                findings.add(case, commit.entry, || {
                    tell(case, commit, RecordId { slot, offset })
                });
            }
            *offset = offset.next().first_unfinished();
        }
    }
    findings.or_held(!history.commits.is_empty(), "nothing was committed")
}

fn tell(case: &Case<'_>, commit: &Commit, id: RecordId) -> Finding {
    let record = case.history.record(id);
    let mut evidence = vec![record.stored];
    let mut attempts = case.history.attempts_at(record);
    if let Some(last) = attempts.find(|attempt| attempt.entry < commit.entry) {
        evidence.extend([last.entry, last.ended]);
    }
    let name = case.record_name(id);
    let (member, next) = (commit.member, commit.next);
    let (kind, summary) = match record.finished {
        NEVER => (
            "never-finished",
            format!("{member} committed {next} while {name} was not finished, nor ever after"),
        ),
        _ => (
            "early",
            format!("{member} committed {next} before {name} was finished"),
        ),
    };
    evidence.push(record.finished);
    Finding::new(kind, summary, evidence)
}
