//! Faults that wait for something to happen.

use super::stage::{Stage, member};
use plimsoll_core::{Offset, TopicPartition};
use plimsoll_oracle::{FaultId, MessageId, Missed, RequestKind, TraceEvent};

const ACKNOWLEDGED: TraceEvent = TraceEvent::Acknowledged {
    message: MessageId(0),
    partition: TopicPartition::new(0, 0),
    offset: Offset::new(0),
};

#[test]
fn a_trigger_without_delay_begins_the_fault_at_that_very_moment() {
    let mut stage = Stage::new(r#"{ when = "commit-in-flight", do = "crash", for = "5s" }"#);
    assert!(stage.is_waiting());
    stage.until(7);
    stage.sees(ACKNOWLEDGED);
    assert!(stage.told().is_empty());
    stage.commits(member(2));
    assert!(!stage.is_waiting());
    assert_eq!(stage.told(), ["7s crash: began consumer-2", "7s crash: do"]);
    // Once only.
    stage.commits(member(3));
    assert!(stage.told().is_empty());
    stage.until(60);
    assert_eq!(stage.told(), ["12s crash: ended", "12s crash: undo"]);
}

#[test]
fn a_condition_counts_and_a_delay_passes() {
    let mut stage = Stage::new(
        r#"{ when = "commit-in-flight", nth = 3, after = "2s", do = "pause", for = "1s" }"#,
    );
    for (second, number) in [(5, 1), (6, 2), (7, 3), (8, 1)] {
        stage.until(second);
        stage.commits(member(number));
    }
    assert!(stage.told().is_empty());
    stage.until(20);
    // The third commit's member, at the end of the delay.
    assert_eq!(
        stage.told(),
        [
            "9s pause: began consumer-3",
            "9s pause: do",
            "10s pause: ended",
            "10s pause: undo",
        ]
    );
}

#[test]
fn what_is_about_no_member_hits_the_busiest() {
    let mut stage = Stage::new(r#"{ when = "acknowledged", do = "pause", for = "1s" }"#);
    stage.world.busiest = Some(member(3));
    stage.until(5);
    stage.sees(ACKNOWLEDGED);
    assert_eq!(stage.told(), ["5s pause: began consumer-3", "5s pause: do"]);
}

#[test]
fn targets_are_found_when_the_fault_begins() {
    let mut stage = Stage::new(
        r#"{ when = "commit-in-flight", after = "2s", do = "pause", member = "owner of orders-0" },
           { when = "commit-in-flight", after = "2s", do = "crash", member = "triggering" }"#,
    );
    stage.until(5);
    stage.commits(member(1));
    stage.world.owners[0] = Some(member(2));
    stage.world.members[0] = false;
    stage.until(8);
    assert_eq!(stage.told(), ["7s pause: began consumer-2", "7s pause: do"]);
    assert_eq!(stage.missed(), [(FaultId(2), Missed::NoTarget)]);
}

#[test]
fn one_observation_begins_faults_one_after_the_other() {
    let mut stage = Stage::new(
        r#"{ when = "commit-in-flight", do = "crash", for = "5s" },
           { when = "commit-in-flight", do = "crash", for = "5s" }"#,
    );
    stage.until(5);
    stage.commits(member(2));
    // The first has killed the process by the time that the second looks for it.
    assert_eq!(stage.told(), ["5s crash: began consumer-2", "5s crash: do"]);
    assert_eq!(stage.missed(), [(FaultId(2), Missed::NoTarget)]);
}

const AFTER_EFFECT: &str =
    r#"{ at = "5s", do = "crash-after-effect", member = "consumer-2", for = "4s" }"#;

#[test]
fn a_crash_after_an_effect_counts_its_duration_from_the_crash() {
    let mut stage = Stage::new(AFTER_EFFECT);
    stage.writes(member(2));
    stage.until(20);
    assert_eq!(stage.told(), ["5s crash-after-effect: began consumer-2"]);
    stage.writes(member(1));
    assert!(stage.told().is_empty());
    assert!(!stage.is_over());
    stage.writes(member(2));
    assert_eq!(stage.told(), ["20s crash-after-effect: do"]);
    stage.writes(member(2));
    stage.until(30);
    assert_eq!(
        stage.told(),
        [
            "24s crash-after-effect: ended",
            "24s crash-after-effect: undo",
        ]
    );
    assert!(stage.is_over());
}

#[test]
fn a_crash_after_an_effect_without_duration_lasts_until_the_healing() {
    let mut stage =
        Stage::new(r#"{ at = "5s", do = "crash-after-effect", member = "consumer-2" }"#);
    stage.until(6);
    stage.writes(member(2));
    stage.until(60);
    stage.told();
    stage.heals();
    assert_eq!(
        stage.told(),
        [
            "60s crash-after-effect: ended",
            "60s crash-after-effect: undo",
        ]
    );
    assert!(stage.missed().is_empty());
}

#[test]
fn a_crash_without_effect_has_nothing_to_undo() {
    let mut stage = Stage::new(AFTER_EFFECT);
    stage.until(60);
    stage.told();
    stage.heals();
    assert_eq!(stage.told(), ["60s crash-after-effect: ended"]);
    assert_eq!(stage.missed(), [(FaultId(1), Missed::NoEffect)]);
    // Too late.
    stage.writes(member(2));
    assert!(stage.told().is_empty());
}

const LOSS: &str = r#"{ at = "5s", do = "lose-response", member = "consumer-2", request = "Heartbeat" },
                       { at = "6s", do = "lose-response", member = "consumer-2", request = "Heartbeat" }"#;

#[test]
fn a_lost_answer_is_the_effect_of_one_fault() {
    let lost = |number, request| TraceEvent::ResponseLost {
        member: member(number),
        request,
    };
    let mut stage = Stage::new(LOSS);
    stage.sees(lost(2, RequestKind::Heartbeat));
    stage.until(10);
    assert!(stage.is_waiting());
    stage.sees(lost(1, RequestKind::Heartbeat));
    stage.sees(lost(2, RequestKind::Fetch));
    stage.sees(lost(2, RequestKind::Heartbeat));
    assert!(stage.is_waiting());
    stage.told();
    stage.heals();
    assert!(stage.told().is_empty());
    assert_eq!(stage.missed(), [(FaultId(1), Missed::NoEffect)]);
    assert!(stage.is_over());

    let mut stage = Stage::new(LOSS);
    stage.until(10);
    stage.sees(lost(2, RequestKind::Heartbeat));
    stage.sees(lost(2, RequestKind::Heartbeat));
    assert!(!stage.is_waiting());
    assert!(stage.is_over());
    stage.heals();
    assert_eq!(stage.missed(), []);
}

#[test]
fn what_changes_nothing_is_missed_and_ends_all_the_same() {
    let mut stage = Stage::slow(
        r#"{ at = "5s", do = "coordinator-move" },
           { at = "5s", do = "broker-stop", broker = "broker-1", for = "2s" }"#,
    );
    stage.until(6);
    stage.in_vain(0);
    stage.in_vain(1);
    assert_eq!(stage.missed(), [(FaultId(1), Missed::NoEffect)]);
    stage.until(9);
    stage.done(1);
    assert!(stage.is_over());
    let both = [1, 2].map(|fault| (FaultId(fault), Missed::NoEffect));
    assert_eq!(stage.missed(), both);
}

#[test]
fn of_two_that_wait_for_the_same_effect_the_later_one_has_it() {
    let mut stage = Stage::new(
        r#"{ at = "5s", do = "crash-after-effect", member = "consumer-2", for = "1s" },
           { at = "6s", do = "crash-after-effect", member = "consumer-2", for = "2s" }"#,
    );
    stage.until(10);
    stage.told();
    stage.writes(member(2));
    stage.until(20);
    stage.writes(member(2));
    assert_eq!(
        stage.told(),
        [
            "10s crash-after-effect: do",
            "12s crash-after-effect: ended",
            "12s crash-after-effect: undo",
        ]
    );
    stage.heals();
    assert_eq!(stage.missed(), [(FaultId(1), Missed::NoEffect)]);
}
