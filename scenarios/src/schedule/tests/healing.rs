//! The end of the safety phase.

use super::stage::{Stage, member};
use plimsoll_oracle::{FaultId, Missed};

#[test]
fn what_has_not_begun_never_will() {
    let mut stage = Stage::new(
        r#"{ at = "59s", do = "pause", member = "consumer-1" },
           { at = "59500ms", do = "pause", member = "consumer-2" },
           { when = "commit-in-flight", after = "5s", do = "crash" },
           { when = "commit-in-flight", nth = 3, do = "crash" }"#,
    );
    stage.until(58);
    stage.commits(member(1));
    stage.until(59);
    stage.told();
    stage.heals();
    assert_eq!(stage.told(), ["59s pause: ended", "59s pause: undo"]);
    assert!(stage.is_over());
    assert!(!stage.is_waiting());
    assert_eq!(
        stage.missed(),
        [
            (FaultId(2), Missed::Healed),
            (FaultId(3), Missed::Healed),
            (FaultId(4), Missed::NoCondition),
        ]
    );
    // Timers that are due and conditions that come true are too late.
    stage.commits(member(1));
    stage.commits(member(1));
    stage.until(70);
    assert!(stage.told().is_empty());
}

#[test]
fn faults_end_in_the_order_of_the_plan() {
    let mut stage = Stage::new(
        r#"{ at = "20s", do = "pause", member = "consumer-1" },
           { at = "10s", do = "crash", member = "consumer-2", for = "70s" }"#,
    );
    stage.until(60);
    stage.told();
    stage.heals();
    stage.until(90);
    assert_eq!(
        stage.told(),
        [
            "60s pause: ended",
            "60s pause: undo",
            "60s crash: ended",
            "60s crash: undo",
        ]
    );
}

#[test]
fn what_is_being_done_is_undone_as_soon_as_it_is_done() {
    let mut stage = Stage::slow(
        r#"{ at = "59s", do = "broker-pause", broker = "broker-1", for = "30s" },
           { at = "59s", do = "coordinator-move" }"#,
    );
    stage.until(60);
    stage.told();
    stage.heals();
    assert!(stage.told().is_empty());
    assert!(!stage.is_over());
    stage.until(61);
    stage.done(0);
    stage.done(1);
    assert_eq!(
        stage.told(),
        ["61s broker-pause: undo", "61s coordinator-move: ended"]
    );
    stage.until(62);
    stage.done(0);
    assert_eq!(stage.told(), ["62s broker-pause: ended"]);
    assert!(stage.is_over());
    assert!(stage.missed().is_empty());
}
