//! `dead-letter-exact`.

use super::{Ask, Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn dead_letter_exact() {
    check(
        Property::DeadLetterExact,
        &[
            Trial {
                name: "three attempts",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA cancelled p0 0\nA begins p0 0\nA fails p0 0\nA dead-letters p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "two attempts are too few",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA dead-letters p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "three attempts, but over two assignments",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nB assigned p0 0\nB begins p0 0\nB fails p0 0\nB dead-letters p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a zombie's attempt in between changes nothing",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nB assigned p0 0\nB begins p0 0\nB fails p0 0\nB begins p0 0\nB fails p0 0\nA begins p0 0\nA fails p0 0\nB begins p0 0\nB fails p0 0\nB dead-letters p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a permanent error",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "twice, because its member died before it committed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nA crashes\nB assigned p0 0\nB begins p0 0\nB permanent p0 0\nB dead-letters p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a record that went well",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA dead-letters p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a permanent error that was committed past",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA commits p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a budget that was used up, and committed past",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA commits p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a failure below the budget is no matter of dead letters",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA commits p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a permanent error whose copy is not written yet",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nend late",
                expected: NotObserved,
            },
            Trial {
                name: "no dead letter was asked for",
                asks: &[Ask::NoDeadLetters],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "none was asked for, and none came",
                asks: &[Ask::NoDeadLetters],
                script: "A assigned p0 0\nend",
                expected: NotObserved,
            },
        ],
    );
}

#[test]
fn an_undecodable_record_needs_no_attempt() {
    use super::{Judge, script, terms};
    use plimsoll_core::TopicPartition;
    let trace = script::trace("A assigned p0 0\nstore p0 0\nA dead-letters p0 0\nend");
    let mut terms = terms(&[]);
    let mut judge = Judge::new();
    let mut convicts = |terms: &crate::Terms| {
        let verdict = judge.judge(terms, &trace, &[]);
        verdict.violates(Property::DeadLetterExact)
    };
    assert!(convicts(&terms));
    terms.undecodable = vec![script::message(TopicPartition::new(0, 0), 0)];
    assert!(!convicts(&terms));
}
