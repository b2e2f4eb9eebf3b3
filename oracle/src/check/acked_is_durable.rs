#![doc = include_str!("../promises/acked-is-durable.md")]

use super::findings::{Case, Finding, Findings};
use super::history::Ack;
use super::ids::{NEVER, RecordId};
use crate::{Judgement, MessageId};

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    if !case.terms.acks_all {
        return Judgement::NotObserved("the producer does not wait for all replicas");
    }
    let history = case.history;
    let mut findings = Findings::default();
    for ack in &history.acks {
        let record = history.record(ack.record);
        let log_start = history.partitions[ack.record.slot].log_start;
        let removed = log_start.covers(ack.record.offset);
        let missing = record.stored == NEVER && !removed;
        if missing || record.message != Some(ack.message) {
            findings.add(case, ack.entry, || tell(case, ack));
        }
    }
    findings.or_held(!history.acks.is_empty(), "nothing was acknowledged")
}

fn tell(case: &Case<'_>, ack: &Ack) -> Finding {
    let RecordId { slot, offset } = ack.record;
    let record = case.history.record(ack.record);
    let partition = case.partition_name(slot);
    let acked = format!(
        "message {} was acknowledged at {partition}@{offset}",
        ack.message.0
    );
    let cut = case.history.cut_off(ack.record, NEVER);
    let (kind, summary) = match record.message {
        Some(MessageId(other)) if record.stored != NEVER => {
            ("replaced", format!("{acked}, where message {other} stands"))
        }
        _ if cut.is_some() => (
            "cut-off",
            format!("{acked}, where the log was cut off after it could be read"),
        ),
        _ => (
            "never-readable",
            format!("{acked}, and never became readable"),
        ),
    };
    let cut = cut.map_or(NEVER, |cut| cut.entry);
    Finding::new(kind, summary, vec![record.stored, cut])
}
