//! What was run and how it came out: of one scenario every property, of several a row each.

use super::super::page::{BOLD, FAINT, Page, columns, padded, padded_left, styled, unbroken};
use super::super::{counted, thousands};
use super::judgements::{judgements, of_runs};
use super::mark;
use crate::missing;
use crate::report::{Report, ScenarioOutcome, ScenarioReport};
use crate::runner::Effect;
use crate::terminal::Detail;
use plimsoll_oracle::{Property, Word};
use plimsoll_scenarios::scenario::Fault;
use std::collections::BTreeSet;

/// Adds the overview.
pub(super) fn overview(page: &mut Page, report: &Report, detail: Detail) {
    match (report.scenarios.as_slice(), detail) {
        ([scenario], _) => alone(page, report, scenario),
        (scenarios, Detail::Verbose) => {
            for scenario in scenarios {
                alone(page, report, scenario);
            }
        }
        (scenarios, _) => {
            rows(page, report, scenarios);
            not_observed(page, report);
            faults_in_short(page, scenarios);
        }
    }
}

/// Adds what one scenario showed: every property and every fault.
fn alone(page: &mut Page, report: &Report, scenario: &ScenarioReport) {
    let ScenarioReport { trial, tally, .. } = scenario;
    page.gap();
    let mark = mark(scenario.outcome(report.backend));
    let mut told = format!("tried with {}: {}", trial.subject, seeds(scenario));
    told += if trial.seeds.len() == 1 && !scenario.is_cut_short() {
        " seed"
    } else {
        " seeds"
    };
    if let Some(why) = cut_short(report, scenario) {
        told += &format!(" ({why})");
    }
    page.paragraph(&format!("{mark} "), &format!("{}, {told}", trial.label));
    page.gap();
    judgements(page, tally, &trial.expectation);
    let mut heading = Some("  Faults:");
    for (fault, effect, of) in faults(scenario) {
        if let Some(heading) = heading.take() {
            page.gap();
            page.line(&styled(BOLD, heading));
        }
        page.paragraph("    ", &unbroken(&fault));
        page.paragraph("      ", &took_effect(effect, of));
    }
}

/// Says why fewer seeds ran than were asked for.
pub(in super::super) fn cut_short(
    report: &Report,
    scenario: &ScenarioReport,
) -> Option<&'static str> {
    match scenario.is_cut_short() {
        false => None,
        true if report.interrupted => Some("interrupted"),
        true => Some("stopped at a failure; --keep-going runs all"),
    }
}

/// Returns the number of seeds that ran, and of how many where they are fewer.
pub(in super::super) fn seeds(scenario: &ScenarioReport) -> String {
    let ran = thousands(scenario.tally.schedules);
    match scenario.is_cut_short() {
        true => format!("{ran} of {}", thousands(scenario.trial.schedules())),
        false => ran,
    }
}

/// Adds a row for each scenario.
fn rows(page: &mut Page, report: &Report, scenarios: &[ScenarioReport]) {
    let never = never_observed(scenarios);
    let cells = scenarios.iter().map(|scenario| {
        let unobserved = scenario.unobserved().into_iter();
        let unobserved = unobserved.filter(|(property, _)| !never.contains(property));
        let count = match unobserved.count() {
            0 => String::new(),
            count => count.to_string(),
        };
        (scenario.trial.label.as_str(), seeds(scenario), count)
    });
    let cells: Vec<_> = cells.collect();
    let headings = ["seeds", "not observed"];
    let most = page.width().saturating_sub(32);
    let label = cells.iter().map(|(label, ..)| columns(label));
    let label = label.max().unwrap_or(0).clamp("scenario".len(), most);
    let seeds = cells.iter().map(|(_, seeds, _)| seeds.len());
    let seeds = seeds.max().unwrap_or(0).max(headings[0].len());
    let heading = format!(
        "  {}  {:>seeds$}  {}",
        padded("scenario", label),
        headings[0],
        headings[1],
    );
    page.line(&styled(FAINT, heading.trim_end()));
    for (scenario, (name, ran, unobserved)) in scenarios.iter().zip(cells) {
        let outcome = scenario.outcome(report.backend);
        let row = format!(
            "{} {}  {ran:>seeds$}  {}",
            mark(outcome),
            padded(name, label),
            padded_left(&unobserved, headings[1].len()),
        );
        page.line(&row);
        if let Some(remark) = remark(scenario, outcome) {
            page.paragraph("    ", &remark);
        }
    }
    if scenarios.iter().any(|one| one.is_cut_short()) && !report.interrupted {
        page.gap();
        let text = "A scenario stops soon after its first failure; --keep-going runs all seeds.";
        page.paragraph("", text);
    }
}

