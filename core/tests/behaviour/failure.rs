//! Handlers that fail, hang, or come back too late; dead letters.

use crate::driver::{Driver, config, id};
use plimsoll_core::{Config, Event, Offset, Outcome, RefusedLetterPolicy};
use std::time::Duration;

#[test]
fn a_failure_is_retried_in_place_with_a_doubling_pause_and_then_dead_lettered() {
    let mut driver = Driver::owning_one(config());
    assert_eq!(driver.fetch(0, 10..12), ["handle 0/10 #1"]);
    assert_eq!(driver.processed(0, 10, Outcome::Retryable), [""; 0]);
    assert_eq!(driver.at(99), [""; 0]);
    assert_eq!(driver.at(100), ["handle 0/10 #2"]);
    driver.processed(0, 10, Outcome::Retryable);
    assert_eq!(driver.at(299), [""; 0]);
    assert_eq!(driver.at(300), ["handle 0/10 #3"]);
    assert_eq!(
        driver.processed(0, 10, Outcome::Retryable),
        ["dead-letter 0/10 after 3, exhausted"]
    );
    assert_eq!(driver.at(60_000), [""; 0], "its partition waits");
    assert_eq!(driver.dead_lettered(0, 10, true), ["handle 0/11 #1"]);
    assert_eq!(driver.at(65_000), ["commit 1: 0=11"]);
}

#[test]
fn a_permanent_error_is_dead_lettered_at_once() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..12);
    assert_eq!(
        driver.processed(0, 10, Outcome::Permanent),
        ["dead-letter 0/10 after 1, permanent"]
    );
}

#[test]
fn a_dead_letter_is_written_until_it_is_acknowledged() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..12);
    driver.processed(0, 10, Outcome::Permanent);
    let again = ["dead-letter 0/10 after 1, permanent"];
    for due in [100, 300, 700, 1_500, 2_500, 3_500] {
        assert_eq!(driver.dead_lettered(0, 10, false), [""; 0]);
        assert_eq!(driver.at(due - 1), [""; 0]);
        assert_eq!(driver.at(due), again, "at {due}");
    }
    assert_eq!(driver.consumer.counters().dead_letter_failures, 6);
    assert_eq!(driver.dead_lettered(0, 10, true), ["handle 0/11 #1"]);
}

#[test]
fn without_dead_letters_a_record_is_tried_for_ever() {
    let mut driver = Driver::owning_one(Config {
        dead_letters: false,
        ..config()
    });
    driver.fetch(0, 10..12);
    let mut now = 0;
    for attempt in 1..20 {
        driver.processed(0, 10, Outcome::Permanent);
        now += if attempt < 3 {
            100 << (attempt - 1)
        } else {
            1_000
        };
        assert_eq!(driver.at(now - 1), [""; 0]);
        assert_eq!(driver.at(now), [format!("handle 0/10 #{}", attempt + 1)]);
    }
}

#[test]
fn a_handler_that_hangs_is_cancelled_and_tried_again() {
    let mut driver = Driver::owning_one(Config {
        handler_deadline: Some(Duration::from_secs(1)),
        ..config()
    });
    driver.fetch(0, 10..12);
    assert_eq!(driver.at(1_000), ["cancel 0/10"]);
    assert_eq!(driver.at(1_100), ["handle 0/10 #2"]);
    assert_eq!(driver.consumer.counters().timed_out, 1);
}

#[test]
fn the_result_of_an_attempt_that_was_cancelled_changes_nothing() {
    let mut driver = Driver::owning_one(Config {
        handler_deadline: Some(Duration::from_secs(1)),
        ..config()
    });
    driver.fetch(0, 10..12);
    assert_eq!(driver.at(1_000), ["cancel 0/10"]);
    assert_eq!(driver.ok(0, 10), [""; 0], "while it waits");
    let late = Event::Processed {
        partition: id(0),
        epoch: driver.consumer.partition(id(0)).unwrap().epoch,
        offset: Offset::new(10),
        attempt: 1,
        outcome: Outcome::Ok,
    };
    assert_eq!(driver.at(1_100), ["handle 0/10 #2"]);
    assert_eq!(driver.tell(late), [""; 0], "while the next attempt runs");
    assert_eq!(driver.ok(0, 10), ["handle 0/11 #1"]);
}

#[test]
fn a_dead_letter_that_is_refused_for_good_is_told_and_written_again_after_the_longest_pause() {
    let mut driver = Driver::owning_one(config());
    driver.fetch(0, 10..12);
    let letter = "dead-letter 0/10 after 1, permanent";
    assert_eq!(driver.processed(0, 10, Outcome::Permanent), [letter]);
    assert_eq!(driver.dead_letter_refused(0, 10), [""; 0]);
    assert_eq!(refused(&driver), 1);
    assert_eq!(driver.at(999), [""; 0]);
    assert_eq!(driver.at(1_000), [letter]);
    assert_eq!(refused(&driver), 1, "until it is written");
    assert_eq!(driver.dead_lettered(0, 10, true), ["handle 0/11 #1"]);
    assert_eq!(refused(&driver), 0);
    assert_eq!(driver.consumer.counters().dead_letters_refused, 1);
}

#[test]
fn a_dead_letter_that_is_refused_for_good_stands_still_where_that_is_asked_for() {
    let mut driver = Driver::owning_one(Config {
        refused_letters: RefusedLetterPolicy::Halt,
        ..config()
    });
    driver.fetch(0, 10..12);
    driver.processed(0, 10, Outcome::Permanent);
    assert_eq!(driver.dead_letter_refused(0, 10), [""; 0]);
    assert_eq!(driver.timer(), None, "nothing is due");
    assert_eq!(refused(&driver), 1);
    assert_eq!(
        driver.revoke(2, &[0]),
        ["revoked 2"],
        "and it holds nothing up"
    );
}

fn refused(driver: &Driver) -> usize {
    driver.consumer.partition(id(0)).unwrap().refused_letters
}
