//! `no-zombie`.

use super::{Ask, Held, NotObserved, Trial, Violated, check};
use crate::Property;

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
                name: "a member whose generation is not seen takes it over",
                asks: &[],
                script: "B assigned p0 0 5\nA assigned p0 0\nA commits p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "a member that was slow to learn of the first generation takes nothing over",
                asks: &[],
                script: "B assigned p0 0 5\nA assigned p0 0 0\nA commits p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a handler that starts after the revocation",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA revoked p0\nA does p0 0..2\nend",
                expected: Violated(2),
            },
            Trial {
                name: "one that may have begun before it",
                asks: &[Ask::Crossing],
                script: "A assigned p0 0\nstore p0 0..2\nA revoked p0\nA does p0 0..2\nend",
                expected: Held,
            },
            Trial {
                name: "one that comes too late for that",
                asks: &[Ask::Crossing],
                script: "A assigned p0 0\nstore p0 0..2\nA revoked p0\nA does p0 0\n@2\nA does p0 1\nend",
                expected: Violated(1),
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
                name: "a handler after a release that nothing announced",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA released p0\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a handler of a partition that it never had, and another has",
                asks: &[],
                script: "A assigned p0 0\nB assigned p1 0\nstore p1 0\nA does p1 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a partition that no member has may be its own, seen late",
                asks: &[],
                script: "A assigned p0 0\nB assigned p1 0\nstore p1 0\nB revoked p1\nA does p1 0\nend",
                expected: Held,
            },
            Trial {
                name: "a handler of a process that has crashed",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA crashes\n@3\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "or has stopped",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA stopping\nA stopped\n@3\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "its last call came in late",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA crashes\n@0.9\nA begins p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "its last call came in a second later, as late as it may",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@2\nA crashes\n@3\nA begins p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a moment later than that",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@2\nA crashes\n@3.001\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a commit sent long after the loss",
                asks: &[],
                script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\nA lost p0\n@20\nA commits p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "one that may have been under way",
                asks: &[],
                script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\nA sends\nA lost p0\n@20\nA accepted p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "one that came to nothing before, and that its client sends again",
                asks: &[],
                script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\nA sends\nA unknown\nA lost p0\n@20\nA sends\nA accepted p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "one that its client sends again, because it never learned that a copy counts",
                asks: &[],
                script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\nA sends\nA unknown\nA lost p0\nA accepted p0 1\n@20\nA sends\nA accepted p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "one after that",
                asks: &[],
                script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\nA sends\nA unknown\nA lost p0\nA accepted p0 1\n@20\nA sends\nA accepted p0 1\nA commits p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "one after another that was accepted",
                asks: &[],
                script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\nA sends\nA unknown\nA commits p0 0\nA lost p0\n@20\nA commits p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "one after another that was refused for good",
                asks: &[],
                script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\nA sends\nA refused\nA lost p0\n@20\nA commits p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "one soon after the loss",
                asks: &[],
                script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\nA lost p0\n@10\nA commits p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "one at the end of the time in which all settles",
                asks: &[],
                script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\n@1\nA lost p0\n@13.999\nA commits p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "one a moment after that",
                asks: &[],
                script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\n@1\nA lost p0\n@14\nA commits p0 1\nend",
                expected: Violated(1),
            },
            Trial {
                name: "one of a generation in which it may have the partition back",
                asks: &[],
                script: "A assigned p0 0 0\nstore p0 0\nA does p0 0\nA lost p0\n@20\nA commits p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "one after it got the partition back",
                asks: &[],
                script: "A assigned p0 0 1\nstore p0 0\nA does p0 0\nA lost p0\n@20\nA assigned p0 0 1\nA commits p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "another partition's revocation",
                asks: &[],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nA revoked p1\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "no member had a partition",
                asks: &[],
                script: "end",
                expected: NotObserved,
            },
        ],
    );
}
