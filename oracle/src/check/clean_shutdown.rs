#![doc = include_str!("../promises/clean-shutdown.md")]

use super::bounded_duplicates::rewound;
use super::findings::{Case, Finding, Findings};
use super::history::{Attempt, Stop};
use super::ids::{EntryIndex, NEVER};
use super::obstacles::Obstacles;
use super::watermark::Passes;
use crate::Judgement;
use plimsoll_core::Instant;
use std::time::Duration;

/// The time after which a handler may have kept its member from polling.
const LONG_HANDLER: Duration = Duration::from_secs(1);

pub(super) fn judge(case: &Case<'_>, obstacles: &Obstacles) -> Judgement {
    let history = case.history;
    let mut findings = Findings::default();
    let mut passes = Passes::default();
    let mut judged = false;
    let last = EntryIndex::new(case.trace.entries().len().saturating_sub(1));
    let end = history.ended.min(last);
    for stop in &history.stops {
        let asked = case.at(stop.entry);
        let due = asked + case.terms.shutdown_within;
        let stopped = case.at(stop.stopped.min(end));
        if excused(case, obstacles, stop, (asked, stopped)) {
            continue;
        }
        if stop.stopped == NEVER && stopped <= due {
            continue;
        }
        judged = true;
        if stopped > due {
            findings.add(case, stop.stopped.min(end), || tell_late(case, stop));
        }
        find_duplicates(case, stop, &mut passes, &mut findings);
    }
    findings.or_held(judged, "no member was stopped gracefully and undisturbed")
}

/// Returns whether something kept a member from stopping as it should.
fn excused(
    case: &Case<'_>,
    obstacles: &Obstacles,
    stop: &Stop,
    (asked, stopped): (Instant, Instant),
) -> bool {
    let config = &case.terms.config;
    let deadline = asked + config.longest_shutdown();
    stop.disturbed
        || obstacles.hinder(stop.member, asked, stopped)
        || obstacles.refused_for_good(stop.member, (asked, stopped), deadline)
        || (stop.lost != NEVER && is_loss_explained(case, obstacles, stop))
}

/// Returns whether the group may have gone on without a member that took its partitions for lost
/// while it stopped: it was hindered, or missed a rebalance, or did not poll for long.
fn is_loss_explained(case: &Case<'_>, obstacles: &Obstacles, stop: &Stop) -> bool {
    let (asked, lost) = (case.at(stop.entry), case.at(stop.lost));
    let since = obstacles.settled_before(stop.member, asked, case.terms.settling);
    let attempts = case.history.attempts.iter();
    let of_member = attempts.filter(|attempt| attempt.member == stop.member);
    let mut running = of_member.filter(|a| a.entry < stop.lost && a.ended > stop.entry);
    let is_long = |attempt: &Attempt| {
        let ended = case.at(attempt.ended).min(lost);
        ended - case.at(attempt.entry) > LONG_HANDLER
    };
    obstacles.hinder(stop.member, since, asked)
        || obstacles.others_moved(stop.member, since, lost)
        || running.any(is_long)
}

fn find_duplicates(case: &Case<'_>, stop: &Stop, passes: &mut Passes, findings: &mut Findings) {
    let history = case.history;
    let repeats = || {
        let repeats = history.repeats();
        repeats.filter(|repeat| repeat.entry > stop.stopped)
    };
    if repeats().next().is_none() {
        return;
    }
    for (id, owner) in history.assignments.with_ids() {
        if owner.member != stop.member || owner.ended != stop.entry {
            continue;
        }
        passes.read(case, id);
        let again = repeats().filter(|repeat| repeat.record.slot == owner.slot);
        for repeat in again.filter(|repeat| repeat.is_under_later(id)) {
            let passed = passes.at(repeat.record.offset);
            if passed < stop.stopped && !rewound(case, repeat, passed) {
                findings.add(case, repeat.entry, || {
                    let name = case.record_name(repeat.record);
                    let summary = format!(
                        "{} started {name} again, which {} had finished before it stopped \
                         gracefully",
                        repeat.member, stop.member
                    );
                    let evidence = vec![owner.entry, passed, stop.entry, stop.stopped];
                    Finding::new("repeated", summary, evidence)
                });
            }
        }
    }
}

fn tell_late(case: &Case<'_>, stop: &Stop) -> Finding {
    let within = case.terms.shutdown_within.as_secs_f64();
    let summary = match stop.stopped {
        NEVER => format!(
            "{} was asked to stop, and had not stopped after {within}s",
            stop.member
        ),
        stopped => {
            let took = case.at(stopped) - case.at(stop.entry);
            format!(
                "{} took {:.1}s to stop; {within}s were allowed",
                stop.member,
                took.as_secs_f64()
            )
        }
    };
    Finding::new("late", summary, vec![stop.entry])
}
