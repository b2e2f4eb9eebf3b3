//! `clean-shutdown`: a graceful stop ends in time and causes no duplicate.
//!
//! Judged of every member that was asked to stop, that neither crashed, stood still nor lost its
//! partitions before it had stopped, and that nothing kept from committing meanwhile. Its
//! duplicates are the records of the partitions which it owned when it was asked, that stood below
//! its watermark when it had stopped and are delivered again under a later assignment: what it had
//! finished beyond a record that failed or hung, it could not commit.

use super::bounded_duplicates::rewound;
use super::findings::{Case, Finding, Findings};
use super::history::Stop;
use super::ids::{EntryIndex, NEVER};
use super::obstacles::Obstacles;
use super::watermark::Passes;
use crate::Judgement;

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
        if stop.disturbed || obstacles.hinder(stop.member, asked, stopped) {
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
        passes.read(history, id);
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
