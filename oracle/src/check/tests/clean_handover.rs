//! `clean-handover`.

use super::{Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn clean_handover() {
    check(
        Property::CleanHandover,
        &[
            Trial {
                name: "it commits, and nothing comes again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\n@1\nA revoked p0\nA commits p0 2\nA released p0\nB assigned p0 2\nend",
                expected: Held,
            },
            Trial {
                name: "it commits nothing",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\n@1\nA revoked p0\nA released p0\nB assigned p0 0\nB does p0 0..2\nend",
                expected: Violated(2),
            },
            Trial {
                name: "one of two partitions comes again",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nstore p1 0\nA does p0 0\nA does p1 0\n@1\nA revoked p0\nA revoked p1\nA commits p0 1\nA released p0\nA released p1\nB assigned p0 1\nB assigned p1 0\nB does p1 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it had committed everything before it was asked",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\nA commits p0 2\n@1\nA revoked p0\nA released p0\nB assigned p0 2\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it starts it again itself when it has given it up: a zombie, and no handover",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\nA commits p0 1\nA released p0\nA does p0 0\nB assigned p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "what comes again is of another partition, which it lost",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0..2\nstore p1 0\nA does p0 0\nA does p1 0\nA begins p0 1\n@1\nA revoked p0\nA commits p0 1\nA ok p0 1\nA released p0\nA lost p1\nB assigned p0 1\nB does p0 1\nB assigned p1 0\nB does p1 0\nend",
                expected: Held,
            },
            Trial {
                name: "with an eager assignor, its own next assignment begins too low",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\n@1\nA revoked p0\nA commits p0 1\nA released p0\nA assigned p0 1\nA does p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "what it finished while it drained comes again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA revoked p0\n@3\nA ok p0 0\n@4\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it finished it when its deadline struck",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA revoked p0\n@30\nA ok p0 0\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it finished it while its last commit was under way",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0\nA begins p0 1\n@1\nA revoked p0\nA commits p0 1\nA ok p0 1\nA released p0\nB assigned p0 1\nB does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "it finished it a tenth of a second before the release, when the commit was under way",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\n@1\nA revoked p0\n@2\nA ok p0 0\n@2.1\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it finished it a moment earlier",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\n@1\nA revoked p0\n@2\nA ok p0 0\n@2.101\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it had finished it behind a record that was not finished",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 0\nA begins p0 1\nA does p0 2\n@1\nA revoked p0\nA commits p0 1\nA cancelled p0 1\nA released p0\nB assigned p0 1\nB does p0 1..3\nend",
                expected: Held,
            },
            Trial {
                name: "the record for which it waited was removed meanwhile",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA does p0 1\n@1\nA revoked p0\nremoved p0 1\n@5\nA cancelled p0 0\nA released p0\nB assigned p0 1\nB does p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "what it had not committed was removed by retention",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nremoved p0 1\n@1\nA revoked p0\nA released p0\nB assigned p0 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the group had gone on without it",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\nA sends\nA refused\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "refused for the moment, and it never tried again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\nA sends\nA refused-for-now\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "refused for the moment, until its deadline",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\n@37\nA sends\nA refused-for-now\n@38\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "refused for the moment, when there was no time to try again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\n@36.5\nA sends\nA refused-for-now\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "refused for the moment, when there was just time to try again",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\n@36.499\nA sends\nA refused-for-now\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "refused for the moment, just before it asked to join, and so gave up",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA sends\nA refused-for-now\n@2.5\nA revoked p0\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "refused for the moment, with time to try again before it asked to join",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA sends\nA refused-for-now\n@4\nA revoked p0\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "refused for good, but long before it was asked",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA sends\nA refused\nA does p0 0\n@40\nA revoked p0\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "refused when it had given the partition up",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\nA released p0\nA sends\nA refused\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its commit got no answer",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\nA sends\n@4\nA unknown\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a fault kept it from committing",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nfault 1 begins\n@5\nA revoked p0\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "a fault, and all had settled before it was asked",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nfault 1 begins\n@1\nfault 1 ends\n@20\nA revoked p0\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a fault when it had given the partition up",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\nA released p0\nfault 1 begins\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its commit for another partition took more than a second",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\nA sends\n@2.002\nA accepted p1 0\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "its commit for another partition took a second",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\nA sends\n@2.001\nA accepted p1 0\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "it stood still meanwhile",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\nA pauses\n@5\nA resumes\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it crashed meanwhile",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\nA crashes\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it was not asked: the partition was lost",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA lost p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "it was too late: another had it already",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\n@1\nA revoked p0\n@70\nB assigned p0 0\nB does p0 0\nA released p0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the scenario reset the group afterwards",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 0..2\n@1\nA revoked p0\nA commits p0 2\nA released p0\nreset p0 0\nB assigned p0 0\nB does p0 0..2\nend",
                expected: Held,
            },
            Trial {
                name: "it had finished nothing",
                asks: &[],
                script: "A assigned p0 0\n@1\nA revoked p0\nA released p0\nB assigned p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "the answer came as the deadline of the handler struck",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@1\nA begins p0 0\n@61\nA ok p0 0\n@62\nA revoked p0\nA released p0\nB assigned p0 0\nB does p0 0\nend",
                expected: NotObserved,
            },
        ],
    );
}
