//! The longest stall, in seconds, and the highest lag.

use super::{Judge, script, terms};
use crate::Measures;
use std::time::Duration;

#[track_caller]
fn measured(script: &str, stall: f64, lag: u64) {
    let verdict = Judge::new().judge(&terms(&[]), &script::trace(script), &[]);
    let measures = verdict.measures();
    assert_eq!(measures.longest_stall.as_secs_f64(), stall, "{script}");
    assert_eq!(measures.highest_lag, lag, "{script}");
}

#[test]
fn a_record_waits_from_when_it_can_be_read_to_its_first_handler() {
    measured("A assigned p0 0\n@5\nend", 0.0, 0);
    measured(
        "A assigned p0 0\n@1\nstore p0 0\n@3\nA does p0 0\nend",
        2.0,
        1,
    );
    // It was there before its owner.
    measured(
        "store p0 0\n@1\nA assigned p0 0\n@4\nA does p0 0\nend",
        3.0,
        1,
    );
    // The second one waits from the beginning of the first on.
    measured(
        "A assigned p0 0\n@1\nstore p0 0..2\n@2\nA does p0 0\n@6\nA does p0 1\nend",
        4.0,
        2,
    );
    // The first one is done long before the second comes.
    measured(
        "A assigned p0 0\nstore p0 0\nA does p0 0\n@5\nstore p0 1\n@6\nA does p0 1\nend",
        1.0,
        2,
    );
}

#[test]
fn no_record_waits_for_an_owner_that_there_is_not() {
    let owned = "A assigned p0 0\n@1\nstore p0 0\n@5\n";
    let later = "\n@50\nB assigned p0 0\n@52\nB does p0 0\nend";
    measured(&format!("{owned}A lost p0{later}"), 4.0, 1);
    measured(&format!("{owned}A revoked p0{later}"), 4.0, 1);
}

#[test]
fn what_is_committed_is_behind_no_more() {
    measured(
        "store p0 0..3\nA assigned p0 0\nA commits p0 2\nstore p1 0..3\nend",
        0.0,
        4,
    );
    measured(
        "store p0 0..3\nA assigned p0 0\nA commits p0 3\nA commits p0 1\nstore p1 0..3\nend",
        0.0,
        5,
    );
}

#[test]
fn of_two_runs_the_larger_ones_are_told() {
    let measures = |seconds, highest_lag| Measures {
        longest_stall: Duration::from_secs(seconds),
        highest_lag,
    };
    assert_eq!(measures(2, 7).max(measures(5, 3)), measures(5, 7));
}
