//! Partitions that are taken away, and partitions that are gone.

use crate::driver::{Driver, committed, config, id};
use plimsoll_core::{CommitOutcome, Outcome};

#[test]
fn handlers_end_then_their_work_is_committed_then_the_partition_is_given_up() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    assert_eq!(driver.revoke(2, &[0]), [""; 0]);
    assert_eq!(driver.ok(0, 10), ["commit 1: 0=11"], "11 is not started");
    assert_eq!(driver.commit_ends(1, CommitOutcome::Ok), ["revoked 2"]);
    assert_eq!(driver.consumer.partitions().count(), 0);
}

#[test]
fn nothing_to_wait_for_is_answered_at_once() {
    let mut driver = Driver::owning_one(config());
    assert_eq!(driver.revoke(2, &[0]), ["revoked 2"]);
    assert_eq!(driver.revoke(3, &[0, 1]), ["revoked 3"]);
}

#[test]
fn a_handler_that_does_not_end_is_cancelled() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.ok(0, 10);
    driver.revoke(2, &[0]);
    assert_eq!(driver.at(9_999), ["commit 1: 0=11"], "by the interval");
    driver.commit_ends(1, CommitOutcome::Ok);
    assert_eq!(driver.at(10_000), ["cancel 0/11", "revoked 2"]);
}

#[test]
fn the_last_commit_waits_for_an_earlier_one() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.ok(0, 10);
    assert_eq!(driver.at(5_000), ["commit 1: 0=11"]);
    driver.revoke(2, &[0]);
    assert_eq!(driver.ok(0, 11), [""; 0]);
    assert_eq!(driver.commit_ends(1, CommitOutcome::Ok), ["commit 2: 0=12"]);
    assert_eq!(driver.commit_ends(2, CommitOutcome::Ok), ["revoked 2"]);
}

#[test]
fn the_last_commit_is_tried_until_it_is_accepted() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.revoke(2, &[0]);
    assert_eq!(driver.ok(0, 10), ["commit 1: 0=11"]);
    assert_eq!(driver.commit_ends(1, CommitOutcome::Failed), [""; 0]);
    assert_eq!(driver.at(99), [""; 0]);
    assert_eq!(driver.at(100), ["commit 2: 0=11"], "the shortest pause");
    assert_eq!(driver.commit_ends(2, CommitOutcome::Unknown), [""; 0]);
    assert_eq!(driver.at(200), ["commit 3: 0=11"]);
    assert_eq!(driver.commit_ends(3, CommitOutcome::Ok), ["revoked 2"]);
}

#[test]
fn the_last_commit_does_not_wait_for_the_pause_after_an_earlier_one() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.ok(0, 10);
    assert_eq!(driver.at(5_000), ["commit 1: 0=11"]);
    assert_eq!(driver.commit_ends(1, CommitOutcome::Failed), [""; 0]);
    driver.revoke(2, &[0]);
    assert_eq!(driver.ok(0, 11), ["commit 2: 0=12"]);
    assert_eq!(driver.commit_ends(2, CommitOutcome::Ok), ["revoked 2"]);
}

#[test]
fn a_last_commit_that_is_refused_again_and_again_is_given_up_in_time() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.revoke(2, &[0]);
    assert_eq!(driver.ok(0, 10), ["commit 1: 0=11"]);
    driver.commit_ends(1, CommitOutcome::Failed);
    assert_eq!(driver.at(12_499), ["commit 2: 0=11"]);
    assert_eq!(driver.commit_ends(2, CommitOutcome::Failed), [""; 0]);
    assert_eq!(driver.at(12_500), ["revoked 2"]);
}

#[test]
fn the_last_commit_is_not_waited_for_without_end() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.revoke(2, &[0]);
    assert_eq!(driver.ok(0, 10), ["commit 1: 0=11"]);
    assert_eq!(driver.at(12_499), [""; 0]);
    assert_eq!(
        driver.at(12_500),
        ["revoked 2"],
        "a quarter more than the deadline"
    );
}

#[test]
fn a_failure_while_draining_is_not_retried_here() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.revoke(2, &[0]);
    assert_eq!(driver.processed(0, 10, Outcome::Retryable), ["revoked 2"]);
    assert_eq!(driver.timer(), None);
}

#[test]
fn a_dead_letter_in_flight_is_waited_for() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.revoke(2, &[0]);
    assert_eq!(
        driver.processed(0, 10, Outcome::Permanent),
        ["dead-letter 0/10 after 1, permanent"]
    );
    assert_eq!(driver.dead_lettered(0, 10, true), ["commit 1: 0=11"]);
    assert_eq!(driver.commit_ends(1, CommitOutcome::Ok), ["revoked 2"]);
}

#[test]
fn what_is_not_revoked_goes_on() {
    let mut driver = Driver::new(config());
    driver.assign(1, &[committed(0, 10), committed(1, 10)]);
    driver.fetch(0, 10..12);
    driver.fetch(1, 10..12);
    driver.revoke(2, &[0]);
    assert_eq!(driver.ok(1, 10), ["handle 1/11 #1"]);
    assert_eq!(driver.ok(0, 10), ["commit 1: 0=11 1=11"]);
    assert_eq!(driver.commit_ends(1, CommitOutcome::Ok), ["revoked 2"]);
    assert_eq!(driver.ok(1, 11), [""; 0]);
}

#[test]
fn what_is_lost_while_it_is_given_up_has_one_answer() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.revoke(2, &[0]);
    assert_eq!(driver.ok(0, 10), ["commit 1: 0=11"]);
    assert_eq!(driver.lose(2, &[0]), ["revoked 2"]);
    assert_eq!(driver.commit_ends(1, CommitOutcome::Failed), [""; 0]);
    assert_eq!(driver.at(60_000), [""; 0]);
}

#[test]
fn lost_everything_is_dropped_and_nothing_committed() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.ok(0, 10);
    assert_eq!(driver.lose(2, &[0]), ["cancel 0/11", "revoked 2"]);
    assert_eq!(driver.ok(0, 11), [""; 0]);
    assert_eq!(driver.at(60_000), [""; 0]);
}

#[test]
fn lost_while_it_is_revoked_answers_both() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.revoke(2, &[0]);
    assert_eq!(
        driver.lose(3, &[0]),
        ["cancel 0/10", "revoked 3", "revoked 2"]
    );
    assert_eq!(driver.timer(), None);
}

#[test]
fn a_commit_that_was_in_flight_says_nothing_about_the_next_assignment() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.ok(0, 10);
    assert_eq!(driver.at(5_000), ["commit 1: 0=11"]);
    driver.lose(2, &[0]);
    driver.assign(3, &[committed(0, 10)]);
    driver.commit_ends(1, CommitOutcome::Ok);
    let status = driver.consumer.partition(id(0)).unwrap();
    assert_eq!(status.committed.map(|next| next.get()), Some(10));
}

#[test]
fn a_partition_comes_back_unpaused() {
    let mut config = config();
    config.max_buffered_records = 2;
    let mut driver = Driver::owning_one(config);
    assert_eq!(driver.fetch(0, 10..13), ["pause 0", "handle 0/10 #1"]);
    driver.lose(2, &[0]);
    driver.assign(3, &[committed(0, 10)]);
    assert!(!driver.consumer.partition(id(0)).unwrap().paused);
    assert_eq!(driver.fetch(0, [10]), ["handle 0/10 #1"]);
}
