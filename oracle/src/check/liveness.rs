//! `liveness`: within a stated time after all faults are healed, every group has lag zero and
//! stable membership.

use super::findings::{Case, Findings};
use super::history::{NEVER, at};
use crate::Judgement;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    if history.healed == NEVER {
        return Judgement::NotObserved("the run ended before everything was healed");
    }
    let within = case.terms.liveness_within;
    let due = at(case.trace, history.healed) + within;
    let mut findings = Findings::default();
    if at(case.trace, history.quiet) > due {
        let shown = history.quiet.min(history.ended);
        let shown = if shown == NEVER {
            history.healed
        } else {
            shown
        };
        findings.add(case, shown, || tell(case, within.as_secs_f64()));
    }
    findings.or_held(true, "")
}

fn tell(case: &Case<'_>, within: f64) -> (String, Vec<u32>) {
    let history = case.history;
    let stuck = first_unfinished(case);
    let waiting = match (stuck, history.lag) {
        (Some((slot, offset)), _) => {
            format!("{} was still not finished", case.record_name(slot, offset))
        }
        (None, 1) => "1 record was finished but not committed".into(),
        (None, 0) => "the group had not come to rest".into(),
        (None, lag) => format!("{lag} records were finished but not committed"),
    };
    let summary = match history.quiet {
        NEVER => format!("{within}s after everything was healed, {waiting}"),
        quiet => {
            let took = at(case.trace, quiet) - at(case.trace, history.healed);
            format!(
                "the group came to rest {:.1}s after the healing",
                took.as_secs_f64()
            )
        }
    };
    let mut evidence = vec![history.healed, history.ended];
    if let Some((slot, offset)) = stuck {
        let record = history.record(slot, offset);
        evidence.push(record.stored);
        evidence.extend(case.attempts_shown(record));
    }
    (summary, evidence)
}

/// The first readable record that nobody finished.
fn first_unfinished(case: &Case<'_>) -> Option<(u32, u32)> {
    let partitions = (0..).zip(case.history.partitions());
    partitions
        .filter_map(|(slot, partition)| {
            let mut records = partition.records.iter();
            let offset =
                records.position(|record| record.stored != NEVER && record.settled() == NEVER)?;
            Some((slot, offset as u32))
        })
        .min_by_key(|&(slot, offset)| case.history.record(slot, offset).stored)
}
