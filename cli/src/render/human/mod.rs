//! The report of `plimsoll run` for people: an overview, what failed and why, and the conclusion.

mod convictions;
mod judgements;
mod overview;

pub(crate) use convictions::{again, ended_early, heading, shrunk, smaller, timeline};
pub(super) use convictions::{
    also_broken, conviction, left, more_scenarios, not_shrunk, seen, size,
};
pub(crate) use judgements::judgements;
pub(super) use judgements::remark;
pub(super) use overview::{cut_short, faults, labels, remark as remark_of_row, seeds, took_effect};

use super::page::{BAD, BOLD, DOUBTFUL, FAINT, GOOD, Page, styled, unbroken};
use super::{counted, hours, per_second, thousands};
use crate::args::BackendName;
use crate::exit::Exit;
use crate::report::{Bug, Failure, Report, ScenarioOutcome, ScenarioReport};
use crate::runner::Unjudged;
use crate::terminal::{Detail, Look};
use anstyle::Style;
use plimsoll_oracle::Word;
use std::collections::BTreeSet;

/// Renders the report as text.
pub(crate) fn report(report: &Report, look: Look) -> String {
    let mut page = Page::new(look.width());
    if look.detail != Detail::Quiet {
        overview::overview(&mut page, report, look.detail);
        not_executed(&mut page, report);
        totals(&mut page, report, look.detail);
        untried(&mut page, report);
    }
    let bugs = report.bugs();
    if !bugs.is_empty() && look.detail != Detail::Quiet {
        page.gap();
        let legend = "Below, > marks the events that show a violation, and orders-0@3 is the \
                      record at offset 3 of partition 0 of the topic orders.";
        page.paragraph("", &styled(FAINT, legend));
    }
    for (number, bug) in (1..).zip(&bugs) {
        page.gap();
        convictions::bug(&mut page, number, bug);
    }
    for (scenario, failure) in report.failures() {
        self::failure(&mut page, scenario, failure);
    }
    page.gap();
    failed(&mut page, report, &bugs);
    conclusion(&mut page, report);
    page.into_text()
}

/// Returns the mark of a scenario.
fn mark(outcome: ScenarioOutcome) -> String {
    match outcome {
        ScenarioOutcome::Failed => styled(BAD, "✗"),
        ScenarioOutcome::NotRun => styled(FAINT, "-"),
        ScenarioOutcome::NotTried => styled(DOUBTFUL, "?"),
        ScenarioOutcome::Held | ScenarioOutcome::ViolatedAsExpected => styled(GOOD, "✓"),
    }
}

fn not_executed(page: &mut Page, report: &Report) {
    let skipped = report.skipped.to_string();
    if !skipped.is_empty() {
        page.gap();
        page.paragraph("", &skipped);
    }
    let calm = report.scenarios.iter().map(|scenario| &scenario.trial);
    for trial in calm.filter(|trial| trial.scenario.is_calm()) {
        page.gap();
        page.paragraph(
            "",
            &format!(
                "Nothing goes wrong in {}: no fault, no handler that fails. `plimsoll list \
                 --faults` says what may.",
                trial.label
            ),
        );
    }
    if report.not_executed.is_empty() {
        return;
    }
    let schedules = report.not_executed.iter().map(|entry| entry.schedules);
    let schedules = counted(schedules.sum(), "schedule");
    page.gap();
    page.line(&styled(BOLD, &format!("Not executed: {schedules}.")));
    for entry in &report.not_executed {
        page.paragraph("  - ", &entry.to_string());
    }
}

