#![doc = include_str!("../promises/commit-covers-only-finished.md")]

use super::findings::{Case, Finding, Findings};
use super::history::Commit;
use super::ids::{NEVER, RecordId, Slot};
use super::table::Table;
use crate::Judgement;
use plimsoll_core::Offset;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    let mut findings = Findings::default();
    let mut covered = false;
    // The first offset of each partition that no commit has covered so far.
    let mut uncovered = Table::<Slot, Offset>::default();
    for commit in &history.commits {
        let slot = commit.slot;
        let offset = uncovered.row_mut(slot);
        let records = &history.partitions[slot].records;
        while commit.next.covers(*offset)
            && let Some(record) = records.get(*offset)
        {
            let id = RecordId {
                slot,
                offset: *offset,
            };
            let owed = record.excused.min(record.skipped) > commit.entry;
            // An offset without a record is passed.
            covered |= owed && record.stored != NEVER;
            if record.stored != NEVER && record.settled() > commit.entry {
                if took_a_place(case, commit, id) {
                    break;
                }
                findings.add(case, commit.entry, || tell(case, commit, id));
            }
            *offset = offset.next().first_unfinished();
        }
    }
    findings.or_held(
        covered,
        "no commit covered a record that had to be finished",
    )
}

/// Returns whether the record came to stand, after the commit, where another was cut off: the next
/// commit is the first that can mean it.
fn took_a_place(case: &Case<'_>, commit: &Commit, id: RecordId) -> bool {
    let stored = case.history.record(id).stored;
    let cut = case.history.cut_off(id, stored);
    cut.is_some_and(|cut| cut.entry > commit.entry)
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
        _ if record.stored > commit.entry => (
            "ahead",
            format!("{member} committed {next} past {name}, which was known only later"),
        ),
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