/// Returns what a row says beside its numbers.
pub(in super::super) fn remark(
    scenario: &ScenarioReport,
    outcome: ScenarioOutcome,
) -> Option<String> {
    let violated = scenario.violated().map(|(property, count)| {
        let runs = of_runs(count.violated, scenario.tally.schedules);
        format!("{property} in {runs}")
    });
    let violated: Vec<String> = violated.collect();
    let violated = violated.join(", ");
    match outcome {
        ScenarioOutcome::NotRun => Some("not run".into()),
        ScenarioOutcome::NotTried => Some("not tried: see below".into()),
        _ if violated.is_empty() => None,
        ScenarioOutcome::ViolatedAsExpected => Some(format!("violated, as expected: {violated}")),
        _ => Some(format!("violated: {violated}")),
    }
}

/// Returns the properties that no run of any scenario could show.
fn never_observed(scenarios: &[ScenarioReport]) -> BTreeSet<Property> {
    let all = Property::ALL.iter().copied();
    all.filter(|property| {
        scenarios.iter().all(|scenario| {
            let count = scenario.tally.count(*property);
            count.held + count.violated == 0
        })
    })
    .collect()
}

/// Adds the properties that whole scenarios could not show, and why.
fn not_observed(page: &mut Page, report: &Report) {
    let by_reason = report.not_observed();
    if by_reason.is_empty() {
        return;
    }
    page.gap();
    page.line(&styled(
        BOLD,
        "Not observed, because no run of the scenario could show it:",
    ));
    for ((property, reason), labels) in by_reason {
        let text = format!("{reason} ({})", self::labels(report, &labels));
        page.paragraph(&format!("  {:<27}  ", property.word()), &text);
    }
}

/// Names few scenarios, and counts many.
pub(in super::super) fn labels(report: &Report, labels: &[&str]) -> String {
    match labels {
        all if all.len() == report.scenarios.len() => "every scenario".into(),
        few if few.len() <= 2 => few.join(", "),
        many => format!("{} scenarios", many.len()),
    }
}

/// Tells of how many faults that scenarios write did not take effect in every run.
fn faults_in_short(page: &mut Page, scenarios: &[ScenarioReport]) {
    let (mut all, mut partly) = (0, 0);
    for scenario in scenarios {
        for fault in missing::written(&scenario.trial) {
            let effect = missing::effect(fault, &scenario.tally);
            all += 1;
            partly += u64::from(effect.took < effect.planned || effect.planned == 0);
        }
    }
    if all == 0 {
        return;
    }
    page.gap();
    let text = match partly {
        0 => format!(
            "Every one of {} took effect in every run.",
            counted(all, "written fault")
        ),
        _ => format!(
            "{} of {} did not take effect in every run; -v tells which, and why.",
            thousands(partly),
            counted(all, "written fault"),
        ),
    };
    page.paragraph("", &text);
}

/// Returns the faults of a scenario, each with its effects and the noun for what they are counted
/// in: those that it writes by themselves, those that are drawn by kind.
pub(in super::super) fn faults(scenario: &ScenarioReport) -> Vec<(String, Effect, &'static str)> {
    let ScenarioReport { trial, tally, .. } = scenario;
    let topics = &trial.scenario.settings.topics;
    let written: Vec<&Fault> = missing::written(trial).collect();
    let ids: Vec<_> = written.iter().map(|fault| fault.id).collect();
    let written = written.into_iter().map(|fault| {
        let effect = missing::effect(fault, tally);
        (fault.in_one_line(topics), effect, "run")
    });
    let drawn = tally.effects.drawn(&ids).into_iter();
    let drawn = drawn.map(|(name, effect)| (format!("{} (drawn)", name.word()), effect, "fault"));
    written.chain(drawn).collect()
}

pub(in super::super) fn took_effect(effect: Effect, of: &str) -> String {
    let mut text = match (effect.took, effect.planned) {
        (_, 0) => format!("no {of} was judged"),
        (took, planned) if took == planned => {
            format!("took effect in all {}", counted(planned, of))
        }
        (took, planned) => format!(
            "took effect in {} of {}",
            thousands(took),
            counted(planned, of)
        ),
    };
    for (reason, runs) in effect.missed() {
        text += &format!(", {} {}", thousands(runs), reason.word());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_no_run_nothing_is_said_to_have_taken_effect() {
        let told = |planned, took| {
            let mut effect = Effect::default();
            effect.planned = planned;
            effect.took = took;
            took_effect(effect, "run")
        };
        assert_eq!(told(0, 0), "no run was judged");
        assert_eq!(told(3, 3), "took effect in all 3 runs");
        assert_eq!(told(3, 1), "took effect in 1 of 3 runs");
    }
}
