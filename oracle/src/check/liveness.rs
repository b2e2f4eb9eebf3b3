//! `liveness`: within a stated time after all faults are healed, every group has lag zero and
//! stable membership.
//!
//! A group that was at rest stays so: a lag at the end contradicts that.

use super::findings::{Case, Finding, Findings};
use super::ids::{NEVER, RecordId};
use crate::Judgement;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    if history.healed == NEVER {
        return Judgement::NotObserved("the run ended before everything was healed");
    }
    let within = case.terms.liveness_within;
    let due = case.at(history.healed) + within;
    let mut findings = Findings::default();
    if case.at(history.quiet) > due {
        let shown = history.quiet.min(history.ended);
        let shown = if shown == NEVER {
            history.healed
        } else {
            shown
        };
        findings.add(case, shown, || tell(case, within.as_secs_f64()));
    } else if history.lag > 0 {
        findings.add(case, history.ended, || {
            let summary = format!(
                "the group came to rest, and ended with a lag of {}",
                history.lag
            );
            Finding::new("rest-broken", summary, vec![history.quiet])
        });
    }
    findings.or_held(true, "")
}

fn tell(case: &Case<'_>, within: f64) -> Finding {
    let history = case.history;
    let stuck = first_unfinished(case);
    let waiting = match (stuck, history.lag) {
        (Some(id), _) => format!("{} was still not finished", case.record_name(id)),
        (None, 1) => "1 record was finished but not committed".into(),
        (None, 0) => "the group had not come to rest".into(),
        (None, lag) => format!("{lag} records were finished but not committed"),
    };
    let (kind, summary) = match history.quiet {
        NEVER => (
            match stuck {
                Some(_) => "unfinished",
                None => "uncommitted",
            },
            format!("{within}s after everything was healed, {waiting}"),
        ),
        quiet => {
            let took = case.at(quiet) - case.at(history.healed);
            let took = took.as_secs_f64();
            (
                "late",
                format!("the group came to rest {took:.1}s after the healing"),
            )
        }
    };
    let mut evidence = vec![history.healed, history.ended];
    if let Some(id) = stuck {
        let record = history.record(id);
        evidence.push(record.stored);
        evidence.extend(case.attempts_shown(record));
    }
    Finding::new(kind, summary, evidence)
}

/// Returns the first readable record that was never finished.
fn first_unfinished(case: &Case<'_>) -> Option<RecordId> {
    let partitions = case.history.partitions.with_ids();
    let firsts = partitions.filter_map(|(slot, partition)| {
        let mut records = partition.records.with_ids();
        let (offset, _) =
            records.find(|(_, record)| record.stored != NEVER && record.settled() == NEVER)?;
        Some(RecordId { slot, offset })
    });
    firsts.min_by_key(|&id| case.history.record(id).stored)
}
