//! What a schedule says, step by step, in a made-up world.

mod healing;
mod rolls;
mod stage;
mod triggers;

use plimsoll_oracle::{FaultId, Missed};
use stage::{Stage, member};

/// Runs faults with times through a minute, and heals.
#[track_caller]
fn shows(faults: &str, expected: &[&str]) {
    let mut stage = Stage::new(faults);
    stage.until(60);
    stage.heals();
    assert_eq!(stage.told(), expected, "{faults}");
    assert!(stage.is_over(), "{faults}");
}

#[test]
fn a_fault_lasts_as_long_as_it_says() {
    shows(
        r#"{ at = "10s", do = "crash", member = "consumer-2", for = "5s" }"#,
        &[
            "10s crash: began consumer-2",
            "10s crash: do",
            "15s crash: ended",
            "15s crash: undo",
        ],
    );
}

#[test]
fn a_fault_without_duration_lasts_until_the_healing() {
    shows(
        r#"{ at = "10s", do = "pause", member = "consumer-2" }"#,
        &[
            "10s pause: began consumer-2",
            "10s pause: do",
            "60s pause: ended",
            "60s pause: undo",
        ],
    );
}

#[test]
fn some_faults_are_over_at_once() {
    shows(
        r#"{ at = "10s", do = "cut", member = "consumer-2", broker = "coordinator" },
           { at = "11s", do = "coordinator-move" }"#,
        &[
            "10s cut: began consumer-2 broker-3",
            "10s cut: do",
            "10s cut: ended",
            "11s coordinator-move: began",
            "11s coordinator-move: do",
            "11s coordinator-move: ended",
        ],
    );
}

#[test]
fn faults_overlap() {
    shows(
        r#"{ at = "10s", do = "pause", member = "owner of orders-1", for = "2s" },
           { at = "9s", do = "isolate", broker = "leader of orders-0", for = "2s" }"#,
        &[
            "9s isolate: began broker-1",
            "9s isolate: do",
            "10s pause: began consumer-2",
            "10s pause: do",
            "11s isolate: ended",
            "11s isolate: undo",
            "12s pause: ended",
            "12s pause: undo",
        ],
    );
}

#[test]
fn a_member_that_joins_is_to_run_at_the_end() {
    let mut stage = Stage::new(r#"{ at = "10s", do = "join", member = "consumer-4" }"#);
    assert!(stage.has_joined(member(3)));
    assert!(!stage.has_joined(member(4)));
    stage.until(10);
    assert!(stage.has_joined(member(4)));
    assert_eq!(
        stage.told(),
        ["10s join: began", "10s join: do", "10s join: ended"]
    );
}

#[test]
fn what_hits_nothing_never_begins() {
    let mut stage = Stage::new(
        r#"{ at = "10s", do = "crash", member = "consumer-3" },
           { at = "10s", do = "crash", member = "owner of orders-1" },
           { at = "10s", do = "crash" },
           { at = "10s", do = "isolate", broker = "leader of orders-0" },
           { at = "10s", do = "cut", member = "consumer-1", broker = "broker-2" }"#,
    );
    stage.world.members[2] = false;
    stage.world.owners[1] = None;
    stage.world.busiest = None;
    stage.world.leader = None;
    stage.world.brokers[1] = false;
    stage.until(10);
    assert!(stage.told().is_empty());
    assert!(stage.is_over());
    let missed = (1..=5).map(|fault| (FaultId(fault), Missed::NoTarget));
    assert_eq!(stage.missed(), missed.collect::<Vec<_>>());
}

#[test]
fn two_faults_at_once_do_not_hit_the_same_process_twice() {
    let mut stage = Stage::new(
        r#"{ at = "10s", do = "broker-crash", broker = "broker-1" },
           { at = "10s", do = "broker-crash", broker = "leader of orders-0" }"#,
    );
    stage.until(10);
    assert_eq!(
        stage.told(),
        ["10s broker-crash: began broker-1", "10s broker-crash: do"]
    );
    assert_eq!(stage.missed(), [(FaultId(2), Missed::NoTarget)]);
}

#[test]
fn where_brokers_take_time_a_fault_of_theirs_ends_when_it_is_undone() {
    let mut stage = Stage::slow(
        r#"{ at = "10s", do = "broker-crash", broker = "broker-1", for = "5s" },
           { at = "30s", do = "coordinator-move" },
           { at = "40s", do = "throttle", broker = "broker-1", by = "1s", for = "5s" }"#,
    );
    stage.until(12);
    stage.done(0);
    assert_eq!(
        stage.told(),
        ["10s broker-crash: began broker-1", "10s broker-crash: do"]
    );
    // Its five seconds count from when it was done.
    stage.until(20);
    assert_eq!(stage.told(), ["17s broker-crash: undo"]);
    stage.done(0);
    assert_eq!(stage.told(), ["20s broker-crash: ended"]);
    stage.until(31);
    assert_eq!(
        stage.told(),
        ["30s coordinator-move: began", "30s coordinator-move: do"]
    );
    stage.done(1);
    assert_eq!(stage.told(), ["31s coordinator-move: ended"]);
    // The network obeys at once, on every backend.
    stage.until(50);
    assert_eq!(
        stage.told(),
        [
            "40s throttle: began broker-1",
            "40s throttle: do",
            "45s throttle: ended",
            "45s throttle: undo",
        ]
    );
    assert!(stage.is_over());
}
