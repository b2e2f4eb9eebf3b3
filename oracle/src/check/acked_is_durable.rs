//! `acked-is-durable`: the cluster itself kept what it acknowledged (guards the simulator;
//! reported apart).
//!
//! With acks=all, every acknowledged message is stored at the offset that the producer was told,
//! by the end of the run, unless retention removed it. A weaker acknowledgement promises nothing
//! that a broker's crash could not break.

use super::findings::{Case, Findings};
use super::history::{Ack, NEVER};
use crate::Judgement;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    if !case.terms.acks_all {
        return Judgement::NotObserved("the producer does not wait for all replicas");
    }
    let history = case.history;
    let mut findings = Findings::default();
    for ack in &history.acks {
        let record = history.record(ack.slot, ack.offset);
        let removed = u64::from(ack.offset) < history.partition(ack.slot).log_start;
        let missing = record.stored == NEVER && !removed;
        if missing || record.message != ack.message {
            findings.add(case, ack.entry, || tell(case, ack));
        }
    }
    findings.or_held(!history.acks.is_empty(), "nothing was acknowledged")
}

fn tell(case: &Case<'_>, ack: &Ack) -> (String, Vec<u32>) {
    let record = case.history.record(ack.slot, ack.offset);
    let partition = case.partition_name(ack.slot);
    let (message, offset) = (ack.message, ack.offset);
    let summary = match record.stored {
        NEVER => format!(
            "message {message} was acknowledged at {partition}@{offset}, and never became readable"
        ),
        _ => format!(
            "message {message} was acknowledged at {partition}@{offset}, where message {} stands",
            record.message
        ),
    };
    (summary, vec![record.stored])
}
