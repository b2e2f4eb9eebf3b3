#![doc = include_str!("../promises/progress.md")]

use super::findings::{Case, Finding, Findings};
use super::ids::RecordId;
use super::pace::Pace;
use super::stalls::{Stall, Stalls};
use crate::Judgement;

pub(super) fn judge(case: &Case<'_>, stalls: &Stalls, pace: &Pace) -> Judgement {
    let mut findings = Findings::default();
    for stall in &stalls.found {
        findings.add(case, stall.until, || tell(case, stall));
    }
    findings.or_held(
        pace.longest_exposure > case.terms.progress_within,
        "no partition had an owner, something to handle and the time to stand still too long",
    )
}

fn tell(case: &Case<'_>, stall: &Stall) -> Finding {
    let history = case.history;
    let owner = &history.assignments[stall.owner];
    let partition = case.partition_name(owner.slot);
    let records = match stall.waiting {
        1 => "a record".into(),
        waiting => format!("{waiting} records"),
    };
    let summary = format!(
        "{partition} stood still for {:.1}s, in which nothing hindered {}, its owner, and {records} \
         waited to be handled",
        stall.counted.as_secs_f64(),
        owner.member,
    );
    let mut evidence = vec![owner.entry, stall.from];
    let mut records = history.partitions[owner.slot].records.with_ids();
    let first = records.find(|(offset, record)| {
        !owner.position.covers(*offset)
            && record.stored <= stall.until
            && record.settled() >= stall.until
    });
    if let Some((offset, _)) = first {
        let id = RecordId {
            slot: owner.slot,
            offset,
        };
        evidence.push(history.record(id).stored);
    }
    let kind = match stall.moved {
        true => "late",
        false => "forgotten",
    };
    Finding::new(kind, summary, evidence)
}
