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
                expected: NotObserved,
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
                name: "after its member moved back, which resets nothing",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..9\nA does p0 0..7\nA commits p0 7\nA seeks p0 9 2\nA commits p0 3\nA commits p0 2\nend",
                expected: Violated(2),
            },
            Trial {
                name: "after its member moved back to what was committed, and on from there",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..9\nA does p0 0..9\nA commits p0 7\nA seeks p0 9 7\nA commits p0 8\nend",
                expected: Held,
            },
            Trial {
                name: "after its member had stood beyond the end of a log that was never cut",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..7\nA does p0 0..7\nA commits p0 7\nA out-of-range p0 9\nA seeks p0 9 2\nA commits p0 3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after the log was cut, to where its owner moved back",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..9\nA does p0 0..9\nA commits p0 9\ncut p0 5\nA out-of-range p0 9\nA seeks p0 9 2\nA commits p0 3\nA commits p0 5\nend",
                expected: Held,
            },
            Trial {
                name: "after the log was cut, to its new end",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..9\nA does p0 0..9\nA commits p0 9\ncut p0 5\nA commits p0 5\nend",
                expected: Held,
            },
            Trial {
                name: "after the log was cut, below its new end by the member's own will",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..9\nA does p0 0..9\nA commits p0 9\ncut p0 5\nA commits p0 4\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after the log was cut, twice: the cut excuses once",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..9\nA does p0 0..9\nA commits p0 9\ncut p0 5\nA seeks p0 9 2\nA commits p0 4\nA seeks p0 9 2\nA commits p0 3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after the log was cut, and a move to where it stood does not use that up",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..9\nA does p0 0..9\nA commits p0 9\ncut p0 5\nA seeks p0 9 9\nA commits p0 5\nA seeks p0 9 2\nA commits p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "after the log was cut, by its own will from the new end on",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..9\nA does p0 0..9\nA commits p0 9\ncut p0 5\nA seeks p0 5 2\nA commits p0 3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after the log was cut, by its own will from below the new end",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..9\nA does p0 0..9\nA commits p0 9\ncut p0 5\nA seeks p0 4 2\nA commits p0 3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after a cut, by the owner that came after one that had moved back and died",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..9\nA does p0 0..9\nA commits p0 9\ncut p0 5\nA seeks p0 9 2\nA crashes\nB assigned p0 9\nB seeks p0 9 2\nB commits p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "after retention, which moves positions forwards only",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..9\nA does p0 0..7\nA commits p0 7\nremoved p0 5\nA commits p0 5\nend",
                expected: Violated(1),
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
                name: "late, and made good by the next commit",
                asks: &[],
                script: "A assigned p0 0\n@1\nA commits p0 7\n@2\nA late p0 3\n@5\nA commits p0 7\n@60\nend",
                expected: Held,
            },
            Trial {
                name: "late, and made good by a commit that goes on",
                asks: &[],
                script: "A assigned p0 0\n@1\nA commits p0 7\n@2\nA late p0 3\n@5\nA commits p0 9\n@60\nend",
                expected: Held,
            },
            Trial {
                name: "late, and left there",
                asks: &[],
                script: "A assigned p0 0\n@1\nA commits p0 7\n@2\nA late p0 3\n@60\nend",
                expected: Violated(1),
            },
            Trial {
                name: "late, and left below what stood there",
                asks: &[],
                script: "A assigned p0 0\n@1\nA commits p0 7\n@2\nA late p0 3\n@5\nA commits p0 6\n@60\nend",
                expected: Violated(1),
            },
            Trial {
                name: "late, and its owner died before it could make it good",
                asks: &[],
                script: "A assigned p0 0\n@1\nA commits p0 7\n@2\nA late p0 3\n@3\nA crashes\n@9\nB assigned p0 3\n@12\nB commits p0 5\n@60\nend",
                expected: Held,
            },
            Trial {
                name: "late, and hindered until it was made good",
                asks: &[],
                script: "A assigned p0 0\n@1\nA commits p0 7\n@2\nA pauses\nA late p0 3\n@40\nA resumes\nA commits p0 7\n@60\nend",
                expected: Held,
            },
            Trial {
                name: "late, and ahead of what stood there",
                asks: &[],
                script: "A assigned p0 0\n@1\nA commits p0 3\n@2\nA late p0 7\n@60\nend",
                expected: Held,
            },
            Trial {
                name: "late, which excuses one commit",
                asks: &[],
                script: "A assigned p0 0\n@1\nA commits p0 7\n@2\nA late p0 3\nA commits p0 2\nA commits p0 7\n@60\nend",
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
