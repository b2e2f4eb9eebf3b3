//! The head of the page: what was tried, the verdict, what was found, and the numbers.

use super::super::{counted, hours, human, thousands};
use super::bugs::{anchor, broke};
use super::markup::Element;
use crate::args::BackendName;
use crate::report::{Bug, Report, ScenarioOutcome};
use human::Tone;
use plimsoll_oracle::Property;
use std::collections::BTreeSet;
use std::time::Duration;

/// Makes the head.
pub(super) fn head(report: &Report, bugs: &[Bug<'_>]) -> Element {
    let (tone, verdict) = human::ending(report);
    let (class, mark) = match tone {
        Tone::Good => ("good", "✓"),
        Tone::Doubtful => ("doubtful", "?"),
        Tone::Bad => ("bad", "✗"),
    };
    let sign = Element::new("span")
        .class("sign")
        .with("aria-hidden", "true")
        .text(mark);
    let headline = Element::new("h1").child(sign).text(headline(report, bugs));
    let interrupted = report.interrupted.then(|| {
        Element::new("p")
            .class("note")
            .text("Interrupted: this covers what ran.")
    });
    Element::new("header")
        .class(format!("verdict {class}"))
        .child(brand())
        .child(headline)
        .child(Element::new("p").class("conclusion").text(verdict))
        .child(Element::new("p").class("tried").text(tried(report)))
        .children(interrupted)
        .children(found(bugs))
        .child(numbers(report, bugs))
}

/// Draws the mark of Samuel Plimsoll, the line to which a ship may be loaded, and the name.
fn brand() -> Element {
    let mark = Element::new("svg")
        .class("brand-mark")
        .with("viewBox", "0 0 32 32")
        .with("aria-hidden", "true")
        .child(
            Element::new("circle")
                .with("cx", 16)
                .with("cy", 16)
                .with("r", 10),
        )
        .child(Element::new("path").with("d", "M1 16h30"));
    let name = Element::new("span").text("Plimsoll");
    Element::new("p").class("brand").child(mark).child(name)
}

/// Says in one sentence what became of what was tried.
fn headline(report: &Report, bugs: &[Bug<'_>]) -> String {
    let trials = report
        .scenarios
        .iter()
        .map(|one| one.trial.subject.as_str());
    let subjects: BTreeSet<&str> = trials.collect();
    let who = match subjects.first() {
        Some(subject) if subjects.len() == 1 => (*subject).to_owned(),
        _ => counted(subjects.len() as u64, "consumer"),
    };
    let verb = |one: &'static str, many: &'static str| match subjects.len() {
        1 => one,
        _ => many,
    };
    let broken = bugs.iter().flat_map(|bug| {
        let others = bug.properties.iter().copied();
        others.chain([bug.conviction.property])
    });
    let broken: BTreeSet<Property> = broken.collect();
    let outcome = |wanted: ScenarioOutcome| {
        let mut scenarios = report.scenarios.iter();
        scenarios.all(|one| one.outcome(report.backend) == wanted)
    };
    match broken.len() {
        0 if outcome(ScenarioOutcome::Held) => {
            format!("{who} kept every promise that was at risk")
        }
        0 => human::ending(report).1.trim_end_matches('.').to_owned(),
        1 => format!("{who} {} a promise", verb("breaks", "break")),
        many => format!("{who} {} {many} promises", verb("breaks", "break")),
    }
}

/// Says what was tried, and with what.
fn tried(report: &Report) -> String {
    let place = report.place;
    let seeds = match report.seeds.len() {
        1 => format!("with seed {}", report.seeds.from),
        _ => format!(
            "with seeds {} to {}",
            report.seeds.from,
            report.seeds.to - 1
        ),
    };
    match report.scenarios.as_slice() {
        [one] => {
            let trial = &one.trial;
            let description = trial.scenario.settings.description.trim();
            let tried = format!(
                "{} was tried in {}, {place}, {seeds}.",
                trial.subject, trial.label
            );
            format!("{tried} {description}").trim_end().to_owned()
        }
        many => {
            let scenarios = counted(many.len() as u64, "scenario");
            format!("Tried in {scenarios}, {place}, {seeds}.")
        }
    }
}

/// Lists what was found, each a link to its part of the page.
fn found(bugs: &[Bug<'_>]) -> Option<Element> {
    let items = (1..).zip(bugs).map(|(number, bug)| {
        let property = Element::new("code").text(bug.conviction.property);
        let link = Element::new("a")
            .with("href", format!("#{}", anchor(number)))
            .child(property)
            .text(" ")
            .text(broke(bug.conviction).unwrap_or_else(|| "is violated".into()));
        Element::new("li").child(link)
    });
    let list = Element::new("ol").class("found").children(items);
    (!bugs.is_empty()).then_some(list)
}

fn numbers(report: &Report, bugs: &[Bug<'_>]) -> Element {
    let totals = report.totals();
    let measures = totals.measures;
    let clock = match report.backend {
        BackendName::Sim | BackendName::Turmoil => "simulated time",
        BackendName::Kafka => "real time",
    };
    let count = |number: u64, one, many| (if number == 1 { one } else { many }, thousands(number));
    let mut numbers = vec![
        count(totals.schedules, "schedule", "schedules"),
        count(report.scenarios.len() as u64, "scenario", "scenarios"),
        count(bugs.len() as u64, "bug", "bugs"),
        (clock, time(totals.simulated)),
    ];
    if report.backend == BackendName::Sim {
        numbers.push(count(totals.events, "event", "events"));
    }
    let stall = format!("{:.1} s", measures.longest_stall.as_secs_f64());
    numbers.push(("longest stall", stall));
    numbers.push(("highest lag, in records", thousands(measures.highest_lag)));
    let numbers = numbers
        .into_iter()
        .map(|(name, number)| Element::new("div").line("dt", name).line("dd", number));
    Element::new("dl").class("numbers").children(numbers)
}

/// Writes a time for people, in the unit that fits.
fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        _ if seconds < 120.0 => format!("{seconds:.0} s"),
        _ if seconds < 7_200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.1} h", hours(time)),
    }
}
