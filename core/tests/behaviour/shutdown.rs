//! A clean stop.

use crate::driver::{Driver, committed, config};
use plimsoll_core::CommitOutcome;

#[test]
fn handlers_end_then_their_work_is_committed_then_it_closes() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    assert_eq!(driver.shutdown(), [""; 0]);
    assert_eq!(driver.shutdown(), [""; 0], "asked twice");
    assert_eq!(driver.ok(0, 10), ["commit 1: 0=11"]);
    assert_eq!(driver.commit_ends(1, CommitOutcome::Ok), ["close"]);
    assert!(driver.consumer.is_closed());
}

#[test]
fn it_closes_in_time_whatever_hangs() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..13);
    driver.ok(0, 10);
    driver.shutdown();
    assert_eq!(driver.at(9_000), ["commit 1: 0=11"], "by the interval");
    assert_eq!(driver.at(10_000), ["cancel 0/11"]);
    assert_eq!(driver.at(12_500), ["close"], "its answer never came");
}

#[test]
fn a_member_that_owns_nothing_closes_at_once() {
    assert_eq!(Driver::new(config()).shutdown(), ["close"]);
}

#[test]
fn rebalances_on_the_way_are_answered() {
    let mut driver = Driver::new(config());
    driver.assign(1, &[committed(0, 10), committed(1, 10), committed(2, 10)]);
    for partition in 0..3 {
        driver.fetch(partition, 10..12);
    }
    driver.shutdown();
    assert_eq!(driver.revoke(2, &[0]), [""; 0]);
    assert_eq!(driver.lose(3, &[1]), ["cancel 1/10", "revoked 3"]);
    assert_eq!(driver.ok(0, 10), ["commit 1: 0=11"]);
    assert_eq!(driver.commit_ends(1, CommitOutcome::Ok), ["revoked 2"]);
    assert_eq!(
        driver.assign(4, &[committed(3, 7)]),
        ["assigned 4:"],
        "not read"
    );
    assert_eq!(driver.ok(2, 10), ["commit 2: 2=11"]);
    assert_eq!(driver.commit_ends(2, CommitOutcome::Failed), [""; 0]);
    assert_eq!(driver.at(100), ["commit 3: 2=11"], "tried again");
    assert_eq!(driver.commit_ends(3, CommitOutcome::Ok), ["close"]);
}

#[test]
fn nothing_follows_close() {
    let mut driver = Driver::owning_one(config());
    assert_eq!(driver.shutdown(), ["close"]);
    assert_eq!(driver.assign(2, &[committed(0, 10)]), [""; 0]);
    assert_eq!(driver.revoke(3, &[0]), [""; 0]);
    assert_eq!(driver.lose(4, &[0]), [""; 0]);
    assert_eq!(driver.shutdown(), [""; 0]);
    assert_eq!(driver.timer(), None);
}
