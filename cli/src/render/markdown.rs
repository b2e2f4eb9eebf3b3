//! The report as Markdown, for the summary of a CI job or a comment on a change: how it ended, a
//! row for each scenario, and each bug once with its timeline folded.
//!
//! The dialect is GitHub's (<https://github.github.com/gfm/>), in which `<details>` folds.

use super::{counted, human, plain};
use crate::conviction::{End, Evidence, Shrunk};
use crate::report::{Bug, Failure, Report, ScenarioOutcome, ScenarioReport};
use plimsoll_oracle::story::Story;
use plimsoll_oracle::{Property, Word};
use std::fmt::Write as _;

/// The number of bugs that are told in full: GitHub takes 1 MiB for the summary of a step.
const TOLD: usize = 20;

/// Renders the report as Markdown.
pub(crate) fn report(report: &Report) -> String {
    let mut text = String::new();
    add(
        &mut text,
        format_args!("# Plimsoll: {}", human::ending(report).1),
    );
    if report.interrupted {
        add(&mut text, "Interrupted: the report covers what ran.");
    }
    table(&mut text, report);
    let bugs = report.bugs();
    for (number, bug) in (1..).zip(&bugs).take(TOLD) {
        self::bug(&mut text, number, bug);
    }
    if bugs.len() > TOLD {
        let more = counted((bugs.len() - TOLD) as u64, "more bug");
        add(&mut text, format_args!("{more}: see the JSON report."));
    }
    let failures = report.failures();
    let others = failures.filter(|(_, failure)| !matches!(failure, Failure::Violated(_)));
    let others = others.map(|(scenario, failure)| in_words(scenario, failure));
    list(&mut text, "Other expectations that were not met", others);
    let untried = report.scenarios.iter();
    let untried = untried.flat_map(|one| one.untried.iter().map(move |failure| (one, failure)));
    let untried = untried.map(|(scenario, failure)| in_words(scenario, failure));
    list(
        &mut text,
        "Did not happen, in too few runs to fail for it",
        untried,
    );
    let not_executed = report.not_executed.iter();
    let not_executed = not_executed.map(|entry| escaped(&entry.to_string()));
    list(&mut text, "Not executed", not_executed);
    text
}

/// Adds a paragraph.
fn add(text: &mut String, paragraph: impl std::fmt::Display) {
    if !text.is_empty() {
        text.push('\n');
    }
    writeln!(text, "{paragraph}").expect("writing to a string");
}

fn list(text: &mut String, heading: &str, entries: impl Iterator<Item = String>) {
    let entries: Vec<String> = entries.map(|entry| format!("- {entry}")).collect();
    if !entries.is_empty() {
        add(text, format_args!("## {heading}"));
        add(text, entries.join("\n"));
    }
}

/// Adds a row for each scenario.
fn table(text: &mut String, report: &Report) {
    let mut rows = String::from("| | scenario | tried with | seeds | |\n|---|---|---|--:|---|");
    for scenario in &report.scenarios {
        let outcome = scenario.outcome(report.backend);
        let mark = match outcome {
            ScenarioOutcome::Failed => "❌",
            ScenarioOutcome::NotRun => "➖",
            ScenarioOutcome::NotTried => "❔",
            ScenarioOutcome::Held | ScenarioOutcome::ViolatedAsExpected => "✅",
        };
        let trial = &scenario.trial;
        let remark = human::remark_of_row(scenario, outcome).unwrap_or_default();
        let cells = [
            escaped(&trial.label),
            escaped(&trial.subject),
            human::seeds(scenario),
            escaped(&remark),
        ];
        write!(rows, "\n| {mark} | {} |", cells.join(" | ")).expect("writing to a string");
    }
    add(text, rows);
}

fn bug(text: &mut String, number: u32, bug: &Bug<'_>) {
    let Bug {
        scenario,
        conviction,
        ..
    } = bug;
    let property = &conviction.property;
    let trial = &scenario.trial;
    let (label, subject) = (escaped(&trial.label), escaped(&trial.subject));
    add(
        text,
        format_args!("## {number}. {property} is violated by {subject} in {label}"),
    );
    match &conviction.evidence {
        Evidence::Shrunk(shrunk) => self::shrunk(text, *property, shrunk),
        Evidence::Seen(sighting) => story(text, *property, &sighting.story),
        Evidence::NotShrunk(why) => {
            let why = escaped(&human::not_shrunk(why));
            add(text, format_args!("Not shrunk: {why}."));
        }
    }
    if let Some(death) = &conviction.death {
        let broke = escaped(&death.broke);
        add(
            text,
            format_args!("**With a crash** {broke}: {}", code(&death.again)),
        );
    }
    let mut seen = human::seen(scenario, conviction);
    if let Some(names) = human::also_broken(bug) {
        seen += &format!("; also broken: {names}");
    }
    if let Some(more) = human::more_scenarios(bug) {
        seen += &format!("; and in {more}");
    }
    add(text, format_args!("**Seen in** {seen}."));
    add(
        text,
        format_args!("**Again with** {}", code(&conviction.again)),
    );
}

fn shrunk(text: &mut String, property: Property, shrunk: &Shrunk) {
    story(text, property, &shrunk.story);
    let mut size = format!("**Shrunk** {}", human::left(shrunk));
    if shrunk.end != End::Smallest {
        size += "; not the smallest, perhaps";
    }
    add(text, size + ".");
}

fn story(text: &mut String, property: Property, story: &Story) {
    add(
        text,
        format_args!("**What broke** {}.", escaped(&story.broke)),
    );
    add(
        text,
        format_args!("**Cause** {}", escaped(&story.cause.to_string())),
    );
    if let Some(at_stake) = &story.at_stake {
        add(
            text,
            format_args!("**At stake** {}", escaped(&at_stake.to_string())),
        );
    }
    let timeline = plain(|page| human::timeline(page, &story.moments));
    let left_out = match story.left_out {
        0 => String::new(),
        many => format!("    ({} left out)\n", counted(many as u64, "earlier event")),
    };
    add(
        text,
        "<details><summary>Timeline: > marks what shows the violation</summary>",
    );
    add(text, format_args!("```text\n{left_out}{timeline}```"));
    add(text, "</details>");
    add(
        text,
        format_args!("**Promise** {}", escaped(property.description())),
    );
}

fn in_words(scenario: &ScenarioReport, failure: &Failure) -> String {
    let mut words = escaped(&human::in_words(scenario, failure));
    match failure {
        Failure::NeverTookEffect { fault, .. } => words += &format!(" {}", code(fault)),
        Failure::Broken { again, .. } => words += &format!(" Again with {}", code(again)),
        Failure::TraceDiffers { recorded, found } => {
            words += &format!(" Recorded {}, found {}.", code(recorded), code(found));
        }
        _ => {}
    }
    words
}

/// Returns a text as code; a run of backticks longer than any in it encloses it.
fn code(text: &str) -> String {
    let runs = text.split(|letter| letter != '`').map(str::len);
    let fence = "`".repeat(1 + runs.max().unwrap_or(0));
    let pad = if text.contains('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Returns a text in which nothing is taken for a mark of the language.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if "\\`*_[]<>|#~&".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(if letter.is_control() { ' ' } else { letter });
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_not_taken_for_marks() {
        assert_eq!(escaped("a_b|<c>\nd"), "a\\_b\\|\\<c\\> d");
        assert_eq!(code("plimsoll replay 'a b'"), "`plimsoll replay 'a b'`");
        assert_eq!(code("a``b"), "``` a``b ```");
    }
}
