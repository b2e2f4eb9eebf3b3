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
                name: "so does a reset of the group to an earlier offset",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA does p0 0\nA commits p0 1\nreset p0 0\nA begins p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "a reset to where the group stands does not",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nreset p0 0\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "nor does a reset beyond the record",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nreset p0 1\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "what was disrupted before the record came gives it nothing",
                asks: &[],
                script: "A assigned p0 0\n@9\nB assigned p0 0\n@19\nA assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "a zombie tries under an older assignment what the new owner has tried",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nB assigned p0 0\nB begins p0 0\nB fails p0 0\nB begins p0 0\nB fails p0 0\nB begins p0 0\nB fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "once more than a zombie and the new owner may",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nB assigned p0 0\nB begins p0 0\nB fails p0 0\nB begins p0 0\nB fails p0 0\nB begins p0 0\nB fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "without dead letters, what was disrupted before the record came gives it nothing",
                asks: &[Ask::NoDeadLetters],
                script: "A assigned p0 0\n@9\nB assigned p0 0\nstore p0 0\nB does p0 0\nB does p0 0\nend",
                expected: Violated(1),
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
