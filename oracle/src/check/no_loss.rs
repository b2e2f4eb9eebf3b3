#![doc = include_str!("../promises/no-loss.md")]

use super::fate::{Passed, passed};
use super::findings::{Case, Finding, Findings};
use super::history::{Partition, Record};
use super::ids::{EntryIndex, NEVER, RecordId};
use crate::Judgement;
use plimsoll_core::InitialPosition;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    if history.healed == NEVER && history.ended == NEVER {
        return Judgement::NotObserved("the run ended before everything was healed");
    }
    let mut findings = Findings::default();
    let (mut owed, mut late) = (false, false);
    for (slot, partition) in history.partitions.with_ids() {
        let owed_from = owed_from(case, partition);
        for (offset, record) in partition.records.with_ids() {
            if !is_owed(record, owed_from) {
                continue;
            }
            owed = true;
            if record.finished != NEVER {
                continue;
            }
            let id = RecordId { slot, offset };
            match passed(case, id) {
                Some(how) => findings.add(case, how.entry(), || tell(case, id, how)),
                None => late = true,
            }
        }
    }
    findings.or_else(|| match (owed, late) {
        (_, true) => Judgement::NotObserved(
            "the run ended while records were unfinished, though none was passed: see liveness",
        ),
        (false, false) => Judgement::NotObserved("no record was owed"),
        (true, false) => Judgement::Held,
    })
}

/// Returns the entry after which an acknowledged record of the partition is owed.
fn owed_from(case: &Case<'_>, partition: &Partition) -> Option<EntryIndex> {
    if case.terms.config.initial == InitialPosition::Earliest || !partition.founding {
        return None;
    }
    let first = case.history.assignment(partition.first);
    Some(first.map_or(NEVER, |first| first.entry))
}

#[inline]
fn is_owed(record: &Record, owed_from: Option<EntryIndex>) -> bool {
    record.acked != NEVER
        && record.stored != NEVER
        && record.excused == NEVER
        && owed_from.is_none_or(|from| record.acked > from)
}

fn tell(case: &Case<'_>, id: RecordId, how: Passed) -> Finding {
    let history = case.history;
    let partition = &history.partitions[id.slot];
    let record = history.record(id);
    let name = case.record_name(id);
    let owner = history.assignment(partition.current);
    let owner = owner.map_or_else(|| "its owner".into(), |owner| owner.member.to_string());
    let mut evidence = case.attempts_shown(record);
    evidence.push(record.acked);
    let later = history.assignments.iter();
    let later = later.filter(|next| next.slot == id.slot && next.position.covers(id.offset));
    evidence.extend(
        later
            .map(|next| next.entry)
            .find(|&next| next > record.acked),
    );
    let commits = &history.commits;
    let summary = match how {
        Passed::Committed(entry) => match commits.iter().find(|commit| commit.entry == entry) {
            Some(commit) => format!(
                "{name} is lost: {} committed {} past it, and it was never finished",
                commit.member, commit.next
            ),
            None => format!(
                "{name} is lost: the scenario moved the group's offset past it, and it was never \
                 finished"
            ),
        },
        Passed::Position(_) => format!(
            "{name} is lost: {owner} reads from {} on, and it was never finished",
            partition.position
        ),
        Passed::Skipped(_) => {
            format!("{name} is lost: {owner} went on with later records and never came back to it")
        }
        Passed::AtRest(_) => format!(
            "{name} is lost: the group has nothing left to commit, and it was never finished"
        ),
    };
    Finding::new(how.kind(), summary, evidence)
}
