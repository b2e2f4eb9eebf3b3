//! The bugs: what broke and why, how to see it again, and the timeline.

use super::super::human;
use super::markup::Element;
use super::timeline::timeline;
use super::{code, section};
use crate::conviction::{Conviction, Evidence, Recording, Shrunk};
use crate::report::Bug;
use plimsoll_oracle::story::Story;
use plimsoll_oracle::{Property, Word};

/// Tells every bug.
pub(super) fn bugs(bugs: &[Bug<'_>]) -> Option<Element> {
    let heading = match bugs.len() {
        1 => "The bug".to_owned(),
        many => format!("The {many} bugs"),
    };
    let legend = "orders-0@3 stands for the record at offset 3 of partition 0 of the topic orders.";
    (!bugs.is_empty()).then(|| {
        section("bugs", &heading)
            .child(Element::new("p").class("note").text(legend))
            .children((1..).zip(bugs).map(|(number, one)| bug(number, one)))
    })
}

/// Returns the name of a bug's part of the page.
pub(super) fn anchor(number: u32) -> String {
    format!("bug-{number}")
}

/// Returns what broke, in one sentence without a full stop; `None`: the schedule that shows it is
/// not known.
pub(super) fn broke(conviction: &Conviction) -> Option<String> {
    story(&conviction.evidence).map(|(story, _)| story.broke.clone())
}

fn story(evidence: &Evidence) -> Option<(&Story, &Recording)> {
    match evidence {
        Evidence::Shrunk(shrunk) => Some((&shrunk.story, &shrunk.recording)),
        Evidence::Seen(sighting) => Some((&sighting.story, &sighting.recording)),
        Evidence::NotShrunk(_) => None,
    }
}

fn bug(number: u32, bug: &Bug<'_>) -> Element {
    let conviction = bug.conviction;
    let property = conviction.property;
    let trial = &bug.scenario.trial;
    let kicker = Element::new("p")
        .class("kicker")
        .child(
            Element::new("span")
                .class("badge")
                .text(format!("Bug {number}")),
        )
        .text(" ")
        .child(Element::new("code").text(property))
        .text(" is violated by ")
        .line("strong", &trial.subject)
        .text(" in ")
        .line("strong", &trial.label);
    let told = story(&conviction.evidence);
    let heading = match told {
        Some((story, _)) => format!("{}.", story.broke),
        None => format!("{property} is violated"),
    };
    let id = anchor(number);
    let timeline = told.map(|(story, recording)| timeline(&id, story, recording));
    Element::new("article")
        .class("bug")
        .with("id", &id)
        .child(kicker)
        .line("h3", heading)
        .child(facts(bug, told.map(|(story, _)| story)))
        .child(replay(conviction))
        .children(timeline.into_iter().flatten())
        .children(file(conviction))
}

/// Tells the cause, the promise, and where else it was met.
fn facts(bug: &Bug<'_>, story: Option<&Story>) -> Element {
    let Bug {
        scenario,
        conviction,
        scenarios,
        ..
    } = bug;
    let plain = |text: String| Element::new("dd").text(text);
    let mut facts = Vec::new();
    if let Some(story) = story {
        facts.push(("Cause", plain(story.cause.to_string())));
        if let Some(at_stake) = &story.at_stake {
            facts.push(("At stake", plain(at_stake.to_string())));
        }
    }
    facts.push(("Promise", promise(conviction.property)));
    if let Some(death) = &conviction.death {
        facts.push(("With a crash", plain(format!("{}.", death.broke))));
    }
    if let Some(names) = human::also_broken(bug) {
        facts.push(("Also broken", plain(names)));
    }
    facts.push(("Seen in", plain(human::seen(scenario, conviction))));
    if let Some(more) = human::more_scenarios(bug) {
        let names = scenarios.join(", ");
        facts.push(("And in", plain(format!("{more}: {names}"))));
    }
    match &conviction.evidence {
        Evidence::Shrunk(shrunk) => facts.push(("Shrunk", plain(size(shrunk)))),
        Evidence::NotShrunk(why) => facts.push(("Not shrunk", plain(human::not_shrunk(why)))),
        Evidence::Seen(_) => {}
    }
    let facts = facts.into_iter();
    let facts = facts.map(|(name, text)| Element::new("div").line("dt", name).child(text));
    Element::new("dl").class("facts").children(facts)
}

/// Says what was promised, and which command says more of it.
fn promise(property: Property) -> Element {
    Element::new("dd")
        .text(property.description())
        .text(" ")
        .line("code", format!("plimsoll explain {property}"))
}

fn size(shrunk: &Shrunk) -> String {
    let size = human::size(shrunk);
    match human::ended_early(shrunk.end) {
        Some(why) => format!("{size}; not the smallest, perhaps: {why}"),
        None => size,
    }
}

/// Says how to see it again.
fn replay(conviction: &Conviction) -> Element {
    let mut lines = vec![("See it again", conviction.again.clone())];
    if let Some(death) = &conviction.death {
        lines.push(("See the loss, with a crash", death.again.clone()));
    }
    let regression = conviction.regression.as_ref();
    if let Evidence::Seen(sighting) = &conviction.evidence {
        if let Some(Ok(plan)) = regression {
            lines.push(("The plan of the run", plan.display().to_string()));
        }
        lines.push(match &sighting.trace {
            Ok(path) => ("The trace of the run", path.display().to_string()),
            Err(error) => ("No trace of the run", error.clone()),
        });
        let logs = sighting.logs.iter().map(|path| path.display().to_string());
        let logs: Vec<String> = logs.collect();
        if !logs.is_empty() {
            lines.push(("What its members wrote to standard error", logs.join("\n")));
        }
        if let Some(shrink) = &sighting.shrink {
            lines.push(("Shrink it in real time", shrink.clone()));
        }
        lines.push(("Shrink it in the simulator", sighting.simulate.clone()));
    } else if let Some(Err(error)) = regression {
        lines.push(("No file was written", error.clone()));
    }
    let lines = lines.into_iter();
    let lines = lines.map(|(name, text)| [Element::new("h4").text(name), code(text)]);
    Element::new("div")
        .class("replay")
        .children(lines.flatten())
}

/// Shows the file that shows it again.
fn file(conviction: &Conviction) -> Option<Element> {
    let Evidence::Shrunk(shrunk) = &conviction.evidence else {
        return None;
    };
    let path = conviction.regression.as_ref()?.as_ref().ok()?;
    let text = shrunk.regression.to_toml(path);
    let summary = format!("The schedule as a file: {}", path.display());
    Some(
        Element::new("details")
            .class("file")
            .line("summary", summary)
            .child(code(text)),
    )
}
