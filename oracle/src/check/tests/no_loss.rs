//! `no-loss`.

use super::{Ask, Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn no_loss() {
    check(
        Property::NoLoss,
        &[
            Trial {
                name: "everything is finished",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "a commit passes a record that is never finished",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA begins p0 1\nA fails p0 1\nA does p0 2\nA commits p0 3\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the record is finished after the commit that passed it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA does p0 1\nA commits p0 2\nA ok p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "the group is back before the record: it is late, not lost",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA commits p0 2\nA commits p0 0\nend late",
                expected: NotObserved,
            },
            Trial {
                name: "nothing passed the record: it is late",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA commits p0 1\nend late",
                expected: NotObserved,
            },
            Trial {
                name: "an owner that skips a record and commits nothing",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA begins p0 1\nA fails p0 1\nA does p0 2\nend late",
                expected: Violated(1),
            },
            Trial {
                name: "the same, but the record is in its handler to the end",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA begins p0 1\nA does p0 2\nend late",
                expected: NotObserved,
            },
            Trial {
                name: "the same, but it is tried on without end",
                asks: &[Ask::NoDeadLetters],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA begins p0 1\nA fails p0 1\nA does p0 2\nhealed\n@58\nA begins p0 1\nA fails p0 1\n@61\nended 1",
                expected: NotObserved,
            },
            Trial {
                name: "the same, and its pause may just last as long as that",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA begins p0 1\nA fails p0 1\n@10\nA does p0 2\nhealed\n@22.001\nended 1",
                expected: NotObserved,
            },
            Trial {
                name: "the same, a moment later",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA begins p0 1\nA fails p0 1\n@10\nA does p0 2\nhealed\n@22.002\nended 1",
                expected: Violated(1),
            },
            Trial {
                name: "the same, but all handlers that may run at once are at work elsewhere",
                asks: &[Ask::TwoAtOnce],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..2\nstore p1 0..2\nA does p0 1\nA begins p1 0..2\nend late",
                expected: NotObserved,
            },
            Trial {
                name: "the same, and a handler is free",
                asks: &[Ask::TwoAtOnce],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..2\nstore p1 0\nA does p0 1\nA begins p1 0\nend late",
                expected: Violated(1),
            },
            Trial {
                name: "the same, but it waits behind a record of its key that is tried on",
                asks: &[],
                script: "keys 1\nA assigned p0 0\nstore p0 0..2\nkeys 0\nstore p0 2\nA begins p0 0\nA does p0 2\nend late",
                expected: NotObserved,
            },
            Trial {
                name: "the same, but its owner died",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA begins p0 1\nA fails p0 1\nA does p0 2\nA crashes\nend late",
                expected: NotObserved,
            },
            Trial {
                name: "a record that was not acknowledged is not owed",
                asks: &[],
                script: "A assigned p0 0\nstored p0 0\nA commits p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "an acknowledged record that the cluster lost",
                asks: &[Ask::WeakAcks],
                script: "A assigned p0 0\nacked p0 0\nA commits p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "retention removed it first",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nremoved p0 2\nA seeks p0 0 2\nA does p0 2\nA commits p0 3\nend",
                expected: Held,
            },
            Trial {
                name: "the scenario skipped it: a loss by decision",
                asks: &[],
                script: "store p0 0..3\nreset p0 2\nA assigned p0 2\nA does p0 2\nA commits p0 3\nend",
                expected: Violated(2),
            },
            Trial {
                name: "a zombie's position is not the group's",
                asks: &[],
                script: "A assigned p0 0\nB assigned p0 0\nstore p0 0\nA seeks p0 0 5\nend late",
                expected: NotObserved,
            },
            Trial {
                name: "the owner's is",
                asks: &[],
                script: "A assigned p0 0\nB assigned p0 0\nstore p0 0\nB seeks p0 0 5\nend late",
                expected: Violated(1),
            },
            Trial {
                name: "at rest, with an unfinished record that no commit in the trace has passed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..2\nA commits p0 2\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the same, but it was finished: the trace missed its commit alone",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 2\nend",
                expected: Held,
            },
            Trial {
                name: "never at rest, but the run ends with a lag of zero",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..2\nhealed\nended 0",
                expected: Violated(1),
            },
            Trial {
                name: "the same with a lag of one: the record is late",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..2\nhealed\nended 1",
                expected: NotObserved,
            },
            Trial {
                name: "at rest, and its owner still holds it in its handler",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "at rest, with a record that was not acknowledged",
                asks: &[],
                script: "A assigned p0 0\nstored p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a record that was readable and was cut off is not owed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..2\ncut p0 2\nA commits p0 2\nend",
                expected: Held,
            },
            Trial {
                name: "what took its place is, and the group stays beyond it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 3\ncut p0 2\nreplaced p0 2\nend late",
                expected: Violated(1),
            },
            Trial {
                name: "the same, but the consumer moves back and does it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\nA commits p0 3\ncut p0 2\nA seeks p0 3 2\nA commits p0 2\nreplaced p0 2\nend late",
                expected: NotObserved,
            },
            Trial {
                name: "before healing nothing can be said",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA commits p0 1",
                expected: NotObserved,
            },
            Trial {
                name: "healed, and the trace breaks off",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA commits p0 1\nhealed",
                expected: Violated(1),
            },
        ],
    );
}

#[test]
fn no_loss_from_latest() {
    check(
        Property::NoLoss,
        &[
            Trial {
                name: "what was there before is not owed",
                asks: &[Ask::Latest],
                script: "store p0 0..5\nA assigned p0 5\nstore p0 5\nA does p0 5\nA commits p0 6\nend",
                expected: Held,
            },
            Trial {
                name: "nor what was acknowledged just before the group had the partition",
                asks: &[Ask::Latest],
                script: "store p0 0..2\nA assigned p0 1\nA commits p0 2\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the group began beyond the end, and what came later lies below its start",
                asks: &[Ask::Latest],
                script: "A assigned p0 3\n@6\nstore p0 0..4\nA does p0 3\nA commits p0 4\nend",
                expected: Violated(3),
            },
            Trial {
                name: "the same, but the trace may only have learned of it late",
                asks: &[Ask::Latest],
                script: "A assigned p0 3\n@4\nstore p0 0..4\nA does p0 3\nA commits p0 4\nend",
                expected: Held,
            },
            Trial {
                name: "a partition that no member ever owned owes nothing",
                asks: &[Ask::Latest],
                script: "store p0 0..3\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a partition that was there at the start, and is seen only later",
                asks: &[Ask::Latest],
                script: "A assigned p0 0\nstore p1 0..3\nA assigned p1 3\nend late",
                expected: NotObserved,
            },
            Trial {
                name: "what came while no member read is owed",
                asks: &[Ask::Latest],
                script: "A assigned p0 0\nA crashes\nstore p0 0..5\nA starts\nA assigned p0 5\nstore p0 5\nA does p0 5\nA commits p0 6\nend",
                expected: Violated(5),
            },
            Trial {
                name: "the same without any later record or commit: its owner reads beyond",
                asks: &[Ask::Latest],
                script: "A assigned p0 0\nA crashes\nstore p0 0..5\nA starts\nA assigned p0 5\nend late",
                expected: Violated(5),
            },
            Trial {
                name: "a partition that was added later is owed from its start",
                asks: &[Ask::Latest],
                script: "A assigned p0 0\nstore p7 0..3\nA assigned p7 3\nend late",
                expected: Violated(3),
            },
            Trial {
                name: "from earliest it is owed from before any assignment",
                asks: &[],
                script: "store p0 0..2\nA assigned p0 2\nend late",
                expected: Violated(2),
            },
        ],
    );
}
