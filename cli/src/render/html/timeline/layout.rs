//! Where everything of a timeline stands, in pixels.

use super::bars::{self, Bar, Window};
use super::lanes::{Lane, Place};
use super::marks::{self, Mark};
use super::scale::Scale;
use super::spans::{self, Attempt, Life, Span};
use crate::conviction::Recording;
use plimsoll_core::Instant;
use plimsoll_oracle::story::{Moment, Story, partition_of};
use plimsoll_oracle::{Entry, FaultId, Terms, TraceEvent};
use std::collections::{BTreeMap, BTreeSet};

/// The height of the axis above the lanes.
pub(super) const AXIS: i32 = 30;

/// The height of a row of marks.
const MARKS: i32 = 26;

/// The height of a row of bars.
const BARS: i32 = 21;

/// The space above and below the rows of a lane.
const PADDING: i32 = 5;

/// The width that names and picture fill together in any case: that of a page on a desktop.
const LEAST_WIDTH: i32 = 1060;

/// The greatest width of the names.
const NAMES: i32 = 160;

/// The room that a mark takes.
pub(super) const MARK: i32 = 18;

/// An event of a timeline.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event<'a> {
    /// What is told of it.
    pub moment: &'a Moment,
    /// The event itself.
    pub event: &'a TraceEvent,
}

/// A timeline, ready to be drawn.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// The width of the names beside the picture.
    pub names: i32,
    /// The axis.
    pub scale: Scale,
    /// Its lanes, from top to bottom.
    pub lanes: Vec<LaneBox>,
    /// The mark of each event, in their order.
    pub spots: Vec<Spot>,
    /// What lasts.
    pub bars: Vec<Bar>,
    /// The faults over the lanes that they hit.
    pub bands: Vec<Band>,
    /// The processes along their lanes.
    pub lines: Vec<Line>,
}

/// A lane in its place.
#[derive(Clone, Debug)]
pub(super) struct LaneBox {
    pub lane: Lane,
    pub name: String,
    pub top: i32,
    pub height: i32,
    /// The height of its row of marks; 0 where it has none.
    marks: i32,
}

/// The mark of an event.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    pub mark: Mark,
    pub x: i32,
    pub y: i32,
    pub label: Option<String>,
    /// The middle of the lane of what did it, where that is another one.
    pub from: Option<i32>,
}

/// A fault over the lanes that it hits.
#[derive(Clone, Debug)]
pub(super) struct Band {
    pub lanes: Vec<Lane>,
    pub left: i32,
    pub right: i32,
}

/// A process along its lane.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub lane: Lane,
    pub class: &'static str,
    pub left: i32,
    pub right: i32,
}

/// Returns the events that a story tells.
pub(super) fn events<'a>(story: &'a Story, recording: &'a Recording) -> Vec<Event<'a>> {
    let entries = recording.trace.entries();
    let moments = story.moments.iter();
    let events = moments.filter_map(|moment| {
        let event = &entries.get(moment.entry)?.event;
        Some(Event { moment, event })
    });
    events.collect()
}

impl LaneBox {
    /// Returns the middle of its row of marks; of the whole lane, where it has none.
    pub(super) const fn middle(&self) -> i32 {
        match self.marks {
            0 => self.top + self.height / 2,
            marks => self.top + PADDING + marks / 2,
        }
    }

    /// Returns the middle of a row of bars.
    pub(super) const fn bar(&self, row: usize) -> i32 {
        self.top + PADDING + self.marks + row as i32 * BARS + BARS / 2
    }
}

