//! `no-exit`.

use super::{Ask, Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn no_exit() {
    check(
        Property::NoExit,
        &[
            Trial {
                name: "asked to stop",
                asks: &[],
                script: "A starts\nA assigned p0 0\nA stopping\nA stopped\nend",
                expected: Held,
            },
            Trial {
                name: "killed, while it was asked to stop too",
                asks: &[],
                script: "A assigned p0 0\nA crashes\nA starts\nA stopping\nA crashes\nend",
                expected: Held,
            },
            Trial {
                name: "ended by itself, and once more after a new start",
                asks: &[],
                script: "A assigned p0 0\nA exits 1\nA starts\nA assigned p0 0\nA exits\nend",
                expected: Violated(2),
            },
            Trial {
                name: "ended well, and unasked all the same",
                asks: &[],
                script: "A assigned p0 0\nA exits 0\nend",
                expected: Violated(1),
            },
            Trial {
                name: "ended before it had any partition",
                asks: &[],
                script: "A starts\nA exits 2\nend",
                expected: Violated(1),
            },
            Trial {
                name: "allowed",
                asks: &[Ask::Exits],
                script: "A assigned p0 0\nA exits 1\nend",
                expected: NotObserved,
            },
            Trial {
                name: "no member ever had anything to do",
                asks: &[],
                script: "end",
                expected: NotObserved,
            },
        ],
    );
}

/// An assignment ends with its process, asked or not.
#[test]
fn an_exit_disrupts_like_a_crash() {
    use super::broken;
    let script = |end: &str| {
        format!(
            "A assigned p0 0\nstore p0 0..3\nA does p0 0..3\n@20\nA {end}\n@30\nB assigned p0 0\nB does p0 0..3\nB commits p0 3\nend"
        )
    };
    assert_eq!(
        broken(&[], &script("crashes")),
        [Property::BoundedDuplicates]
    );
    let exited = broken(&[], &script("exits 1"));
    assert_eq!(exited, [Property::BoundedDuplicates, Property::NoExit]);
}
