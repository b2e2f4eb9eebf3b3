//! The scenarios: how each came out; what was not observed, and what never happened.

use super::super::{counted, human};
use super::markup::Element;
use super::section;
use crate::exit::Exit;
use crate::report::{Report, ScenarioOutcome, ScenarioReport};
use crate::runner::Count;
use plimsoll_oracle::{Property, Word};

/// Tells how the scenarios came out.
pub(super) fn scenarios(report: &Report) -> Element {
    let section = match report.scenarios.as_slice() {
        [one] => alone(report, one),
        many => section("scenarios", "Scenarios")
            .child(table(report, many))
            .children(stopped(report))
            .children(not_observed(report)),
    };
    section.child(never_happened(report))
}

/// Tells of one scenario every property and every fault.
fn alone(report: &Report, scenario: &ScenarioReport) -> Element {
    let ran = human::seeds(scenario);
    let ran = match human::cut_short(report, scenario) {
        Some(why) => format!("Seeds: {ran} ({why})."),
        None => format!("Seeds: {ran}."),
    };
    let counts = scenario.tally.counts();
    let promises = counts.map(|(property, count)| promise(scenario, property, count));
    let faults = human::faults(scenario).into_iter();
    let faults = faults.map(|(fault, effect, of)| {
        Element::new("li")
            .child(Element::new("code").text(fault))
            .text(format!(" {}", human::took_effect(effect, of)))
    });
    let faults: Vec<Element> = faults.collect();
    let part = section("scenarios", "Promises")
        .child(Element::new("p").class("note").text(ran))
        .child(Element::new("ul").class("promises").children(promises));
    match faults.is_empty() {
        true => part,
        false => part
            .line("h3", "Faults")
            .child(Element::new("ul").class("faults").children(faults)),
    }
}

/// Tells how a promise was kept.
fn promise(scenario: &ScenarioReport, property: Property, count: Count) -> Element {
    let expectation = &scenario.trial.expectation;
    let (class, sign, meaning) = match count {
        Count { violated: 1.., .. } if expectation.names(property) => ("good", "✗", "violated"),
        Count { violated: 1.., .. } => ("bad", "✗", "violated"),
        Count { held: 1.., .. } => ("good", "✓", "held"),
        Count { .. } => ("faint", "–", "not observed"),
    };
    let remark = human::remark(property, count, &scenario.tally, expectation);
    let name = Element::new("code")
        .with("title", property.description())
        .text(property);
    let text = Element::new("div").child(name);
    let text = match remark.as_str() {
        "" => text,
        _ => text.child(Element::new("p").class("remark").text(remark)),
    };
    Element::new("li")
        .class(class)
        .child(mark(sign, meaning))
        .child(text)
}

/// Makes a mark, which is read out as its meaning.
fn mark(sign: &'static str, meaning: &'static str) -> Element {
    Element::new("span")
        .class("outcome")
        .with("role", "img")
        .with("aria-label", meaning)
        .with("title", meaning)
        .text(sign)
}

/// Tells of several scenarios a row each.
fn table(report: &Report, scenarios: &[ScenarioReport]) -> Element {
    let head = ["", "Scenario", "Seeds", "Not observed"];
    let head = head.map(|name| Element::new("th").with("scope", "col").text(name));
    let rows = scenarios.iter().map(|one| row(report, one));
    Element::new("table")
        .class("scenarios")
        .child(Element::new("thead").child(Element::new("tr").children(head)))
        .child(Element::new("tbody").children(rows))
}

fn row(report: &Report, scenario: &ScenarioReport) -> Element {
    let outcome = scenario.outcome(report.backend);
    let (class, sign, meaning) = match outcome {
        ScenarioOutcome::Failed => ("bad", "✗", "failed"),
        ScenarioOutcome::NotRun => ("faint", "–", "not run"),
        ScenarioOutcome::NotTried => ("doubtful", "?", "not tried"),
        ScenarioOutcome::Held => ("good", "✓", "held"),
        ScenarioOutcome::ViolatedAsExpected => ("good", "✓", "violated as expected"),
    };
    let description = scenario.trial.scenario.settings.description.trim();
    let mut name = Element::new("th").with("scope", "row").child(
        Element::new("span")
            .class("label")
            .text(&scenario.trial.label),
    );
    if !description.is_empty() {
        name = name.child(Element::new("p").class("description").text(description));
    }
    if let Some(remark) = human::remark_of_row(scenario, outcome) {
        name = name.child(Element::new("p").class("remark").text(remark));
    }
    let unobserved = match scenario.unobserved().len() {
        0 => String::new(),
        some => some.to_string(),
    };
    Element::new("tr")
        .class(class)
        .child(Element::new("td").child(mark(sign, meaning)))
        .child(name)
        .child(
            Element::new("td")
                .class("number")
                .text(human::seeds(scenario)),
        )
        .child(Element::new("td").class("number").text(unobserved))
}

/// Says why scenarios ran fewer seeds than they were to.
fn stopped(report: &Report) -> Option<Element> {
    let mut scenarios = report.scenarios.iter();
    let why = scenarios.find_map(|one| human::cut_short(report, one))?;
    let text = format!("Where fewer seeds ran than were asked for: {why}.");
    Some(Element::new("p").class("note").text(text))
}

/// Tells what whole scenarios could not show, and why.
fn not_observed(report: &Report) -> Option<Element> {
    let not_observed = report.not_observed();
    if not_observed.is_empty() {
        return None;
    }
    let rows = not_observed
        .into_iter()
        .map(|((property, reason), labels)| {
            let scenarios = human::labels(report, &labels);
            let scenarios = Element::new("span")
                .class("faint")
                .with("title", labels.join(", "))
                .text(format!(" ({scenarios})"));
            let name = Element::new("code").text(property);
            Element::new("tr")
                .child(Element::new("th").with("scope", "row").child(name))
                .child(Element::new("td").text(reason).child(scenarios))
        });
    let rows: Vec<Element> = rows.collect();
    let count = counted(rows.len() as u64, "reason");
    let summary = format!("Not observed: what no run of a scenario could show ({count})");
    let table = Element::new("table")
        .class("reasons")
        .child(Element::new("tbody").children(rows));
    Some(details(report, &summary, table))
}

/// Tells which rare things no run showed.
fn never_happened(report: &Report) -> Element {
    let totals = report.totals();
    let never = totals.coverage.counts().filter(|(_, count)| *count == 0);
    let items = never.map(|(rare, _)| {
        Element::new("li")
            .child(Element::new("code").text(rare.word()))
            .line("p", rare.description())
    });
    let items: Vec<Element> = items.collect();
    if items.is_empty() {
        let text = "Every rare thing happened at least once.";
        return Element::new("p").class("note").text(text);
    }
    let count = counted(items.len() as u64, "rare thing");
    let list = Element::new("ul").class("rare").children(items);
    details(report, &format!("Never happened: {count}"), list)
}

/// Makes a part that can be opened, and is open where nothing failed: else bugs come first.
fn details(report: &Report, summary: &str, content: Element) -> Element {
    let details = Element::new("details")
        .line("summary", summary)
        .child(content);
    match report.exit() {
        Exit::Met => details.with("open", ""),
        _ => details,
    }
}
