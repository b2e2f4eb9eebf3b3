//! What holds for every property.

use super::{Judge, Judgement, judgement, script, terms};
use crate::Property;

#[test]
fn what_a_backend_cannot_observe_is_not_judged() {
    let trace = script::trace("A assigned p0 0\nstore p0 0\nA commits p0 1\nend");
    let hidden = [(Property::NoLoss, "for a reason")];
    let verdict = Judge::new().judge(&terms(&[]), &trace, &hidden);
    let expected = Judgement::NotObserved("for a reason");
    assert_eq!(judgement(&verdict, Property::NoLoss), &expected);
    assert!(verdict.violates(Property::CommitCoversOnlyFinished));
}

#[test]
fn a_violation_names_the_record_and_shows_it() {
    let trace = script::trace(
        "A assigned p1 0\nstore p1 0..2\nA begins p1 0\nA fails p1 0\nA does p1 1\nA commits p1 2\nend",
    );
    let verdict = Judge::new().judge(&terms(&[]), &trace, &[]);
    let (_, violation) = verdict.violations().next().expect("a violation");
    let sentence = "orders-1@0 (message 1000) is lost: consumer-1 committed 2 past it, and it \
                    was never finished";
    assert_eq!(violation.summary, sentence);
    // Its acknowledgement, its failed attempt, and the commit.
    assert_eq!(violation.evidence, [2, 5, 6, 10]);
    assert_eq!(violation.at, trace.entries()[10].at);
}
