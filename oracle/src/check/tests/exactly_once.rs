//! `exactly-once`.

use super::{NotObserved, Trial, check};
use crate::Property;

#[test]
fn exactly_once() {
    check(
        Property::ExactlyOnce,
        &[Trial {
            name: "there are no transactions yet",
            asks: &[],
            script: "A assigned p0 0\nend",
            expected: NotObserved,
        }],
    );
}
