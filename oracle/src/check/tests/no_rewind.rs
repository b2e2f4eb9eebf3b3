//! `no-rewind`.

use super::{Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn no_rewind() {
    check(
        Property::NoRewind,
        &[
            Trial {
                name: "forwards, and the same again",
                asks: &[],
                script: "A assigned p0 0\nA commits p0 3\nA commits p0 3\nA commits p0 5\nend",
                expected: Held,
            },
            Trial {
                name: "backwards, once",
                asks: &[],
                script: "A assigned p0 0\nA commits p0 3\nA commits p0 7\nA commits p0 3\nA commits p0 5\nend",
                expected: Violated(1),
            },
            Trial {
                name: "another partition",
                asks: &[],
                script: "A assigned p0 0\nA commits p0 3\nA commits p1 2\nend",
                expected: Held,
            },
            Trial {
                name: "after the scenario reset it",
                asks: &[],
                script: "A assigned p0 0\nA commits p0 7\nreset p0 2\nA commits p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "below what the scenario reset it to",
                asks: &[],
                script: "A assigned p0 0\nA commits p0 7\nreset p0 9\nA commits p0 8\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after its member moved back",
                asks: &[],
                script: "A assigned p0 0\nA commits p0 7\nA seeks p0 9 2\nA commits p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "after another member moved back",
                asks: &[],
                script: "A assigned p0 0\nA commits p0 7\nB seeks p0 9 2\nA commits p0 3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after its member moved back, under an assignment that is over",
                asks: &[],
                script: "A assigned p0 0\nA seeks p0 9 2\nA commits p0 7\nA assigned p0 7\nA commits p0 3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "no commit",
                asks: &[],
                script: "end",
                expected: NotObserved,
            },
        ],
    );
}
