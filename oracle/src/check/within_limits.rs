#![doc = include_str!("../promises/within-limits.md")]

use super::findings::{Case, Finding, Findings};
use super::history::Attempt;
use super::ids::{AttemptId, EntryIndex};
use crate::Judgement;
use plimsoll_core::Outcome;
use std::time::Duration;

/// The number of pauses without any jitter that is no coincidence.
const NO_COINCIDENCE: usize = 8;

/// The least jitter that can be told from none.
const LEAST_JITTER: Duration = Duration::from_millis(20);

/// Time by which a pause may be measured wrong.
const PRECISION: Duration = Duration::from_millis(1);

/// The number of failures beyond which a pause doubles no more.
const LAST_DOUBLING: usize = 32;

pub(super) fn judge(case: &Case<'_>) -> Judgement {
    let history = case.history;
    let mut findings = Findings::default();
    for &id in &history.crowds {
        let running = running_at(case, id);
        if running > case.terms.config.max_in_flight {
            let attempt = &history.attempts[id];
            findings.add(case, attempt.entry, || tell_crowd(case, attempt, running));
        }
    }
    let mut punctual = Vec::new();
    let (mut paused, mut jittered) = (false, false);
    for attempt in history.attempts.iter() {
        let Some(pause) = pause_before(case, attempt) else {
            continue;
        };
        paused = true;
        if pause.took + PRECISION < pause.shortest {
            findings.add(case, attempt.entry, || tell_hasty(case, attempt, pause));
        }
        if pause.full - pause.shortest >= LEAST_JITTER {
            jittered |= pause.took + PRECISION < pause.full;
            if pause.took < pause.full + PRECISION {
                punctual.push(attempt.entry);
            }
        }
    }
    if punctual.len() >= NO_COINCIDENCE && !jittered {
        let shown = punctual[NO_COINCIDENCE - 1];
        findings.add(case, shown, || tell_punctual(punctual));
    }
    findings.or_held(
        paused || history.at_limit,
        "no record was tried again under one assignment, and no member ran as many handlers as it may",
    )
}

/// Returns the number of its member's handlers that ran when an attempt began, itself included.
fn running_at(case: &Case<'_>, id: AttemptId) -> usize {
    let history = case.history;
    let attempt = &history.attempts[id];
    let before = history.attempts.rows_before(id).map(|(_, earlier)| earlier);
    let alive = before.take_while(|earlier| !case.outlasted(earlier, attempt.entry));
    let running = alive.filter(|earlier| {
        let owner = history.assignment(earlier.assignment);
        earlier.member == attempt.member
            && earlier.ended > attempt.entry
            && owner.is_none_or(|owner| owner.ended > attempt.entry)
    });
    1 + running.count()
}

/// A pause between two attempts at a record under one assignment.
#[derive(Clone, Copy)]
struct Pause {
    took: Duration,
    /// Its length without jitter.
    full: Duration,
    /// Its length with all the jitter that there may be.
    shortest: Duration,
    /// The end of the attempt that failed.
    failed: EntryIndex,
}

/// Returns the pause before an attempt that follows a failure under the same assignment.
fn pause_before(case: &Case<'_>, attempt: &Attempt) -> Option<Pause> {
    attempt.previous?;
    let history = case.history;
    let owner = history.assignment(attempt.assignment)?;
    let before = history.attempts_back_from(attempt.previous);
    let before = before.map(|id| &history.attempts[id]);
    let mut before = before.filter(|earlier| earlier.assignment == attempt.assignment);
    let failed = before.next()?;
    let known = attempt.ended != attempt.entry && failed.ended < attempt.entry;
    if !known || failed.outcome == Some(Outcome::Ok) {
        return None;
    }
    let failures = 1 + before.take(LAST_DOUBLING).count();
    let full = full_pause(case, failures)?;
    if case.moved_back(attempt.record, owner, attempt.entry) {
        return None;
    }
    let jitter = f64::from(case.terms.config.retry.jitter);
    Some(Pause {
        took: case.at(attempt.entry) - case.failed_at(failed),
        full,
        shortest: full.mul_f64(1.0 - jitter.clamp(0.0, 1.0)),
        failed: failed.ended,
    })
}

/// Returns the pause after a number of failures, without jitter; `None` where there should be a
/// dead letter instead of another attempt.
fn full_pause(case: &Case<'_>, failures: usize) -> Option<Duration> {
    let config = &case.terms.config;
    let (retry, doublings) = (&config.retry, failures as u32 - 1);
    if failures >= retry.attempts as usize {
        return (!config.dead_letters).then_some(retry.max_backoff);
    }
    let factor = 1_u32.checked_shl(doublings);
    let doubled = factor.and_then(|factor| retry.backoff.checked_mul(factor));
    Some(doubled.map_or(retry.max_backoff, |doubled| doubled.min(retry.max_backoff)))
}

fn tell_crowd(case: &Case<'_>, attempt: &Attempt, running: usize) -> Finding {
    let summary = format!(
        "{} started {} as its handler number {running} at once; {} are allowed",
        attempt.member,
        case.record_name(attempt.record),
        case.terms.config.max_in_flight
    );
    Finding::new("crowded", summary, Vec::new())
}

fn tell_hasty(case: &Case<'_>, attempt: &Attempt, pause: Pause) -> Finding {
    let summary = format!(
        "{} tried {} again {:.3}s after it had failed; the backoff is at least {:.3}s",
        attempt.member,
        case.record_name(attempt.record),
        pause.took.as_secs_f64(),
        pause.shortest.as_secs_f64()
    );
    Finding::new("hasty", summary, vec![pause.failed])
}

fn tell_punctual(punctual: Vec<EntryIndex>) -> Finding {
    let summary = format!(
        "{} attempts after a failure came at the very end of the backoff, and none sooner: there is \
         no jitter",
        punctual.len()
    );
    Finding::new("no-jitter", summary, punctual)
}
