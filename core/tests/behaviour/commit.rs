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

/// Returns a driver of which commit 1 of 11 is lost from 5 s to 15 s, and commit 2 of 12 is
/// accepted at 16 s.
fn after_a_lost_commit() -> Driver {
    let mut driver = Driver::owning_one(unordered());
    driver.fetch(0, 10..12);
    driver.ok(0, 10);
    assert_eq!(driver.at(5_000), ["commit 1: 0=11"]);
    driver.ok(0, 11);
    driver.at(15_000);
    driver.commit_ends(1, CommitOutcome::Unknown);
    assert_eq!(driver.at(16_000), ["commit 2: 0=12"]);
    assert_eq!(driver.commit_ends(2, CommitOutcome::Ok), [""; 0]);
    driver
}

#[test]
fn a_commit_is_made_again_as_long_as_a_lost_one_may_arrive_after_it() {
    let mut driver = after_a_lost_commit();
    // It was lost for 11 s, and what was sent before it for a minute more.
    let repeats = (21_000..87_000).step_by(5_000).chain([87_000]);
    for (commit, at) in (3..).zip(repeats) {
        assert_eq!(driver.at(at - 1), [""; 0]);
        assert_eq!(driver.at(at), [format!("commit {commit}: 0=12")]);
        assert_eq!(driver.commit_ends(commit, CommitOutcome::Ok), [""; 0]);
    }
    assert_eq!(driver.timer(), None);
}

#[test]
fn a_repeated_commit_that_is_not_accepted_is_made_again_after_a_pause() {
    for outcome in [CommitOutcome::Unknown, CommitOutcome::Failed] {
        let mut driver = after_a_lost_commit();
        assert_eq!(driver.at(21_000), ["commit 3: 0=12"]);
        assert_eq!(driver.commit_ends(3, outcome), [""; 0]);
        assert_eq!(driver.at(22_000), ["commit 4: 0=12"]);
        assert_eq!(driver.commit_ends(4, CommitOutcome::Ok), [""; 0]);
        assert_eq!(driver.at(27_000), ["commit 5: 0=12"]);
    }
}

#[test]
fn what_finishes_meanwhile_takes_the_place_of_a_repeated_commit() {
    let mut driver = after_a_lost_commit();
    driver.at(17_000);
    driver.fetch(0, [12]);
    driver.ok(0, 12);
    assert_eq!(driver.at(21_999), ["commit 3: 0=13"], "at 21 s");
    driver.commit_ends(3, CommitOutcome::Ok);
    assert_eq!(driver.at(26_999), ["commit 4: 0=13"], "at 26.999 s");
}

#[test]
fn a_slow_commit_is_made_again_though_not_without_end() {
    let mut driver = Driver::owning_one(unordered());
    driver.fetch(0, 10..14);
    driver.ok(0, 10);
    assert_eq!(driver.at(5_000), ["commit 1: 0=11"]);
    driver.at(7_000);
    driver.commit_ends(1, CommitOutcome::Ok);
    let mut repeats = 0;
    while let Some(due) = driver.timer() {
        repeats += 1;
        let due = due.as_nanos() / 1_000_000;
        assert_eq!(driver.at(due), [format!("commit {}: 0=11", repeats + 1)]);
        // As slow as the first one.
        driver.at(due + 2_000);
        driver.commit_ends(repeats + 1, CommitOutcome::Ok);
    }
    assert_eq!(repeats, 10);
}

/// A client sends a commit again after a pause of 80 ms or more (librdkafka).
#[test]
fn a_commit_that_its_client_may_have_sent_twice_is_made_again() {
    for (millis, repeats) in [(80, false), (81, true)] {
        let mut driver = Driver::owning_one(unordered());
        driver.fetch(0, 10..14);
        driver.ok(0, 10);
        assert_eq!(driver.at(5_000), ["commit 1: 0=11"]);
        driver.at(5_000 + millis);
        driver.commit_ends(1, CommitOutcome::Ok);
        assert_eq!(driver.timer().is_some(), repeats, "{millis} ms");
    }
}

#[test]
fn what_is_in_doubt_is_committed_before_it_is_given_up() {
    let mut driver = after_a_lost_commit();
    assert_eq!(driver.revoke(2, &[0]), ["commit 3: 0=12"]);
    assert_eq!(driver.commit_ends(3, CommitOutcome::Ok), ["revoked 2"]);
    assert_eq!(driver.timer(), None);
}

#[test]
fn a_repeated_commit_is_waited_for_before_its_partition_is_given_up() {
    let mut driver = after_a_lost_commit();
    assert_eq!(driver.at(21_000), ["commit 3: 0=12"]);
    assert_eq!(driver.revoke(2, &[0]), [""; 0]);
    assert_eq!(driver.commit_ends(3, CommitOutcome::Ok), ["revoked 2"]);
}

#[test]
fn what_is_lost_is_in_doubt_no_more() {
    let mut driver = after_a_lost_commit();
    assert_eq!(driver.lose(2, &[0]), ["revoked 2"]);
    assert_eq!(driver.timer(), None);
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
