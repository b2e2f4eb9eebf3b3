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
                name: "three attempts, the last of them after the copy",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA dead-letters p0 0\nA begins p0 0\nA fails p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "an error for good, but after the copy",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA writes p0 0\nA permanent p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a failure for the moment alone",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA dead-letters p0 0\nend",
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
                name: "a zombie's third attempt fails while the new owner tries the record too",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nB assigned p0 0\nB begins p0 0\nA fails p0 0\nA dead-letters p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a permanent error",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "twice, by two assignments",
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
                name: "a copy under way while its partition was lost and came back",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA lost p0\nA assigned p0 0\nA begins p0 0\nA fails p0 0\nA writes p0 0 1\nend",
                expected: Held,
            },
            Trial {
                name: "an earlier assignment's failures are not this one's",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA lost p0\nA assigned p0 0\nA begins p0 0\nA fails p0 0\nA writes p0 0 2\nend",
                expected: Violated(1),
            },
            Trial {
                name: "where the assignment cannot be seen, any will do",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA lost p0\nA assigned p0 0\nA begins p0 0\nA fails p0 0\nA writes p0 0 -\nend",
                expected: Held,
            },
            Trial {
                name: "where it cannot be seen, one must be found all the same",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA writes p0 0 -\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it went well under the assignment that wrote the copy",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA crashes\nB assigned p0 0\nB does p0 0\nB dead-letters p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it went well under one, and the copy is another's",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA lost p0\nB assigned p0 0\nB does p0 0\nA writes p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "an answer that came when the deadline ran out counts as a failure",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\n@60\nA ok p0 0\nA dead-letters p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "so does one that its process slept through",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA pauses\nA ok p0 0\n@61\nA resumes\nA dead-letters p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "one that it learns in time does not",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA pauses\nA ok p0 0\n@50\nA resumes\nA dead-letters p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "and a handler whose stop cannot be seen",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\n@61\nA dead-letters p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "twice under one assignment",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nA dead-letters p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "two records, once each",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nA begins p0 1\nA permanent p0 1\nA dead-letters p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "two records at the same offset of two partitions, once each",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nstore p1 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nA begins p1 0\nA permanent p1 0\nA dead-letters p1 0\nend",
                expected: Held,
            },
            Trial {
                name: "twice, by a member of which no assignment was seen",
                asks: &[],
                script: "store p0 0\nA begins p0 0\nA permanent p0 0\nA writes p0 0 1\nA learns p0 0 1\nA writes p0 0 1\nA learns p0 0 1\nend",
                expected: Held,
            },
            Trial {
                name: "twice, because its member did not learn of the first",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA writes p0 0\nA dead-letters p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "twice, and the first was stored last",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nA writes p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "twice, because the member moved back",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nA seeks p0 9 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "twice, as far as a backend shows that sees no assignments",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA writes p0 0 -\nA learns p0 0 -\nA writes p0 0 -\nA learns p0 0 -\nend",
                expected: Held,
            },
            Trial {
                name: "a permanent error that was committed past",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA commits p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the same, but the run broke off before everything was healed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA commits p0 1",
                expected: NotObserved,
            },
            Trial {
                name: "the same, and dead letters are not asked for",
                asks: &[Ask::NoDeadLetters],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA commits p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the same, but it was never readable",
                asks: &[],
                script: "A assigned p0 0\nA begins p0 0\nA permanent p0 0\nA commits p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the same, but retention removed it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nremoved p0 1\nA commits p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a budget that is used up over two assignments, and committed past",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nB assigned p0 0\nB begins p0 0\nB fails p0 0\nB commits p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the third attempt still runs when it is committed past",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA commits p0 1\nend",
                expected: NotObserved,
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
