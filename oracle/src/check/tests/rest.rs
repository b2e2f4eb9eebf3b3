//! `liveness`, `clean-shutdown`, `exactly-once`, and what a backend cannot observe.

use super::{
    Held, Judge, Judgement, NotObserved, Trial, Violated, check, judgement, script, terms,
};
use crate::Property;

#[test]
fn liveness() {
    check(
        Property::Liveness,
        &[
            Trial {
                name: "at rest in time",
                asks: &[],
                script: "@10\nhealed\n@69\nquiet\nended 0",
                expected: Held,
            },
            Trial {
                name: "at rest too late",
                asks: &[],
                script: "@10\nhealed\n@71\nquiet\nended 0",
                expected: Violated(1),
            },
            Trial {
                name: "never at rest",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@10\nhealed\n@71\nended 1",
                expected: Violated(1),
            },
            Trial {
                name: "not healed",
                asks: &[],
                script: "A assigned p0 0",
                expected: NotObserved,
            },
        ],
    );
}

#[test]
fn clean_shutdown() {
    check(
        Property::CleanShutdown,
        &[
            Trial {
                name: "in time, nothing comes again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\nA stopping\nA commits p0 2\nA stopped\nB assigned p0 2\nend",
                expected: Held,
            },
            Trial {
                name: "what it had finished comes again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\nA stopping\nA stopped\nB assigned p0 0\nB does p0 0..2\nend",
                expected: Violated(2),
            },
            Trial {
                name: "what it finished while it drained comes again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA stopping\nA ok p0 0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "what it had cancelled comes again, and what stood behind it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA does p0 1\nA stopping\nA cancelled p0 0\nA stopped\nB assigned p0 0\nB does p0 0..2\nend",
                expected: Held,
            },
            Trial {
                name: "too slow",
                asks: &[],
                script: "A assigned p0 0\nA stopping\n@41\nA stopped\nend",
                expected: Violated(1),
            },
            Trial {
                name: "never",
                asks: &[],
                script: "A assigned p0 0\nA stopping\n@41\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the run was over before it had to be",
                asks: &[],
                script: "A assigned p0 0\nA stopping\n@30\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it crashed on the way",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA stopping\nA crashes\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it crashed on the way, long before the end",
                asks: &[],
                script: "A assigned p0 0\nA stopping\nA crashes\n@60\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it gives its partitions up on the way, and commits nothing",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA stopping\nA revoked p0\nA released p0\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its commit was refused",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA stopping\nA sends\nA refused\nA stopped\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it was no owner any more",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nB assigned p0 0\nA stopping\nA stopped\nB does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "nobody stopped",
                asks: &[],
                script: "A assigned p0 0\nA crashes\nend",
                expected: NotObserved,
            },
        ],
    );
}

#[test]
fn exactly_once() {
    check(
        Property::ExactlyOnce,
        &[Trial {
            name: "there are no transactions yet",
            asks: &[],
            script: "A assigned p0 0\nend",
            expected: NotObserved,
        }],
    );
}

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
    let sentence = "orders-1@0 (message 1000) is lost: consumer-1 committed 2 past it, and nobody \
                    ever finished it";
    assert_eq!(violation.summary, sentence);
    // Its acknowledgement, its failed attempt, and the commit.
    assert_eq!(violation.evidence, [2, 5, 6, 10]);
    assert_eq!(violation.at, trace.entries()[10].at);
}