impl Layout {
    /// Finds a place for these events of a trace, of which there is at least one, and for what
    /// lasts around them.
    pub(super) fn new(terms: &Terms, entries: &[Entry], events: &[Event<'_>]) -> Self {
        let attempts = bars::told_attempts(entries, events);
        let faults = bars::told_faults(entries, events);
        let lanes = lanes(events, &attempts, &faults, entries);
        let names = lanes.iter().map(|lane| bars::width(&lane.name(terms)));
        let names = (names.max().unwrap_or(0) * 5 / 4 + 24).min(NAMES);
        let scale = Scale::new(&rooms(events, &attempts), LEAST_WIDTH - names);
        let window = Window {
            terms,
            entries,
            scale: &scale,
            lanes: &lanes,
            end: events.last().map_or(Instant::ZERO, |last| last.moment.at),
        };
        let bars = window.bars(&faults, &attempts);
        let boxes = stack(terms, &lanes, &bars, events);
        let bands = bands(&window, &faults);
        let lines = lines(&window);
        Self {
            names,
            spots: spots(events, &scale, &boxes, &bars),
            lanes: boxes,
            bars,
            bands,
            lines,
            scale,
        }
    }

    /// Returns the box of a lane.
    pub(super) fn lane(&self, lane: Lane) -> Option<&LaneBox> {
        self.lanes.iter().find(|one| one.lane == lane)
    }

    /// Returns its height.
    pub(super) fn height(&self) -> i32 {
        self.lanes
            .last()
            .map_or(AXIS, |last| last.top + last.height)
    }
}

/// Returns the lanes that have something to show.
fn lanes(
    events: &[Event<'_>],
    attempts: &[Span<Attempt>],
    faults: &[Span<FaultId>],
    entries: &[Entry],
) -> Vec<Lane> {
    let mut lanes = BTreeSet::new();
    for Event { event, .. } in events {
        let Place { lane, from } = Place::of(event);
        lanes.insert(lane);
        lanes.extend(from);
        lanes.extend(partition_of(event).map(Lane::Partition));
    }
    lanes.extend(attempts.iter().map(|span| Lane::Member(span.what.member)));
    for span in faults {
        lanes.extend(super::lanes::hit_by(&entries[span.first].event));
    }
    lanes.into_iter().collect()
}

/// Returns the moments that get a place on the axis, each with the room that its marks take beside
/// the first.
fn rooms(events: &[Event<'_>], attempts: &[Span<Attempt>]) -> BTreeMap<Instant, i32> {
    let mut marks: BTreeMap<(Instant, Lane), i32> = BTreeMap::new();
    for Event { moment, event } in events {
        let room = marks.entry((moment.at, Place::of(event).lane)).or_default();
        *room += room_of(event);
    }
    let mut rooms = BTreeMap::new();
    for ((at, _), room) in marks {
        let widest: &mut i32 = rooms.entry(at).or_default();
        *widest = (*widest).max(room - MARK);
    }
    for span in attempts {
        rooms.entry(span.from).or_default();
        if let Some((_, to)) = span.end {
            rooms.entry(to).or_default();
        }
    }
    rooms
}

/// Returns the room that an event takes in the row of marks.
fn room_of(event: &TraceEvent) -> i32 {
    let label = marks::label(event);
    MARK + label.map_or(0, |label| bars::width(&label) + 6)
}

/// Puts the lanes one below the other.
fn stack(terms: &Terms, lanes: &[Lane], bars: &[Bar], events: &[Event<'_>]) -> Vec<LaneBox> {
    let mut top = AXIS;
    let boxes = lanes.iter().map(|&lane| {
        let here = || bars.iter().filter(move |bar| bar.lane == lane);
        let mut events = events.iter();
        let has_marks = events.any(|one| {
            let is_held = here().any(|bar| bar.holds(one.moment.entry));
            Place::of(one.event).lane == lane && !is_held
        });
        let is_process = matches!(lane, Lane::Member(_) | Lane::Broker(_));
        let marks = if has_marks || is_process { MARKS } else { 0 };
        let rows = here().map(|bar| bar.row as i32 + 1).max().unwrap_or(0);
        let height = (marks + rows * BARS).max(MARKS) + 2 * PADDING;
        let lane = LaneBox {
            lane,
            name: lane.name(terms),
            top,
            height,
            marks,
        };
        top += height;
        lane
    });
    boxes.collect()
}

/// Finds the place of each event's mark: at the end of its bar, or in the row of marks, beside
/// those of the same moment.
fn spots(events: &[Event<'_>], scale: &Scale, boxes: &[LaneBox], bars: &[Bar]) -> Vec<Spot> {
    let middle = |lane: Lane| {
        let mut boxes = boxes.iter();
        boxes
            .find(|one| one.lane == lane)
            .map_or(0, LaneBox::middle)
    };
    let mut taken: BTreeMap<(Instant, Lane), i32> = BTreeMap::new();
    let spots = events.iter().map(|Event { moment, event }| {
        let place = Place::of(event);
        let mut spot = Spot {
            mark: Mark::of(event),
            x: 0,
            y: middle(place.lane),
            label: marks::label(event),
            from: place.from.map(middle),
        };
        let bar = bars.iter().find(|bar| bar.holds(moment.entry));
        let lane = boxes.iter().find(|one| one.lane == place.lane);
        if let (Some(bar), Some(lane)) = (bar, lane) {
            spot.x = bar.place_of(moment.entry);
            spot.y = lane.bar(bar.row);
        } else {
            let taken = taken.entry((moment.at, place.lane)).or_default();
            spot.x = scale.x(moment.at) + *taken;
            *taken += room_of(event);
        }
        spot
    });
    spots.collect()
}

fn bands(window: &Window<'_>, faults: &[Span<FaultId>]) -> Vec<Band> {
    let bands = faults.iter().map(|span| {
        let (left, right, _) = window.extent(span);
        Band {
            lanes: spans::lanes_hit(span, window.entries, window.lanes),
            left,
            right,
        }
    });
    bands.collect()
}

fn lines(window: &Window<'_>) -> Vec<Line> {
    let lives = spans::lives(window.entries).into_iter();
    let lines = lives.filter(|span| window.shows(span)).map(|span| {
        let (member, class) = match span.what {
            Life::Runs(member) => (member, "runs"),
            Life::StandsStill(member) => (member, "stands-still"),
        };
        let (left, right, _) = window.extent(&span);
        Line {
            lane: Lane::Member(member),
            class,
            left,
            right,
        }
    });
    lines
        .filter(|line| window.lanes.contains(&line.lane))
        .collect()
}
