//! `liveness`.

use super::{Held, NotObserved, Trial, Violated, check};
use crate::Property;

#[test]
fn liveness() {
    check(
        Property::Liveness,
        &[
            Trial {
                name: "at rest in time",
                asks: &[],
                script: "@10\nhealed\n@69\nquiet\nended 0",
                expected: Held,
            },
            Trial {
                name: "at rest, and with a lag at the end",
                asks: &[],
                script: "@10\nhealed\n@69\nquiet\nended 5",
                expected: Violated(1),
            },
            Trial {
                name: "at rest too late",
                asks: &[],
                script: "@10\nhealed\n@71\nquiet\nended 0",
                expected: Violated(1),
            },
            Trial {
                name: "never at rest",
                asks: &[],
                script: "A assigned p0 0\nstore p0 0\n@10\nhealed\n@71\nended 1",
                expected: Violated(1),
            },
            Trial {
                name: "not healed",
                asks: &[],
                script: "A assigned p0 0",
                expected: NotObserved,
            },
        ],
    );
}
