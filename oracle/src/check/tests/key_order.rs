//! `key-order`.

use super::{Ask, Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn key_order() {
    check(
        Property::KeyOrder,
        &[
            Trial {
                name: "one after the other",
                asks: &[],
                script: "keys 1\nA assigned p0 0\nstore p0 0..3\nA does p0 0..3\nend",
                expected: Held,
            },
            Trial {
                name: "keys side by side",
                asks: &[],
                script: "keys 2\nA assigned p0 0\nstore p0 0..4\nA begins p0 0\nA does p0 1\nA does p0 3\nA ok p0 0\nA does p0 2\nend",
                expected: Held,
            },
            Trial {
                name: "a record overtakes one of its key",
                asks: &[],
                script: "keys 2\nA assigned p0 0\nstore p0 0..4\nA begins p0 0\nA begins p0 2\nA ok p0 0\nA ok p0 2\nend",
                expected: Violated(1),
            },
            Trial {
                name: "not only the one just before",
                asks: &[],
                script: "keys 1\nA assigned p0 0\nstore p0 0..4\nA begins p0 0\nA fails p0 0\nA does p0 1..4\nA does p0 0\nend",
                expected: Violated(3),
            },
            Trial {
                name: "a dead-lettered record is finished",
                asks: &[],
                script: "keys 1\nA assigned p0 0\nstore p0 0..2\nA begins p0 0\nA permanent p0 0\nA dead-letters p0 0\nA does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "redelivery of what was finished",
                asks: &[],
                script: "keys 1\nA assigned p0 0\nstore p0 0..3\nA does p0 0..3\nB assigned p0 0\nB does p0 2\nB does p0 0..2\nend",
                expected: Held,
            },
            Trial {
                name: "a predecessor that retention removed",
                asks: &[],
                script: "keys 1\nA assigned p0 0\nstore p0 0..2\nremoved p0 1\nA does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "a predecessor from before the group's start",
                asks: &[Ask::Latest],
                script: "keys 1\nstore p0 0..2\nA assigned p0 1\nA does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "a predecessor that was lost is not overtaken",
                asks: &[],
                script: "keys 1\nstore p0 0..2\nA assigned p0 1\nA does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "one that a zombie finishes later is",
                asks: &[],
                script: "keys 1\nA assigned p0 0\nstore p0 0..2\nA begins p0 0\nA commits p0 1\nB assigned p0 1\nB does p0 1\nA ok p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "the same key in another partition",
                asks: &[],
                script: "keys 1\nA assigned p0 0\nA assigned p1 0\nstore p0 0\nstore p1 0\nA begins p0 0\nA does p1 0\nend",
                expected: Held,
            },
            Trial {
                name: "records without a key have no order",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nA does p0 1\nA does p0 0\nend",
                expected: NotObserved,
            },
            Trial {
                name: "no order was asked for",
                asks: &[Ask::Unordered],
                script: "keys 1\nA assigned p0 0\nstore p0 0..2\nA does p0 1\nA does p0 0\nend",
                expected: NotObserved,
            },
        ],
    );
}