fn totals(page: &mut Page, report: &Report, detail: Detail) {
    let totals = report.totals();
    let elapsed = report.timing.elapsed;
    let jobs = report.timing.jobs.get() as u64;
    let schedules = counted(totals.schedules, "schedule");
    page.gap();
    match report.backend {
        BackendName::Sim => {
            let hours = hours(totals.simulated);
            let events = thousands(totals.events);
            let ran = format!("Ran {schedules}: {hours:.1} simulated hours, {events} events.");
            page.paragraph("", &ran);
            page.line(&format!(
                "Took {:.2} s on {}: {} schedules a second.",
                elapsed.as_secs_f64(),
                counted(jobs, "thread"),
                thousands(per_second(totals.schedules, elapsed) as u64),
            ));
        }
        BackendName::Turmoil => {
            let hours = hours(totals.simulated);
            page.paragraph("", &format!("Ran {schedules}: {hours:.1} simulated hours."));
            page.line(&format!(
                "Took {:.2} s on {}: {:.1} schedules a second.",
                elapsed.as_secs_f64(),
                counted(jobs, "thread"),
                per_second(totals.schedules, elapsed),
            ));
        }
        BackendName::Kafka => {
            let seconds = elapsed.as_secs_f64();
            let side = format!("at most {jobs} side by side");
            page.line(&format!("Ran {schedules} {}, {side}.", report.place));
            page.line(&format!("Took {seconds:.0} s of real time."));
            disturbed(page, report);
        }
    }
    page.line(&format!(
        "Longest stall {:.1} s, highest lag {}.",
        totals.measures.longest_stall.as_secs_f64(),
        counted(totals.measures.highest_lag, "record"),
    ));
    let (rare, never): (Vec<_>, Vec<_>) = totals.coverage.counts().partition(|(_, n)| *n > 0);
    if never.is_empty() {
        page.paragraph("", "Every rare thing happened at least once.");
    } else {
        let names: Vec<&str> = never.iter().map(|(rare, _)| rare.word()).collect();
        page.paragraph("Never happened: ", &(names.join(", ") + "."));
    }
    if detail == Detail::Verbose && !rare.is_empty() {
        let counts = rare.iter();
        let counts = counts.map(|(rare, count)| format!("{} {}", rare.word(), thousands(*count)));
        let counts: Vec<String> = counts.collect();
        page.paragraph("Happened: ", &(counts.join(", ") + "."));
    }
}

/// Tells which runs broke a promise and do not count, because the machine disturbed them.
fn disturbed(page: &mut Page, report: &Report) {
    let scenarios = report.scenarios.iter();
    let runs = scenarios.flat_map(|one| one.tally.unjudged.iter().map(|run| (&one.trial, run)));
    for (index, (trial, run)) in runs.enumerate() {
        if index == 0 {
            page.line("Disturbed by the machine, and tried again:");
        }
        let Unjudged {
            recorded,
            why,
            trace,
        } = run;
        let label = &trial.label;
        page.paragraph("  - ", &format!("{label}, seed {}: {why}", recorded.seed));
        if let Some(path) = trace {
            page.line(&format!("    trace: {}", path.display()));
        }
    }
}

/// Tells what scenarios name and no run showed, where that fails nothing.
fn untried(page: &mut Page, report: &Report) {
    let mut heading = Some("Did not happen, in too few runs to fail for it (--strict does):");
    for scenario in &report.scenarios {
        for failure in &scenario.untried {
            if let Some(heading) = heading.take() {
                page.gap();
                page.line(&styled(BOLD, heading));
            }
            page.paragraph("  - ", &in_words(scenario, failure));
            if let Failure::NeverTookEffect { fault, .. } = failure {
                page.paragraph("    ", &unbroken(fault));
            }
        }
    }
}

/// Adds an expectation that was not met; violations are told as bugs.
fn failure(page: &mut Page, scenario: &ScenarioReport, failure: &Failure) {
    if matches!(failure, Failure::Violated(_)) {
        return;
    }
    page.gap();
    let mark = format!("{} ", styled(BAD, "✗"));
    page.paragraph(&mark, &in_words(scenario, failure));
    match failure {
        Failure::NeverTookEffect { fault, .. } => page.paragraph("  ", &unbroken(fault)),
        Failure::Broken { again, .. } => page.line(&format!("  Again with: {again}")),
        Failure::TraceDiffers { recorded, found } => {
            page.line(&format!("  recorded: {recorded}"));
            page.line(&format!("  found:    {found}"));
        }
        _ => {}
    }
}

