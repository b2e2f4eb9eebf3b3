//! The records that may run side by side, by ordering.

use crate::driver::{Driver, committed, config};
use plimsoll_core::{Config, Ordering, Outcome};

#[test]
fn by_partition_a_failure_holds_up_its_partition_and_no_other() {
    let mut driver = Driver::new(config());
    driver.assign(1, &[committed(0, 10), committed(1, 10)]);
    assert_eq!(driver.fetch(0, 10..12), ["handle 0/10 #1"]);
    driver.processed(0, 10, Outcome::Retryable);
    assert_eq!(driver.fetch(1, 10..12), ["handle 1/10 #1"]);
    assert_eq!(driver.ok(1, 10), ["handle 1/11 #1"]);
    assert_eq!(driver.at(100), ["handle 0/10 #2"]);
    assert_eq!(driver.ok(0, 10), ["handle 0/11 #1"]);
}

#[test]
fn by_key_a_failure_holds_up_its_key_and_no_other() {
    let mut driver = Driver::owning_one(Config {
        ordering: Ordering::Key,
        ..config()
    });
    let records = [
        (10, Some(1)),
        (11, Some(2)),
        (12, Some(1)),
        (13, None),
        (14, None),
        (15, Some(2)),
    ];
    assert_eq!(
        driver.fetch_keyed(0, records),
        [
            "handle 0/10 #1",
            "handle 0/11 #1",
            "handle 0/13 #1",
            "handle 0/14 #1"
        ]
    );
    driver.processed(0, 10, Outcome::Retryable);
    assert_eq!(driver.ok(0, 11), ["handle 0/15 #1"]);
    assert_eq!(driver.at(100), ["handle 0/10 #2"]);
    assert_eq!(driver.ok(0, 10), ["handle 0/12 #1"]);
}

#[test]
fn unordered_a_failure_holds_up_only_itself() {
    let mut driver = Driver::owning_one(Config {
        ordering: Ordering::Unordered,
        max_in_flight: 2,
        ..config()
    });
    assert_eq!(
        driver.fetch(0, 10..14),
        ["handle 0/10 #1", "handle 0/11 #1"]
    );
    assert_eq!(
        driver.processed(0, 10, Outcome::Retryable),
        ["handle 0/12 #1"]
    );
    assert_eq!(driver.ok(0, 12), ["handle 0/13 #1"]);
    assert_eq!(driver.at(100), [""; 0], "no handler is free");
    assert_eq!(driver.ok(0, 13), ["handle 0/10 #2"]);
}

#[test]
fn partitions_take_turns() {
    let mut driver = Driver::new(Config {
        ordering: Ordering::Unordered,
        max_in_flight: 1,
        ..config()
    });
    driver.assign(1, &[committed(0, 10), committed(1, 10)]);
    assert_eq!(driver.fetch(0, 10..13), ["handle 0/10 #1"]);
    driver.fetch(1, 10..12);
    assert_eq!(driver.ok(0, 10), ["handle 0/11 #1"]);
    assert_eq!(driver.ok(0, 11), ["handle 1/10 #1"]);
    assert_eq!(driver.ok(1, 10), ["handle 0/12 #1"]);
    assert_eq!(driver.ok(0, 12), ["handle 1/11 #1"]);
}
