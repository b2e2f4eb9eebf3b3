//! When commits are sent, and what they carry.

use crate::driver::{Driver, committed, config};
use plimsoll_core::{CommitOutcome, CommitPolicy, Config, Machine, Ordering};

fn unordered() -> Config {
    Config {
        ordering: Ordering::Unordered,
        ..config()
    }
}

#[test]
fn a_commit_carries_the_watermark_and_not_the_highest() {
    let mut driver = Driver::owning_one(unordered());
    driver.fetch(0, 10..14);
    driver.ok(0, 10);
    driver.ok(0, 12);
    driver.ok(0, 13);
    assert_eq!(driver.at(5_000), ["commit 1: 0=11"]);
}

#[test]
fn nothing_new_is_no_commit_and_no_timer() {
    let mut driver = Driver::owning_one(unordered());
    assert_eq!(driver.timer(), None);
    driver.fetch(0, 10..12);
    driver.ok(0, 11);
    assert_eq!(driver.timer(), None, "10 is not finished");
}

#[test]
fn one_commit_is_in_flight_and_the_next_carries_what_is_true_then() {
    let mut driver = Driver::owning_one(unordered());
    driver.fetch(0, 10..14);
    driver.ok(0, 10);
    assert_eq!(driver.at(5_000), ["commit 1: 0=11"]);
    driver.ok(0, 11);
    assert_eq!(driver.at(60_000), [""; 0]);
    driver.ok(0, 12);
    assert_eq!(driver.commit_ends(1, CommitOutcome::Ok), ["commit 2: 0=13"]);
}

#[test]
fn a_commit_of_unknown_outcome_is_not_sent_again() {
    for outcome in [CommitOutcome::Unknown, CommitOutcome::Failed] {
        let mut driver = Driver::owning_one(unordered());
        driver.fetch(0, 10..14);
        driver.ok(0, 10);
        assert_eq!(driver.at(5_000), ["commit 1: 0=11"]);
        driver.ok(0, 11);
        assert_eq!(driver.commit_ends(1, outcome), [""; 0]);
        assert_eq!(driver.at(5_999), [""; 0], "not in a tight loop");
        assert_eq!(driver.at(6_000), ["commit 2: 0=12"]);
    }
}

#[test]
fn by_the_number_of_finished_records() {
    let mut config = unordered();
    config.commit.every = Some(3);
    let mut driver = Driver::owning_one(config);
    driver.fetch(0, 10..20);
    driver.ok(0, 11);
    driver.ok(0, 12);
    assert_eq!(
        driver.ok(0, 13),
        [""; 0],
        "three are finished, none can be committed"
    );
    assert_eq!(driver.ok(0, 10), ["commit 1: 0=14"]);
}

#[test]
fn what_a_count_leaves_is_committed_when_nothing_finishes_any_more() {
    let mut config = unordered();
    config.commit = CommitPolicy {
        interval: None,
        every: Some(3),
    };
    let mut driver = Driver::owning_one(config);
    driver.fetch(0, 10..20);
    for offset in [10, 11, 12] {
        driver.ok(0, offset);
    }
    driver.commit_ends(1, CommitOutcome::Ok);
    assert_eq!(driver.consumer.poll_timeout(), None, "nothing to commit");
    assert_eq!(driver.at(1_000), [""; 0]);
    driver.ok(0, 13);
    assert_eq!(driver.at(4_000), [""; 0]);
    driver.ok(0, 14);
    assert_eq!(driver.at(8_999), [""; 0], "not idle for long enough");
    assert_eq!(driver.at(9_000), ["commit 2: 0=15"]);
}

#[test]
fn one_commit_for_all_partitions() {
    let mut driver = Driver::new(config());
    driver.assign(1, &[committed(2, 5), committed(0, 5), committed(1, 5)]);
    for partition in [2, 0, 1] {
        driver.fetch(partition, [5]);
        if partition != 1 {
            driver.ok(partition, 5);
        }
    }
    assert_eq!(driver.at(5_000), ["commit 1: 0=6 2=6"]);
}

#[test]
fn an_answer_to_another_commit_changes_nothing() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, [10]);
    driver.ok(0, 10);
    assert_eq!(driver.at(5_000), ["commit 1: 0=11"]);
    driver.commit_ends(7, CommitOutcome::Ok);
    assert!(driver.consumer.commit_in_flight().is_some());
    driver.commit_ends(1, CommitOutcome::Ok);
    driver.commit_ends(1, CommitOutcome::Failed);
    assert_eq!(driver.at(60_000), [""; 0]);
}

#[test]
fn the_offsets_of_a_gap_are_committed_with_what_stands_before_it() {
    let mut driver = Driver::owning_one(unordered());
    driver.fetch(0, [10, 15]);
    driver.ok(0, 10);
    assert_eq!(driver.at(5_000), ["commit 1: 0=15"]);
}