/// Puts an expectation that was not met into a sentence.
pub(super) fn in_words(scenario: &ScenarioReport, failure: &Failure) -> String {
    let ScenarioReport { trial, tally, .. } = scenario;
    let label = &trial.label;
    let schedules = counted(tally.schedules, "schedule");
    match failure {
        Failure::Violated(conviction) => format!("{label}: {} is violated.", conviction.property),
        Failure::NotViolated(property) => {
            format!("{label}: {property} was expected to be violated, and was not in {schedules}.")
        }
        Failure::NeverHappened(rare) => format!(
            "{label}: {} was expected to happen sometimes, and never did in {schedules}.",
            rare.word(),
        ),
        Failure::NeverTookEffect { reasons, .. } => {
            let reasons: Vec<&str> = reasons.iter().map(|reason| reason.word()).collect();
            let reasons = reasons.join(", ");
            format!("{label}: a fault never took effect in {schedules} ({reasons}):")
        }
        Failure::TraceDiffers { .. } => format!(
            "{label}: the trace differs from the recorded one, although the verdict is the same."
        ),
        Failure::Broken { seed, error, .. } => format!("{label}: {error}, with seed {seed}."),
    }
}

/// Lists the scenarios that failed, each with the numbers of its bugs and what else it failed for.
fn failed(page: &mut Page, report: &Report, bugs: &[Bug<'_>]) {
    let failed = report.scenarios.iter();
    let failed: Vec<_> = failed.filter(|one| !one.failures.is_empty()).collect();
    if failed.is_empty() || report.scenarios.len() == 1 {
        return;
    }
    page.line(&styled(BOLD, "Failed, and for which of the above:"));
    for scenario in failed {
        let label = &scenario.trial.label;
        let bugs = (1..).zip(bugs).filter(|(_, bug)| bug.is_met_by(label));
        let mut reasons: Vec<String> = bugs
            .map(|(number, _): (u32, _)| number.to_string())
            .collect();
        let others: BTreeSet<&str> = scenario.failures.iter().filter_map(reason).collect();
        reasons.extend(others.into_iter().map(String::from));
        let first = format!("  {} {label}: ", styled(BAD, "✗"));
        page.paragraph(&first, &reasons.join(", "));
    }
    page.gap();
}

/// Returns what a scenario failed for besides bugs, in a word or two.
const fn reason(failure: &Failure) -> Option<&'static str> {
    match failure {
        Failure::Violated(_) => None,
        Failure::NotViolated(_) => Some("an expected violation is missing"),
        Failure::NeverHappened(_) => Some("something rare never happened"),
        Failure::NeverTookEffect { .. } => Some("a fault never took effect"),
        Failure::TraceDiffers { .. } => Some("the trace differs"),
        Failure::Broken { .. } => Some("a run broke off"),
    }
}

fn conclusion(page: &mut Page, report: &Report) {
    if report.interrupted {
        page.line("Interrupted: the report covers what ran.");
    }
    if let Some(path) = &report.trace {
        page.line(&format!("Trace written to {}.", path.display()));
    }
    if let Some(folder) = &report.folder {
        page.line(&format!("Report written to {}.", folder.display()));
    }
    let (tone, text) = ending(report);
    page.line(&styled(tone.style(), &text));
}

/// How good an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// All is as it should be.
    Good,
    /// Something was not tried.
    Doubtful,
    /// Something failed.
    Bad,
}

impl Tone {
    const fn style(self) -> Style {
        match self {
            Self::Good => GOOD,
            Self::Doubtful => DOUBTFUL,
            Self::Bad => BAD,
        }
    }
}

/// Returns how the run ended, in one sentence.
pub(super) fn ending(report: &Report) -> (Tone, String) {
    let count = |wanted: &dyn Fn(&ScenarioReport) -> bool| {
        report.scenarios.iter().filter(|one| wanted(one)).count()
    };
    let failed = count(&|scenario| !scenario.failures.is_empty());
    let begun = count(&|scenario| scenario.tally.schedules > 0);
    let untried = count(&|one| one.outcome(report.backend) == ScenarioOutcome::NotTried);
    let scenarios = counted(report.scenarios.len() as u64, "scenario");
    match report.exit() {
        Exit::Interrupted => (
            Tone::Doubtful,
            format!("{begun} of {scenarios} ran: every expectation met so far."),
        ),
        Exit::Met if untried > 0 => (
            Tone::Doubtful,
            format!("{scenarios}: every expectation met, but for {untried} not tried."),
        ),
        Exit::Met => (Tone::Good, format!("{scenarios}: every expectation met.")),
        _ => (Tone::Bad, format!("{failed} of {scenarios} failed.")),
    }
}
