//! `commit-covers-only-finished`.

use super::{Ask, Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn commit_covers_only_finished() {
    check(
        Property::CommitCoversOnlyFinished,
        &[
            Trial {
                name: "all below were finished",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "no commit",
                asks: &[],
                script: "A assigned p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a commit of the start alone",
                asks: &[],
                script: "A assigned p0 0\nA commits p0 0\nstore p0 0..3\nend late",
                expected: NotObserved,
            },
            Trial {
                name: "two records were not",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..4\nA does p0 0\nA does p0 3\nA commits p0 4\nA commits p0 4\nend",
                expected: Violated(2),
            },
            Trial {
                name: "finished an instant too late",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA commits p0 1\nA ok p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "by a dead letter of which its member has not learned",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA writes p0 0\nA commits p0 1\nA learns p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "by an acknowledged dead letter",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nA commits p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "a dead letter that was not awaited",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA permanent p0 0\nA commits p0 1\nA dead-letters p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "beyond the end, which is nothing yet; the next commit covers it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 2\nstore p0 1..3\nA does p0 2\nA commits p0 3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the trace learns of a record after the commit: at most once, on real Kafka",
                asks: &[],
                script: "A assigned p0 0\nA commits p0 2\nA begins p0 0\nstore p0 0..2\nA ok p0 0\nA does p0 1\nend",
                expected: Violated(2),
            },
            Trial {
                name: "the same, but handled first",
                asks: &[],
                script: "A assigned p0 0\nA does p0 0..2\nA commits p0 2\nstore p0 0..2\nend",
                expected: Held,
            },
            Trial {
                name: "beyond the end, though what came later was handled before the next commit",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 2\nstore p0 1\nA does p0 1\nA commits p0 2\nend",
                expected: Violated(1),
            },
            Trial {
                name: "an offset without a record, such as a transaction's marker",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 2\nstore p0 2\nA does p0 2\nA commits p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "what took the place of a finished record that was cut off",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 3\ncut p0 2\nA seeks p0 3 2\nreplaced p0 2\nend",
                expected: Held,
            },
            Trial {
                name: "beyond the end, and the log of another partition is cut",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p1 0..3\nA commits p0 1\ncut p1 0\nstore p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "what the trace learns of late, below a cut",
                asks: &[],
                script: "A assigned p0 0\nstore p0 1..3\nA does p0 1..3\nA commits p0 3\ncut p0 2\nstore p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the same, and the next commit covers it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 3\ncut p0 2\nA seeks p0 3 2\nreplaced p0 2\nA commits p0 3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "from latest, what the trace learns of just after the start",
                asks: &[Ask::Latest],
                script: "A assigned p0 2\nA commits p0 2\n@4\nstore p0 0..2\nend",
                expected: NotObserved,
            },
            Trial {
                name: "from latest, beyond the end",
                asks: &[Ask::Latest],
                script: "A assigned p0 2\nA commits p0 2\n@6\nstore p0 0..2\nend",
                expected: Violated(2),
            },
            Trial {
                name: "another partition's records do not count",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nstore p1 0\nA commits p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "what retention removed before",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nremoved p0 3\nA commits p0 3\nend",
                expected: NotObserved,
            },
            Trial {
                name: "what retention removed only after",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA commits p0 3\nremoved p0 3\nend",
                expected: Violated(3),
            },
            Trial {
                name: "what the scenario skipped",
                asks: &[],
                script: "store p0 0..3\nreset p0 2\nA assigned p0 2\nA does p0 2\nA commits p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "skipped, and then unskipped",
                asks: &[],
                script: "store p0 0..3\nreset p0 2\nreset p0 0\nA assigned p0 0\nA does p0 2\nA commits p0 3\nend",
                expected: Violated(2),
            },
            Trial {
                name: "from latest, what was there before",
                asks: &[Ask::Latest],
                script: "store p0 0..3\nA assigned p0 3\nA commits p0 3\nend",
                expected: NotObserved,
            },
            Trial {
                name: "an owner that skips what the cluster still holds",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA seeks p0 0 3\nA commits p0 3\nend",
                expected: Violated(3),
            },
        ],
    );
}
