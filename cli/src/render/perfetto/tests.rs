//! What small runs that no scenario leads to look like.

use super::trace;
use crate::conviction::Recording;
use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset, Outcome, TopicPartition};
use plimsoll_oracle::{
    BrokerId, FaultId, MemberId, MessageId, Property, Trace, TraceEvent, Violation,
};
use plimsoll_scenarios::{Plan, Scenario};
use serde_json::Value;
use std::collections::BTreeMap;

const MEMBER: MemberId = MemberId(0);
const PARTITION: TopicPartition = TopicPartition::new(0, 0);

fn started(offset: u64) -> TraceEvent {
    TraceEvent::HandlerStarted {
        member: MEMBER,
        partition: PARTITION,
        offset: Offset::new(offset),
        message: MessageId(1),
        attempt: 1,
    }
}

fn finished(offset: u64) -> TraceEvent {
    TraceEvent::Effect {
        member: MEMBER,
        partition: PARTITION,
        offset: Offset::new(offset),
        message: MessageId(1),
        key: None,
        attempt: 1,
        outcome: Outcome::Ok,
    }
}

/// Draws these events, one each microsecond and a half, and returns a line for each slice, by its
/// beginning: track, beginning, duration, name.
fn slices(events: &[TraceEvent]) -> Vec<String> {
    let scenario = Scenario::parse("small.toml", "").expect("it is a scenario");
    let mut run = Trace::new();
    for (index, event) in (0..).zip(events) {
        run.push(Instant::from_nanos(index * 1_500), *event);
    }
    let recording = Recording {
        plan: Plan::draw(&scenario, 0),
        trace: run,
    };
    let violation = Violation {
        at: Instant::from_nanos(1_500),
        kind: "lost",
        summary: "it is lost".into(),
        evidence: vec![1],
        count: 1,
    };
    let text = trace(&recording, Property::NoLoss, &violation);
    let document: Value = serde_json::from_str(&text).expect("it is JSON");
    let events = document["traceEvents"].as_array().expect("a list");
    let names = events.iter().filter_map(|event| {
        let name = event["args"]["name"].as_str()?;
        Some((event["tid"].as_u64()?, name))
    });
    let names: BTreeMap<u64, &str> = names.collect();
    let slices = events.iter().filter(|event| event["ph"] == "X");
    slices
        .map(|event| {
            let track = names[&event["tid"].as_u64().expect("a number")];
            let name = event["name"].as_str().expect("a name");
            format!("{track}: {}+{} {name}", event["ts"], event["dur"])
        })
        .collect()
}

#[test]
fn handlers_that_overlap_have_tracks_of_their_own() {
    let events = [
        started(0),
        started(1),
        finished(0),
        started(2),
        finished(2),
        finished(1),
    ];
    let expected = [
        "orders-0 handlers: 0+3 orders-0@0, attempt 1",
        "orders-0 handlers (2): 1+6 orders-0@1, attempt 1",
        "orders-0 handlers: 4+2 orders-0@2, attempt 1",
    ];
    assert_eq!(slices(&events), expected);
}

#[test]
fn all_that_a_process_does_ends_with_it() {
    let events = [
        TraceEvent::MemberStarted { member: MEMBER },
        TraceEvent::Assigned {
            member: MEMBER,
            partition: PARTITION,
            epoch: AssignmentEpoch(1),
            position: NextOffset::ZERO,
            generation: 1,
        },
        started(0),
        TraceEvent::MemberPaused { member: MEMBER },
        TraceEvent::FaultBegan {
            fault: FaultId(3),
            member: Some(MEMBER),
            broker: None,
        },
        TraceEvent::MemberCrashed { member: MEMBER },
        TraceEvent::MemberStarted { member: MEMBER },
        TraceEvent::Ended { lag: 1 },
    ];
    let expected = [
        "process: 0+7 runs",
        "orders-0: 1+6 owns orders-0, from 0",
        "orders-0 handlers: 3+4 orders-0@0, attempt 1",
        "stands still: 4+3 stands still",
        "fault (fault 3): 6+4 fault: consumer-1",
        "process: 9+1 runs",
    ];
    assert_eq!(slices(&events), expected);
}

#[test]
fn leaders_and_coordinators_follow_one_another() {
    let leader = |leader: u32, epoch: u32| TraceEvent::LeaderChanged {
        partition: PARTITION,
        leader: BrokerId(leader),
        epoch,
    };
    let coordinator = |broker: u32| TraceEvent::CoordinatorChanged {
        broker: BrokerId(broker),
    };
    let events = [
        leader(0, 1),
        coordinator(1),
        leader(2, 2),
        coordinator(0),
        TraceEvent::Quiet,
    ];
    let expected = [
        "orders-0 leader: 0+3 broker-1, epoch 1",
        "broker-2 coordinates: 1+3 coordinates the group",
        "orders-0 leader: 3+3 broker-3, epoch 2",
        "broker-1 coordinates: 4+2 coordinates the group",
    ];
    assert_eq!(slices(&events), expected);
}
