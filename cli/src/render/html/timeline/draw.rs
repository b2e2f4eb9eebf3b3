//! Draws a timeline as SVG. Colours and lines are the style sheet's business.

use super::super::super::seconds;
use super::super::markup::Element;
use super::bars::Bar;
use super::layout::{AXIS, Event, Layout, Spot};
use plimsoll_core::Instant;

/// The distance that the labels of two moments keep on the axis.
const LABELS: i32 = 56;

/// The distance from the middle of a mark to its label.
const BESIDE: i32 = 11;

/// The radius of the ring around a mark, and of what can be touched of it.
const RING: i32 = 11;

/// The distance from the middle of a row to the base of its text.
const BASE: i32 = 4;

/// The height of half a bar.
const HALF_BAR: i32 = 7;

/// Draws a timeline; `row` names the row of the table that tells an event, by its number.
pub(super) fn draw(
    layout: &Layout,
    events: &[Event<'_>],
    name: &str,
    row: impl Fn(usize) -> String,
) -> Element {
    let (width, height) = (layout.scale.width(), layout.height());
    let marks = layout.spots.iter().zip(events).enumerate();
    let marks = marks.map(|(index, (spot, event))| mark(spot, event, &row(index)));
    Element::new("svg")
        .class("picture")
        .with("width", width)
        .with("height", height)
        .with("viewBox", format!("0 0 {width} {height}"))
        .with("role", "group")
        .with("aria-label", name)
        .children(lanes(layout))
        .children(bands(layout))
        .children(axis(layout, events))
        .children(lines(layout))
        .children(layout.bars.iter().map(|one| bar(layout, one)))
        .children(connections(layout, events))
        .children(marks)
}

fn lanes(layout: &Layout) -> impl Iterator<Item = Element> + use<'_> {
    layout.lanes.iter().map(|one| {
        rectangle(0, one.top, layout.scale.width(), one.height)
            .class(format!("lane {}", one.lane.class()))
    })
}

fn bands(layout: &Layout) -> impl Iterator<Item = Element> + use<'_> {
    layout.bands.iter().flat_map(|band| {
        let hit = layout.lanes.iter();
        let hit = hit.filter(|one| band.lanes.contains(&one.lane));
        hit.map(|one| {
            let width = (band.right - band.left).max(4);
            rectangle(band.left, one.top, width, one.height).class("band")
        })
    })
}

/// Draws the moments: first those of the events that show the violation, then as many others as
/// there is room for.
fn axis(layout: &Layout, events: &[Event<'_>]) -> Vec<Element> {
    let shows = |at: Instant| {
        let mut events = events.iter();
        events.any(|one| one.moment.at == at && one.moment.shows)
    };
    let told = |at: Instant| events.iter().any(|one| one.moment.at == at);
    let stops = layout.scale.stops().iter();
    let (first, then): (Vec<_>, Vec<_>) = stops
        .filter(|(at, _)| told(*at))
        .partition(|(at, _)| shows(*at));
    let mut labelled: Vec<i32> = Vec::new();
    let mut elements = Vec::new();
    for &(at, x) in first.into_iter().chain(then) {
        let class = if shows(at) { "shows" } else { "plain" };
        let has_room = labelled.iter().all(|other| (x - other).abs() >= LABELS);
        if has_room {
            labelled.push(x);
            let label = Element::new("text")
                .class(format!("moment {class}"))
                .with("x", x)
                .with("y", AXIS - 12)
                .text(seconds(at));
            elements.push(label);
        }
        if has_room || class == "shows" {
            let from = if has_room { AXIS - 7 } else { AXIS };
            elements.push(line(x, from, x, layout.height()).class(format!("grid {class}")));
        }
    }
    elements
}

/// Draws the lives of processes.
fn lines(layout: &Layout) -> impl Iterator<Item = Element> + use<'_> {
    let lines = layout.lines.iter();
    lines.filter_map(|one| {
        let y = layout.lane(one.lane)?.middle();
        Some(line(one.left, y, one.right, y).class(format!("life {}", one.class)))
    })
}

fn bar(layout: &Layout, bar: &Bar) -> Element {
    let y = layout.lane(bar.lane).map_or(0, |lane| lane.bar(bar.row));
    let open = if bar.open { " open" } else { "" };
    let shape = rectangle(bar.left, y - HALF_BAR, bar.right - bar.left, 2 * HALF_BAR);
    let is_on_it = (bar.left..bar.right).contains(&bar.label_at);
    let label = Element::new("text")
        .class(if is_on_it { "within" } else { "beside" })
        .with("x", bar.label_at)
        .with("y", y + BASE)
        .text(&bar.label);
    Element::new("g")
        .class(format!("bar {}{open}", bar.class))
        .child(shape.with("rx", 3))
        .child(label)
}

/// Draws the lines between marks and the lanes from which they come.
fn connections(layout: &Layout, events: &[Event<'_>]) -> Vec<Element> {
    let spots = layout.spots.iter().zip(events);
    let lines = spots.filter_map(|(spot, event)| {
        let shows = if event.moment.shows { " shows" } else { "" };
        Some(line(spot.x, spot.from?, spot.x, spot.y).class(format!("connection{shows}")))
    });
    lines.collect()
}

/// Draws the mark of an event, as a link to the row that tells it.
fn mark(spot: &Spot, event: &Event<'_>, row: &str) -> Element {
    let Spot {
        mark, x, y, label, ..
    } = spot;
    let moment = event.moment;
    let told = format!("{}, {}: {}", seconds(moment.at), moment.actor, moment.what);
    let told = match moment.shows {
        true => format!("{told} (shows the violation)"),
        false => told,
    };
    let ring = moment
        .shows
        .then(|| Element::new("circle").class("ring").with("r", RING));
    let target = Element::new("circle").class("target").with("r", RING);
    let label = label.as_ref().map(|label| {
        Element::new("text")
            .class("beside")
            .with("x", if moment.shows { BESIDE + 4 } else { BESIDE })
            .with("y", BASE)
            .text(label)
    });
    Element::new("a")
        .class("event")
        .with("href", format!("#{row}"))
        .with("aria-label", &told)
        .with("transform", format!("translate({x} {y})"))
        .line("title", &told)
        .child(target)
        .children(ring)
        .child(mark.draw())
        .children(label)
}

fn rectangle(x: i32, y: i32, width: i32, height: i32) -> Element {
    Element::new("rect")
        .with("x", x)
        .with("y", y)
        .with("width", width)
        .with("height", height)
}

fn line(x1: i32, y1: i32, x2: i32, y2: i32) -> Element {
    Element::new("line")
        .with("x1", x1)
        .with("y1", y1)
        .with("x2", x2)
        .with("y2", y2)
}
