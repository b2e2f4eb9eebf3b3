//! Rolling restarts.

use super::stage::Stage;
use plimsoll_oracle::{FaultId, Missed};

const MEMBERS: &str = r#"{ at = "10s", do = "rolling-restart", for = "5s" }"#;
const BROKERS: &str = r#"{ at = "10s", do = "rolling-broker-restart", for = "5s" }"#;

#[test]
fn members_are_restarted_in_turn_and_the_fault_ends_when_the_last_is_back() {
    let mut stage = Stage::new(MEMBERS);
    // The fourth has not joined.
    for second in [11, 16, 21] {
        stage.until(second);
        stage.done(0);
    }
    stage.until(40);
    assert_eq!(
        stage.told(),
        [
            "10s rolling-restart: began",
            "10s rolling-restart: restart consumer-1",
            "15s rolling-restart: restart consumer-2",
            "20s rolling-restart: restart consumer-3",
            "25s rolling-restart: ended",
        ]
    );
    assert!(stage.is_over());
}

#[test]
fn a_roll_ends_with_its_last_process_and_not_after_a_pause() {
    let mut stage = Stage::new(BROKERS);
    for second in [11, 16, 22] {
        stage.until(second);
        stage.done(0);
    }
    assert_eq!(
        stage.told(),
        [
            "10s rolling-broker-restart: began",
            "10s rolling-broker-restart: restart broker-1",
            "15s rolling-broker-restart: restart broker-2",
            "20s rolling-broker-restart: restart broker-3",
            "22s rolling-broker-restart: ended",
        ]
    );
}

#[test]
fn members_that_stop_slowly_overlap() {
    let mut stage = Stage::new(MEMBERS);
    stage.until(17);
    assert_eq!(
        stage.told(),
        [
            "10s rolling-restart: began",
            "10s rolling-restart: restart consumer-1",
            "15s rolling-restart: restart consumer-2",
        ]
    );
    stage.done(0);
    stage.until(30);
    stage.done(0);
    assert_eq!(stage.told(), ["20s rolling-restart: restart consumer-3"]);
    stage.done(0);
    assert_eq!(stage.told(), ["30s rolling-restart: ended"]);
}

#[test]
fn a_broker_does_not_stop_before_the_one_before_it_is_back() {
    let mut stage = Stage::new(BROKERS);
    stage.until(17);
    assert_eq!(
        stage.told(),
        [
            "10s rolling-broker-restart: began",
            "10s rolling-broker-restart: restart broker-1",
        ]
    );
    stage.done(0);
    assert_eq!(
        stage.told(),
        ["17s rolling-broker-restart: restart broker-2"]
    );
    stage.until(18);
    stage.done(0);
    stage.until(23);
    // The pause counts from stop to stop.
    assert_eq!(
        stage.told(),
        ["22s rolling-broker-restart: restart broker-3"]
    );
}

#[test]
fn what_does_not_run_is_left_alone() {
    let mut stage = Stage::new(BROKERS);
    stage.world.brokers = vec![false, true, false];
    stage.until(16);
    stage.done(0);
    stage.until(30);
    assert_eq!(
        stage.told(),
        [
            "10s rolling-broker-restart: began",
            "15s rolling-broker-restart: restart broker-2",
            "20s rolling-broker-restart: ended",
        ]
    );
}

#[test]
fn a_roll_that_finds_no_process_is_missed() {
    let mut stage = Stage::new(BROKERS);
    stage.world.brokers = vec![false; 3];
    stage.until(30);
    assert!(stage.is_over());
    assert_eq!(stage.missed(), [(FaultId(1), Missed::NoEffect)]);
}

#[test]
fn the_healing_ends_a_roll_between_two_processes() {
    let mut stage = Stage::new(r#"{ at = "57s", do = "rolling-restart", for = "5s" }"#);
    stage.until(58);
    stage.done(0);
    stage.until(60);
    stage.heals();
    stage.until(70);
    assert_eq!(
        stage.told(),
        [
            "57s rolling-restart: began",
            "57s rolling-restart: restart consumer-1",
            "60s rolling-restart: ended",
        ]
    );
    assert!(stage.is_over());
}

#[test]
fn the_healing_waits_for_no_process_unless_brokers_take_time() {
    const LATE: &str = r#"{ at = "57s", do = "rolling-broker-restart", for = "1s" }"#;
    let began = [
        "57s rolling-broker-restart: began",
        "57s rolling-broker-restart: restart broker-1",
    ];
    let mut stage = Stage::new(LATE);
    stage.until(60);
    assert_eq!(stage.told(), began);
    stage.heals();
    assert_eq!(stage.told(), ["60s rolling-broker-restart: ended"]);
    // Nothing comes of it.
    stage.done(0);
    assert!(stage.told().is_empty());

    let mut stage = Stage::slow(LATE);
    stage.until(60);
    stage.heals();
    assert_eq!(stage.told(), began);
    assert!(!stage.is_over());
    stage.until(63);
    stage.done(0);
    assert_eq!(stage.told(), ["63s rolling-broker-restart: ended"]);
    assert!(stage.is_over());
}
