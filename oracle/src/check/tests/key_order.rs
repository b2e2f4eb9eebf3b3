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
                expected: Held,
            },
            Trial {
                name: "no order was asked for",
                asks: &[Ask::Unordered],
                script: "keys 1\nA assigned p0 0\nstore p0 0..2\nA does p0 1\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "nothing was handled",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0..2\nend",
                expected: NotObserved,
            },
        ],
    );
}

#[test]
fn one_order_for_a_whole_partition() {
    check(
        Property::KeyOrder,
        &[
            Trial {
                name: "one after the other",
                asks: &[Ask::ByPartition],
                script: "keys 2\nA assigned p0 0\nstore p0 0..3\nA does p0 0..3\nend",
                expected: Held,
            },
            Trial {
                name: "keys side by side",
                asks: &[Ask::ByPartition],
                script: "keys 2\nA assigned p0 0\nstore p0 0..2\nA begins p0 0\nA does p0 1\nA ok p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "records without a key",
                asks: &[Ask::ByPartition],
                script: "A assigned p0 0\nstore p0 0..3\nA does p0 1..3\nA does p0 0\nend",
                expected: Violated(2),
            },
            Trial {
                name: "partitions side by side",
                asks: &[Ask::ByPartition],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nstore p1 0\nA begins p0 0\nA does p1 0\nA ok p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "one that was left behind for good is overtaken, and lost",
                asks: &[Ask::ByPartition],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA fails p0 0\nA does p0 1\nA commits p0 2\nend",
                expected: Violated(1),
            },
            Trial {
                name: "one behind which the assignment began is lost alone",
                asks: &[Ask::ByPartition],
                script: "A assigned p0 0\nstore p0 0..2\nA begins p0 0\nA fails p0 0\nA commits p0 1\nA crashes\n@13\nB assigned p0 1\nB does p0 1\nend",
                expected: Held,
            },
            Trial {
                name: "an offset without a record, such as a marker of a transaction",
                asks: &[Ask::ByPartition],
                script: "A assigned p0 0\nstore p0 0\nstore p0 2..4\nA does p0 0\nA does p0 2..4\nend",
                expected: Held,
            },
            Trial {
                name: "a record that became readable later",
                asks: &[Ask::ByPartition],
                script: "A assigned p0 0\nstore p0 1\nA does p0 1\nstore p0 0\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "retention removed what was before",
                asks: &[Ask::ByPartition],
                script: "A assigned p0 0\nstore p0 0..3\nremoved p0 2\nA does p0 2\nend",
                expected: Held,
            },
        ],
    );
}

#[test]
fn one_handler_at_once() {
    check(
        Property::KeyOrder,
        &[
            Trial {
                name: "two handlers of one record",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA begins p0 0\nA ok p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "whatever the order, and whatever becomes of them",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA begins p0 0\nA fails p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "one after the other",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA fails p0 0\nA begins p0 0\nA ok p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "the first had outlasted its deadline",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\n@61\nA begins p0 0\nA ok p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "the first was stopped",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA cancelled p0 0\nA begins p0 0\nA ok p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "of two members",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nB assigned p0 0\nB does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "under two assignments",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA lost p0\nA assigned p0 0\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "after the member moved back",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA seeks p0 9 0\nA does p0 0\nend",
                expected: Held,
            },
            Trial {
                name: "after the member moved back, but not to the record",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA seeks p0 9 1\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after the member moved to where it stood",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA seeks p0 0 0\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after the member moved back in another partition",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nA assigned p1 0\nstore p0 0\nA begins p0 0\nA seeks p1 9 0\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after another member moved back",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nB assigned p1 0\nstore p0 0\nA begins p0 0\nB seeks p0 9 0\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after the member had moved back under an assignment that is over",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nA seeks p0 9 0\nA assigned p0 0\nstore p0 0\nA begins p0 0\nA does p0 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "after it had learned that the partition is taken away: a zombie",
                asks: &[Ask::Unordered],
                script: "A assigned p0 0\nstore p0 0\nA begins p0 0\nA lost p0\nA begins p0 0\nend",
                expected: Held,
            },
        ],
    );
}
