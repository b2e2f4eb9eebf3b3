//! Timelines of traces that are made by hand.

use super::layout::{Layout, events};
use super::timeline;
use crate::conviction::Recording;
use plimsoll_core::{AssignmentEpoch, Instant, NextOffset, Offset, Outcome, TopicPartition};
use plimsoll_oracle::story::Story;
use plimsoll_oracle::{FaultId, MemberId, MessageId, Property, Trace, TraceEvent as E, Violation};
use plimsoll_scenarios::{Plan, Scenario};

const ONE: MemberId = MemberId(0);
const TWO: MemberId = MemberId(1);
const CRASH: FaultId = FaultId(1);

fn partition(number: u32) -> TopicPartition {
    TopicPartition::new(0, number)
}

fn plan() -> Plan {
    let text = "
        [[topics]]
        name = \"orders\"
        partitions = 2

        [consumers]
        members = 2

        [[faults]]
        id = 1
        at = \"1s\"
        do = \"crash\"
        member = \"consumer-1\"
        for = \"5s\"
    ";
    Plan::draw(
        &Scenario::parse("x.toml", text).expect("it is a scenario"),
        0,
    )
}

fn assigned(member: MemberId, partition: TopicPartition, position: u64) -> E {
    E::Assigned {
        member,
        partition,
        epoch: AssignmentEpoch(1),
        position: NextOffset::new(position),
        generation: 1,
    }
}

fn begins(member: MemberId, partition: TopicPartition, offset: u64) -> E {
    E::HandlerStarted {
        member,
        partition,
        offset: Offset::new(offset),
        message: MessageId(7),
        attempt: 1,
    }
}

fn ends(member: MemberId, partition: TopicPartition, offset: u64) -> E {
    E::Effect {
        member,
        partition,
        offset: Offset::new(offset),
        message: MessageId(7),
        key: None,
        attempt: 1,
        outcome: Outcome::Ok,
    }
}

/// A member that commits a record before its handler ends, and dies; its successor reads on.
fn loss() -> Vec<(u64, E)> {
    let began = E::FaultBegan {
        fault: CRASH,
        member: Some(ONE),
        broker: None,
    };
    let committed = E::Committed {
        member: ONE,
        partition: partition(0),
        next: NextOffset::new(2),
        generation: 1,
        rebalancing: false,
    };
    let stopped = E::HandlerStopped {
        member: ONE,
        partition: partition(0),
        offset: Offset::new(1),
        attempt: 1,
    };
    vec![
        (0, E::MemberStarted { member: ONE }),
        (0, E::MemberStarted { member: TWO }),
        (3_000, assigned(ONE, partition(0), 0)),
        (3_000, assigned(TWO, partition(1), 0)),
        (3_010, begins(ONE, partition(0), 1)),
        (3_020, committed),
        (3_021, began),
        (3_021, stopped),
        (3_021, E::MemberCrashed { member: ONE }),
        (8_021, E::FaultEnded { fault: CRASH }),
        (9_000, assigned(TWO, partition(0), 2)),
        (9_001, begins(TWO, partition(0), 2)),
        (9_051, ends(TWO, partition(0), 2)),
    ]
}

/// Makes the recording of a trace, and its story, in which these entries show the violation.
fn told(events: &[(u64, E)], evidence: &[usize]) -> (Story, Recording) {
    let mut trace = Trace::new();
    for (millis, event) in events {
        trace.push(Instant::from_millis(*millis), *event);
    }
    let plan = plan();
    let violation = Violation {
        at: trace.entries().last().expect("there are entries").at,
        kind: "lost",
        summary: "it is lost".into(),
        evidence: evidence.to_vec(),
        count: 1,
    };
    let story = Story::of(&plan.terms(), &trace, Property::NoLoss, &violation);
    (story, Recording { plan, trace })
}

fn layout(story: &Story, recording: &Recording) -> Layout {
    let terms = recording.plan.terms();
    Layout::new(&terms, recording.trace.entries(), &events(story, recording))
}

