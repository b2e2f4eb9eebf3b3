//! `no-zombie`.

use super::{Held, NotObserved, Trial, Violated, check};
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
                name: "no member had a partition",
                asks: &[],
                script: "end",
                expected: NotObserved,
            },
        ],
    );
}
