//! The report of `plimsoll run` as a page: one file that shows the same in every browser, without
//! a network and without a script. Of the simulator, it is the same for the same arguments.

mod bugs;
mod head;
mod markup;
mod scenarios;
mod timeline;

pub(crate) use markup::Element;

use super::human;
use crate::report::{Failure, Report, ScenarioReport};

/// The style sheet, which stands in the page.
const STYLE: &str = concat!(
    include_str!("style/base.css"),
    include_str!("style/parts.css"),
    include_str!("style/timeline.css"),
    include_str!("style/media.css"),
);

/// The mark of Samuel Plimsoll, as the page's icon and in its head.
const ICON: &str = concat!(
    "data:image/svg+xml,",
    "%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32' fill='none' stroke='%231b6ec2' ",
    "stroke-width='3.5'%3E%3Ccircle cx='16' cy='16' r='10'/%3E%3Cpath d='M1 16h30'/%3E%3C/svg%3E"
);

/// Renders the report as a page of HTML.
pub(crate) fn report(report: &Report) -> String {
    let bugs = report.bugs();
    let (_, verdict) = human::ending(report);
    let main = Element::new("main")
        .child(head::head(report, &bugs))
        .child(scenarios::scenarios(report))
        .children(bugs::bugs(&bugs))
        .children(not_met(report))
        .children(did_not_happen(report))
        .children(not_executed(report));
    document(&format!("Plimsoll: {verdict}"), [main, footer()])
}

/// Makes a page that needs no other file.
fn document(title: &str, body: impl IntoIterator<Item = Element>) -> String {
    let meta = |name: &'static str, content: &'static str| {
        Element::new("meta")
            .with("name", name)
            .with("content", content)
    };
    let head = Element::new("head")
        .child(Element::new("meta").with("charset", "utf-8"))
        .child(meta("viewport", "width=device-width, initial-scale=1"))
        .child(meta("color-scheme", "light dark"))
        .line("title", title)
        .child(Element::new("link").with("rel", "icon").with("href", ICON))
        .child(Element::new("style").constant(STYLE));
    let page = Element::new("html")
        .with("lang", "en")
        .child(head)
        .child(Element::new("body").children(body));
    format!("<!doctype html>\n{page}")
}

/// Makes a part of the page with a heading.
fn section(id: &'static str, heading: &str) -> Element {
    Element::new("section").with("id", id).line("h2", heading)
}

/// Makes a list, an item for each text.
fn list<T: std::fmt::Display>(items: impl IntoIterator<Item = T>) -> Element {
    let items = items.into_iter();
    Element::new("ul").children(items.map(|item| Element::new("li").text(item)))
}

/// Tells the expectations that were not met, besides the violations.
fn not_met(report: &Report) -> Option<Element> {
    let failures = report.failures();
    let failures = failures.filter(|(_, failure)| !matches!(failure, Failure::Violated(_)));
    let items: Vec<Element> = failures
        .map(|(one, failure)| expectation(one, failure))
        .collect();
    let section = section("not-met", "Other expectations that were not met");
    (!items.is_empty()).then(|| section.child(Element::new("ul").children(items)))
}

/// Tells what scenarios name and no run showed, where that fails nothing.
fn did_not_happen(report: &Report) -> Option<Element> {
    let untried = report.scenarios.iter().flat_map(|scenario| {
        let untried = scenario.untried.iter();
        untried.map(move |failure| expectation(scenario, failure))
    });
    let items: Vec<Element> = untried.collect();
    let heading = "Did not happen, in too few runs to fail for it";
    (!items.is_empty())
        .then(|| section("did-not-happen", heading).child(Element::new("ul").children(items)))
}

fn expectation(scenario: &ScenarioReport, failure: &Failure) -> Element {
    let item = Element::new("li").text(human::in_words(scenario, failure));
    match failure {
        Failure::NeverTookEffect { fault, .. } => item.child(code(fault)),
        Failure::Broken { again, .. } => item.child(code(again)),
        Failure::TraceDiffers { recorded, found } => item
            .child(code(format!("recorded: {recorded}")))
            .child(code(format!("found:    {found}"))),
        _ => item,
    }
}

/// Makes a block of code.
fn code(text: impl std::fmt::Display) -> Element {
    Element::new("pre").with("tabindex", 0).line("code", text)
}

fn not_executed(report: &Report) -> Option<Element> {
    let entries = report.not_executed.iter().map(ToString::to_string);
    let skipped = Some(report.skipped.to_string()).filter(|text| !text.is_empty());
    let items: Vec<String> = entries.chain(skipped).collect();
    (!items.is_empty()).then(|| section("not-executed", "Not executed").child(list(items)))
}

/// Names the program. What depends on the machine, as the time that it took, is not on the page.
fn footer() -> Element {
    let made = format!("Made by Plimsoll {}.", env!("CARGO_PKG_VERSION"));
    Element::new("footer").line("p", made)
}