#[test]
fn every_event_is_a_mark_that_leads_to_its_row() {
    let (story, recording) = told(&loss(), &[4, 5, 11]);
    let elements = timeline("bug-1", &story, &recording);
    let page: String = elements.iter().map(ToString::to_string).collect();
    assert!(story.moments.len() > 8);
    for number in 1..=story.moments.len() {
        let link = format!("href=\"#bug-1-{number}\"");
        let row = format!(" id=\"bug-1-{number}\"");
        assert_eq!(page.matches(&link).count(), 1, "{link}");
        assert_eq!(page.matches(&row).count(), 1, "{row}");
    }
    let shown = story.moments.iter().filter(|moment| moment.shows).count();
    assert_eq!(page.matches("class=\"ring\"").count(), shown);
    assert_eq!(page.matches("(shows the violation)</title>").count(), shown);
}

#[test]
fn lanes_are_members_and_partitions_that_are_told_of() {
    let (story, recording) = told(&loss(), &[4, 5, 11]);
    let layout = layout(&story, &recording);
    let names: Vec<&str> = layout.lanes.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["scenario", "consumer-1", "consumer-2", "orders-0"]);
    for pair in layout.lanes.windows(2) {
        assert_eq!(pair[0].top + pair[0].height, pair[1].top);
    }
}

#[test]
fn a_fault_is_a_band_over_the_lane_that_it_hits() {
    let (story, recording) = told(&loss(), &[4, 5, 11]);
    let layout = layout(&story, &recording);
    let [band] = layout.bands.as_slice() else {
        panic!("one fault: {:?}", layout.bands);
    };
    assert_eq!(band.lanes, [layout.lanes[1].lane]);
    let x = |millis| layout.scale.x(Instant::from_millis(millis));
    assert_eq!((band.left, band.right), (x(3_021), x(8_021)));
}

#[test]
fn what_lasts_is_a_bar_from_its_beginning_to_its_end() {
    let (story, recording) = told(&loss(), &[4, 5, 11]);
    let layout = layout(&story, &recording);
    let x = |millis| layout.scale.x(Instant::from_millis(millis));
    let bars = layout.bars.iter();
    let bars = bars.map(|bar| (bar.class, bar.label.as_str(), bar.left, bar.right, bar.open));
    let width = layout.scale.width();
    assert_eq!(
        bars.collect::<Vec<_>>(),
        [
            ("fault", "crash (fault 1)", x(3_021), x(8_021), false),
            ("stopped", "@1", x(3_010), x(3_021), false),
            ("done", "@2", x(9_001), x(9_051), false),
            ("owned", "consumer-1", x(3_000), x(3_021), false),
            ("owned", "consumer-2", x(9_000), width, true),
        ]
    );
}

/// The records of two partitions, at work at once, have the partition in their names and rows of
/// their own.
#[test]
fn handlers_at_once_have_rows_of_their_own() {
    let events = [
        (0, E::MemberStarted { member: ONE }),
        (1, begins(ONE, partition(0), 1)),
        (2, begins(ONE, partition(1), 1)),
        (5, ends(ONE, partition(0), 1)),
        (6, ends(ONE, partition(1), 1)),
    ];
    let (story, recording) = told(&events, &[1, 2, 3, 4]);
    let layout = layout(&story, &recording);
    let bars = layout.bars.iter();
    let bars: Vec<_> = bars.map(|bar| (bar.label.as_str(), bar.row)).collect();
    assert_eq!(bars, [("orders-0@1", 0), ("orders-1@1", 1)]);
}

/// However many things happen at one moment, each mark can be seen, and touched.
#[test]
fn no_mark_covers_another() {
    let mut events = loss();
    events.push((
        9_051,
        E::FaultBegan {
            fault: FaultId(2),
            member: None,
            broker: None,
        },
    ));
    events.push((9_051, E::FaultEnded { fault: FaultId(2) }));
    for number in 0..5 {
        events.push((9_051, begins(TWO, partition(1), number)));
        events.push((9_051, E::CommitSent { member: TWO }));
    }
    let all: Vec<usize> = (0..events.len()).collect();
    let (story, recording) = told(&events, &all);
    let layout = layout(&story, &recording);
    for (index, one) in layout.spots.iter().enumerate() {
        for other in &layout.spots[..index] {
            let apart = (one.x - other.x).abs().max((one.y - other.y).abs());
            assert!(apart >= 14, "{one:?} covers {other:?}");
        }
        assert!((0..=layout.scale.width()).contains(&one.x), "{one:?}");
    }
}
