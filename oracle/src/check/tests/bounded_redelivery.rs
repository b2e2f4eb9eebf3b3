//! `bounded-redelivery`.

use super::{Ask, Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn bounded_redelivery() {
    check(
        Property::BoundedRedelivery,
        &[
            Trial {
                name: "as often as the budget allows",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "once more",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a disruption gives the budget anew",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nB assigned p0 0\nB begins p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a later disruption does not excuse an earlier delivery",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA does p0 0\nA does p0 0\nA does p0 0\nB assigned p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "without dead letters failures have no bound",
                asks: &[Ask::NoDeadLetters],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "but going well has",
                asks: &[Ask::NoDeadLetters],
                script: "A assigned p0 0\nstore p0 0\nA does p0 0\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "nothing was delivered",
                asks: &[],
                script: "A assigned p0 0\nend",
                expected: NotObserved,
            },
        ],
    );
}
