//! The timeline of a conviction: a picture with a lane for each part of the run, what its marks
//! mean, and a table of the same events.
//!
//! What is told was chosen by the story. The picture adds how long it lasted: [`spans`] reads that
//! from the trace, [`layout`] finds a place for everything, and [`draw`] draws it.

mod bars;
mod draw;
mod lanes;
mod layout;
mod marks;
mod scale;
mod spans;

use super::super::{counted, seconds};
use super::markup::Element;
use crate::conviction::Recording;
use layout::{AXIS, Event, Layout};
use marks::Mark;
use plimsoll_oracle::Word;
use plimsoll_oracle::story::Story;

/// Shows the events of a story; `bug` is the name of its part of the page.
pub(super) fn timeline(bug: &str, story: &Story, recording: &Recording) -> Vec<Element> {
    let events = layout::events(story, recording);
    if events.is_empty() {
        return Vec::new();
    }
    let terms = recording.plan.terms();
    let layout = Layout::new(&terms, recording.trace.entries(), &events);
    let row = |index: usize| format!("{bug}-{}", index + 1);
    let name = "Timeline of the events, each a link to its row in the table below";
    let picture = draw::draw(&layout, &events, name, row);
    let figure = Element::new("figure").class("timeline").child(
        Element::new("div")
            .class("scroll")
            .with("role", "region")
            .with("aria-label", "Timeline")
            .with("tabindex", 0)
            .child(names(&layout))
            .child(picture),
    );
    let table = table(&events, story.left_out, row);
    vec![figure.child(legend(&events)), table]
}

/// Names the lanes, beside the picture: they stay where they are while it scrolls.
fn names(layout: &Layout) -> Element {
    let heights = layout.lanes.iter().map(|one| format!(" {}fr", one.height));
    let style = format!(
        "width:{}px;grid-template-rows:{AXIS}fr{}",
        layout.names,
        heights.collect::<String>()
    );
    let names = layout.lanes.iter().map(|one| {
        Element::new("div")
            .class(format!("name {}", one.lane.class()))
            .with("title", &one.name)
            .child(Element::new("span").text(&one.name))
    });
    Element::new("div")
        .class("names")
        .with("style", style)
        .with("aria-hidden", "true")
        .child(Element::new("div").class("name axis").text("time"))
        .children(names)
}

/// Says what the marks in the picture mean.
fn legend(events: &[Event<'_>]) -> Element {
    let is_there = |mark: &&Mark| events.iter().any(|one| Mark::of(one.event) == **mark);
    let marks = Mark::ALL.iter().filter(is_there).map(|mark| {
        Element::new("li")
            .child(mark.icon())
            .line("span", mark.description())
    });
    let shows = Element::new("li")
        .child(Element::new("span").class("ring-sample").text(" "))
        .line("span", "shows the violation");
    let scroll = Element::new("span")
        .class("hint")
        .text("The picture scrolls sideways. ");
    let scale = "The axis is not to scale: the longer nothing happens, the more it is shortened.";
    Element::new("figcaption")
        .child(
            Element::new("ul")
                .class("legend")
                .child(shows)
                .children(marks),
        )
        .child(Element::new("p").class("note").child(scroll).text(scale))
}

/// Tells the events, a row each.
fn table(events: &[Event<'_>], left_out: usize, row: impl Fn(usize) -> String) -> Element {
    let rows = events.iter().enumerate();
    let rows = rows.map(|(index, event)| self::row(event).with("id", row(index)));
    let rows: Vec<Element> = rows.collect();
    let head = ["Time", "Part", "Event"];
    let head = head.map(|name| Element::new("th").with("scope", "col").text(name));
    let mut caption = String::from("The events: those with the red edge show the violation");
    if left_out > 0 {
        let left_out = counted(left_out as u64, "earlier one");
        caption += &format!("; {left_out} left out");
    }
    Element::new("table")
        .class("events")
        .line("caption", caption)
        .child(Element::new("thead").child(Element::new("tr").children(head)))
        .child(Element::new("tbody").children(rows))
}

fn row(Event { moment, event }: &Event<'_>) -> Element {
    let unseen = moment.shows.then(|| {
        let text = " (shows the violation)";
        Element::new("span").class("unseen").text(text)
    });
    let what = Element::new("td")
        .class("what")
        .child(Mark::of(event).icon())
        .text(&moment.what)
        .children(unseen);
    Element::new("tr")
        .class(if moment.shows { "shows" } else { "plain" })
        .child(Element::new("td").class("time").text(seconds(moment.at)))
        .child(Element::new("td").class("actor").text(&moment.actor))
        .child(what)
}

#[cfg(test)]
mod tests;
