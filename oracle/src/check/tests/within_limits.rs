//! `within-limits`.

use super::{Ask, Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn handlers_at_once() {
    check(
        Property::WithinLimits,
        &[
            Trial {
                name: "as many as are allowed",
                asks: &[Ask::TwoAtOnce],
                script: "A assigned p0 0\nstore p0 0..4\nA begins p0 0..2\nA ok p0 0\nA begins p0 2\nend",
                expected: Held,
            },
            Trial {
                name: "one more",
                asks: &[Ask::TwoAtOnce],
                script: "A assigned p0 0\nstore p0 0..4\nA begins p0 0..3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "over two partitions",
                asks: &[Ask::TwoAtOnce],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..2\nstore p1 0\nA begins p0 0..2\nA begins p1 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "of two members",
                asks: &[Ask::TwoAtOnce],
                script: "A assigned p0 0\nB assigned p1 0\nstore p0 0..2\nstore p1 0..2\nA begins p0 0..2\nB begins p1 0..2\nend",
                expected: Held,
            },
            Trial {
                name: "of two processes",
                asks: &[Ask::TwoAtOnce],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0..2\nA crashes\nA starts\nA assigned p0 0\nA begins p0 0..2\nend",
                expected: Held,
            },
            Trial {
                name: "two had outlasted their deadlines",
                asks: &[Ask::TwoAtOnce],
                script: "A assigned p0 0\nstore p0 0..4\nA begins p0 0..2\n@61\nA begins p0 2..4\nend",
                expected: Held,
            },
            Trial {
                name: "one was of an assignment that is over",
                asks: &[Ask::TwoAtOnce],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..3\nstore p1 0\nA begins p0 0..2\nA lost p0\nA begins p1 0\nend",
                expected: Held,
            },
            Trial {
                name: "one was stopped",
                asks: &[Ask::TwoAtOnce],
                script: "A assigned p0 0\nstore p0 0..3\nA begins p0 0..2\nA cancelled p0 0\nA begins p0 2\nend",
                expected: Held,
            },
            Trial {
                name: "never as many as are allowed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\nend",
                expected: NotObserved,
            },
            Trial {
                name: "one after the other, as many in all as are allowed at once",
                asks: &[Ask::TwoAtOnce],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nend",
                expected: NotObserved,
            },
        ],
    );
}

#[test]
fn pauses() {
    check(
        Property::WithinLimits,
        &[
            Trial {
                name: "shortened by all the jitter",
                asks: &[Ask::Backoff],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\n@0.753\nA begins p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "shortened by more",
                asks: &[Ask::Backoff],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\n@0.752\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it does not double",
                asks: &[Ask::Backoff],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\n@1\nA begins p0 0\nA fails p0 0\n@2.4\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it doubles",
                asks: &[Ask::Backoff],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\n@1\nA begins p0 0\nA cancelled p0 0\n@2.7\nA begins p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "from the start under another assignment",
                asks: &[Ask::Backoff],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA lost p0\nA assigned p0 0\nA does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "not after a step back",
                asks: &[Ask::Backoff],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA seeks p0 9 0\nA does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "not after it went well",
                asks: &[Ask::Backoff],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "not where a beginning was not seen",
                asks: &[Ask::Backoff],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA ok p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "not between two handlers at once",
                asks: &[Ask::Backoff],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA begins p0 0\nA fails p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the sink saw the stop later than its deadline",
                asks: &[Ask::Backoff],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\n@60.3\nA cancelled p0 0\n@60.8\nA begins p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "the longest pause past the budget, where there are no dead letters",
                asks: &[Ask::Backoff, Ask::NoDeadLetters],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\n@1\nA begins p0 0\nA fails p0 0\n@3\nA begins p0 0\nA fails p0 0\n@10\nA begins p0 0\nend",
                expected: Violated(1),
            },
        ],
    );
}

/// A script of records that fail once and are tried again after the pause of the name.
fn retries(pauses: &[f64]) -> String {
    let mut script = format!("A assigned p0 0\nstore p0 0..{}\n", pauses.len());
    for (offset, pause) in pauses.iter().enumerate() {
        let at = 10 * (offset + 1);
        // Two entries come before the failure, and one before the next attempt.
        let again = at as f64 + 0.001 + pause;
        script += &format!("@{at}\nA begins p0 {offset}\nA fails p0 {offset}\n");
        script += &format!("@{again}\nA does p0 {offset}\n");
    }
    script + "end"
}

#[test]
fn jitter() {
    let trial = |asks, pauses: &[f64], expected| {
        let script = Box::leak(retries(pauses).into_boxed_str());
        let name = "pauses";
        let trial = Trial {
            name,
            asks,
            script,
            expected,
        };
        check(Property::WithinLimits, &[trial]);
    };
    const JITTER: &[Ask] = &[Ask::Backoff];
    const NONE: &[Ask] = &[Ask::Backoff, Ask::NoJitter];
    trial(NONE, &[1.0; 8], Held);
    trial(JITTER, &[1.0; 8], Violated(1));
    trial(JITTER, &[1.0; 7], Held);
    trial(JITTER, &[1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.9], Held);
    trial(JITTER, &[1.01; 12], Held);
    // A pause is measured to a millisecond.
    trial(JITTER, &[0.999; 8], Violated(1));
    trial(JITTER, &[0.998; 8], Held);
    trial(JITTER, &[1.001; 8], Held);
}
