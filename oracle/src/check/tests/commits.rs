//! `commit-covers-only-finished`, `no-rewind` and `no-zombie`.

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
                name: "another partition's records do not count",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nstore p1 0\nA commits p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "what retention removed before",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nremoved p0 3\nA commits p0 3\nend",
                expected: Held,
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
                expected: Held,
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

#[test]
fn no_zombie() {
    check(
        Property::NoZombie,
        &[
            Trial {
                name: "an owner at work",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA commits p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "a commit between two owners",
                asks: &[],
                script: "A assigned p0 0\nA revoked p0\nA commits p0 1\nA released p0\nB assigned p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "a commit after the next owner began",
                asks: &[],
                script: "A assigned p0 0\nA revoked p0\nB assigned p0 0\nA commits p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "by a member that never owned it",
                asks: &[],
                script: "B assigned p0 0\nA commits p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it got the partition back",
                asks: &[],
                script: "A assigned p0 0\nA revoked p0\nB assigned p0 0\nB revoked p0\nA assigned p0 0\nA commits p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "a handler that starts after the revocation",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA revoked p0\nA does p0 0..2\nend",
                expected: Violated(2),
            },
            Trial {
                name: "and after a loss",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA lost p0\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a handler that began before may end",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA revoked p0\nA ok p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a zombie that does not know yet",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nB assigned p0 0\nA begins p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "after a revocation and a new assignment",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA revoked p0\nA assigned p0 0\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a new process knows nothing of the revocation",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA revoked p0\nA crashes\nA starts\nA begins p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "another partition's revocation",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nA revoked p1\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "nobody had anything",
                asks: &[],
                script: "end",
                expected: NotObserved,
            },
        ],
    );
}
