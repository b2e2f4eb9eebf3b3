#![doc = include_str!("../promises/bounded-redelivery.md")]

use super::findings::{Case, Finding, Findings};
use super::history::Attempt;
use crate::Judgement;
use plimsoll_core::Outcome;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let config = &case.terms.config;
    let mut findings = Findings::default();
    for attempt in case.history.attempts.iter() {
        let chances = attempt.chances.max(1);
        let too_often = match config.dead_letters {
            true => attempt.deliveries > config.retry.attempts.saturating_mul(chances),
            false => attempt.outcome == Some(Outcome::Ok) && attempt.oks > chances,
        };
        if too_often {
            findings.add(case, attempt.entry, || tell(case, attempt));
        }
    }
    findings.or_held(!case.history.attempts.is_empty(), "no record was delivered")
}

fn tell(case: &Case<'_>, attempt: &Attempt) -> Finding {
    let record = case.history.record(attempt.record);
    let name = case.record_name(attempt.record);
    let disruptions = attempt.chances.max(1) - 1;
    let config = &case.terms.config;
    let summary = match config.dead_letters {
        true => format!(
            "{name} was delivered {} times, with a budget of {} and {disruptions} disruptions of \
             its partition since",
            attempt.deliveries, config.retry.attempts
        ),
        false => format!(
            "{name} was processed {} times, with {disruptions} disruptions of its partition since",
            attempt.oks
        ),
    };
    Finding::new("over-budget", summary, case.attempts_shown(record))
}
