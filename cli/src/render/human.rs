//! The report of `plimsoll run` for people.

use super::{Table, counted, hours, per_second, thousands};
use crate::args::BackendName;
use crate::conviction::{Conviction, End, Evidence, NotShrunk, Shrunk, Sighting};
use crate::exit::Exit;
use crate::missing;
use crate::report::{Failure, Report, ScenarioOutcome, ScenarioReport};
use crate::runner::{Count, Effect, Tally};
use crate::trial::Expectation;
use plimsoll_oracle::{Property, Word};
use std::collections::BTreeMap;

/// Renders the report as text.
pub(crate) fn report(report: &Report) -> String {
    let mut text = matrix(report);
    text += &faults(report);
    text += &not_observed(report);
    text += &not_executed(report);
    text.push('\n');
    text += &totals(report);
    text += &untried(report);
    for (scenario, failure) in report.failures() {
        text.push('\n');
        text += &self::failure(scenario, failure);
    }
    text.push('\n');
    text += &conclusion(report);
    text
}

/// Renders a row for each scenario, with the counted judgements of each property.
fn matrix(report: &Report) -> String {
    let (shown, never): (Vec<Property>, Vec<Property>) = Property::ALL
        .iter()
        .copied()
        .partition(|property| is_observed(report, *property));
    let mut heading = vec!["scenario".to_owned(), "runs".to_owned()];
    heading.extend(shown.iter().map(|property| abbreviation(*property).into()));
    heading.push("verdict".into());
    let mut table = Table::new(heading);
    for scenario in &report.scenarios {
        let ScenarioReport { trial, tally, .. } = scenario;
        let mut row = vec![trial.label.clone(), tally.schedules.to_string()];
        row.extend(shown.iter().map(|property| cell(tally.count(*property))));
        row.push(verdict(scenario.outcome(report.backend)).into());
        table.row(row);
    }
    let mut text = table.to_text();
    text += "Cells: runs that held the property; n! are runs that violated it; - where no run \
             could show it.\n";
    if !never.is_empty() {
        let names: Vec<&str> = never.iter().map(|property| property.word()).collect();
        text += &format!("Not observed in any run: {}.\n", names.join(", "));
    }
    text
}

fn is_observed(report: &Report, property: Property) -> bool {
    report.scenarios.iter().any(|scenario| {
        let count = scenario.tally.count(property);
        count.held + count.violated > 0
    })
}

fn cell(count: Count) -> String {
    match count {
        Count { violated: 1.., .. } => format!("{}!", count.violated),
        Count { held: 1.., .. } => count.held.to_string(),
        Count { .. } => "-".into(),
    }
}

const fn verdict(outcome: ScenarioOutcome) -> &'static str {
    match outcome {
        ScenarioOutcome::Failed => "FAILED",
        ScenarioOutcome::NotRun => "not run",
        ScenarioOutcome::NotTried => "not tried",
        ScenarioOutcome::Held => "held",
        ScenarioOutcome::ViolatedAsExpected => "violated, as expected",
    }
}

/// Returns a property's name in the heading of the table.
pub(crate) const fn abbreviation(property: Property) -> &'static str {
    match property {
        Property::NoLoss => "loss",
        Property::CommitCoversOnlyFinished => "covers",
        Property::NoRewind => "rewind",
        Property::NoZombie => "zombie",
        Property::KeyOrder => "order",
        Property::DeadLetterExact => "dead",
        Property::BoundedRedelivery => "redel",
        Property::BoundedDuplicates => "dups",
        Property::Liveness => "live",
        Property::CleanShutdown => "stop",
        Property::ExactlyOnce => "once",
        Property::AckedIsDurable => "durable",
        Property::NoExit => "exit",
        Property::CleanHandover => "handover",
        Property::WithinLimits => "limits",
        Property::Progress => "moves",
    }
}

/// Tells of each fault in how many runs it took effect: of one scenario all of them, of several
/// those that scenarios write and that did not take effect in every run.
fn faults(report: &Report) -> String {
    let is_alone = report.scenarios.len() == 1;
    let mut text = String::new();
    for scenario in &report.scenarios {
        let lines = faults_of(scenario, is_alone);
        if !lines.is_empty() && !is_alone {
            text += &format!("  {}\n", scenario.trial.label);
        }
        text += &lines;
    }
    if text.is_empty() {
        return text;
    }
    let heading = if is_alone {
        "Faults"
    } else {
        "Faults that did not take effect in every run"
    };
    format!("\n{heading}:\n{text}")
}

fn faults_of(scenario: &ScenarioReport, all: bool) -> String {
    let ScenarioReport { trial, tally, .. } = scenario;
    let topics = &trial.scenario.settings.topics;
    let mut text = String::new();
    let mut ids = Vec::new();
    for fault in missing::written(trial) {
        ids.push(fault.id);
        let effect = missing::effect(fault, tally);
        if all || effect.took < effect.planned {
            text += &format!("    {}\n", fault.in_one_line(topics));
            text += &format!("      {}\n", took_effect(effect, "run"));
        }
    }
    if all {
        for (name, effect) in tally.effects.drawn(&ids) {
            text += &format!("    {} (drawn)\n", name.word());
            text += &format!("      {}\n", took_effect(effect, "fault"));
        }
    }
    text
}

fn took_effect(effect: Effect, of: &str) -> String {
    let mut text = format!(
        "took effect in {} of {}",
        thousands(effect.took),
        counted(effect.planned, of)
    );
    for (reason, runs) in effect.missed() {
        text += &format!(", {} {}", thousands(runs), reason.word());
    }
    text
}

/// Tells what scenarios name and no run showed, where that fails nothing.
fn untried(report: &Report) -> String {
    let mut text = String::new();
    for scenario in &report.scenarios {
        for failure in &scenario.untried {
            text += &format!("  {}", self::failure(scenario, failure));
        }
    }
    if text.is_empty() {
        text
    } else {
        format!("\nDid not happen, in too few runs to fail for it (--strict does):\n{text}")
    }
}

/// Tells of real Kafka why properties were not observed. Of the simulator it would say little: what
/// one of a thousand seeds does not show, another does.
fn not_observed(report: &Report) -> String {
    if report.backend == BackendName::Sim {
        return String::new();
    }
    let mut reasons: BTreeMap<(Property, &str), u64> = BTreeMap::new();
    for ScenarioReport { tally, .. } in &report.scenarios {
        for (property, reason, runs) in tally.reasons() {
            *reasons.entry((property, reason)).or_default() += runs;
        }
    }
    let mut text = String::new();
    for ((property, reason), runs) in reasons {
        text += &format!("  {property}: {reason} ({})\n", counted(runs, "run"));
    }
    if text.is_empty() {
        text
    } else {
        format!("\nNot observed, and why:\n{text}")
    }
}

fn not_executed(report: &Report) -> String {
    if report.not_executed.is_empty() {
        return String::new();
    }
    let schedules = report.not_executed.iter().map(|entry| entry.schedules);
    let mut text = format!(
        "\nNot executed: {}.\n",
        counted(schedules.sum(), "schedule")
    );
    for entry in &report.not_executed {
        text += &format!("  {entry}\n");
    }
    text
}

fn totals(report: &Report) -> String {
    let totals = report.totals();
    let elapsed = report.timing.elapsed;
    let jobs = report.timing.jobs.get() as u64;
    let schedules = counted(totals.schedules, "schedule");
    let mut text = match report.backend {
        BackendName::Sim => format!(
            "{schedules}, {:.1} simulated hours, {} events; {} schedules a second in {:.2} s on \
             {}.\n",
            hours(totals.simulated),
            thousands(totals.events),
            thousands(per_second(totals.schedules, elapsed) as u64),
            elapsed.as_secs_f64(),
            counted(jobs, "thread"),
        ),
        BackendName::Kafka => format!(
            "{schedules} on real Kafka in {:.0} s of real time, at most {jobs} side by side.\n",
            elapsed.as_secs_f64(),
        ),
    };
    text += &format!(
        "Longest stall {:.1} s, highest lag {}.\n",
        totals.measures.longest_stall.as_secs_f64(),
        counted(totals.measures.highest_lag, "record"),
    );
    text += "Sometimes: ";
    let rare = totals.coverage.counts();
    let rare: Vec<String> = rare
        .map(|(rare, count)| format!("{} {}", rare.word(), thousands(count)))
        .collect();
    text += &wrapped(&rare, "Sometimes: ".len());
    text
}

/// Joins items by commas, in lines of at most 100 characters; `used` characters of the first line
/// are taken already.
fn wrapped(items: &[String], used: usize) -> String {
    let (mut text, mut width) = (String::new(), used);
    for (index, item) in items.iter().enumerate() {
        let end = if index + 1 == items.len() { ".\n" } else { "," };
        if width + item.len() + 2 > 100 {
            text += "\n   ";
            width = 3;
        }
        if index > 0 {
            text.push(' ');
        }
        text += item;
        text += end;
        width += item.len() + 2;
    }
    text
}

fn failure(scenario: &ScenarioReport, failure: &Failure) -> String {
    let ScenarioReport { trial, tally, .. } = scenario;
    let label = &trial.label;
    match failure {
        Failure::Violated(conviction) => violation(scenario, conviction),
        Failure::NotViolated(property) => format!(
            "{label}: {property} was expected to be violated, and was not in {}.\n",
            counted(tally.schedules, "schedule"),
        ),
        Failure::NeverHappened(rare) => format!(
            "{label}: {} was expected to happen sometimes, and never did in {}.\n",
            rare.word(),
            counted(tally.schedules, "schedule"),
        ),
        Failure::NeverTookEffect { fault, reasons } => {
            let reasons: Vec<&str> = reasons.iter().map(|reason| reason.word()).collect();
            format!(
                "{label}: a fault never took effect in {} ({}): {fault}.\n",
                counted(tally.schedules, "schedule"),
                reasons.join(", "),
            )
        }
        Failure::TraceDiffers { recorded, found } => format!(
            "{label}: the trace differs from the recorded one, although the verdict is the \
             same.\n  recorded: {recorded}\n  found:    {found}\n",
        ),
        Failure::Broken { seed, error, again } => {
            format!("{label}: {error}, with seed {seed}.\n  Again with: {again}\n")
        }
    }
}

fn violation(scenario: &ScenarioReport, conviction: &Conviction) -> String {
    let ScenarioReport { trial, tally, .. } = scenario;
    let Conviction {
        property,
        seed,
        runs,
        ..
    } = conviction;
    let mut text = format!(
        "{}: {property} violated by {} in {runs} of {}, first with seed {seed}.\n",
        trial.label,
        trial.subject,
        counted(tally.schedules, "schedule"),
    );
    let (mut file, mut simulate) = ("Regression:", None);
    match &conviction.evidence {
        Evidence::Shrunk(shrunk) => match &conviction.same_as {
            Some(first) => {
                text += &format!(
                    "  {}\n  Shrunk to the same schedule as {} of {} above.\n",
                    shrunk.violation.summary, first.property, first.label,
                );
            }
            None => text += &self::shrunk(shrunk),
        },
        Evidence::NotShrunk(NotShrunk::Interrupted) => text += "  Not shrunk: interrupted.\n",
        Evidence::NotShrunk(NotShrunk::Broken(error)) => {
            text += &format!("  Not shrunk: {error}, while shrinking.\n");
        }
        Evidence::Seen(sighting) => {
            text += &seen(sighting);
            (file, simulate) = ("Plan:      ", Some(&sighting.simulate));
        }
    }
    match &conviction.regression {
        Some(Ok(path)) => text += &format!("  {file} {}\n", path.display()),
        Some(Err(error)) => {
            text +=
                &format!("  No regression: {error}. Name another folder with --regressions DIR.\n");
        }
        None => {}
    }
    text += &format!("  Again with: {}\n", conviction.again);
    if let Some(command) = simulate {
        text += &format!("  In the simulator, which can shrink it: {command}\n");
    }
    text
}

/// Renders a failure in real time: its sentence, its timeline, its trace.
fn seen(sighting: &Sighting) -> String {
    let mut text = format!("  {}\n\n", sighting.violation.summary);
    text += &indented(&sighting.timeline);
    match &sighting.trace {
        Ok(path) => text += &format!("  Trace:      {}\n", path.display()),
        Err(error) => text += &format!("  No trace: {error}\n"),
    }
    text
}

/// Renders a shrunk failure: its size, its sentence, its timeline.
pub(crate) fn shrunk(shrunk: &Shrunk) -> String {
    let mut text = format!(
        "  Shrunk to {} and {} in {}.\n",
        counted(shrunk.messages as u64, "message"),
        counted(shrunk.faults as u64, "fault"),
        counted(u64::from(shrunk.runs), "run"),
    );
    if let Some(why) = ended_early(shrunk.end) {
        text += &format!("  Not the smallest, perhaps: {why}.\n");
    }
    text += &format!("  {}\n\n", shrunk.violation.summary);
    text += &indented(&shrunk.timeline);
    text
}

/// Says why the search for a smaller schedule ended before nothing smaller was found.
const fn ended_early(end: End) -> Option<&'static str> {
    match end {
        End::Smallest => None,
        End::Schedules => Some("it ended at the limit of --shrink-schedules"),
        End::Events => Some("it ended at the limit of --shrink-events"),
        End::Time => Some("it ended at the limit of --shrink-time"),
        End::Interrupted => Some("it was interrupted"),
    }
}

/// Indents lines, and adds an empty one.
fn indented(lines: &str) -> String {
    let mut text = String::new();
    for line in lines.lines() {
        text += format!("  {line}").trim_end();
        text.push('\n');
    }
    text.push('\n');
    text
}

fn conclusion(report: &Report) -> String {
    let mut text = String::new();
    if report.interrupted {
        text += "Interrupted: the report covers what ran.\n";
    }
    if let Some(path) = &report.trace {
        text += &format!("Trace written to {}.\n", path.display());
    }
    let failed = report
        .scenarios
        .iter()
        .filter(|scenario| !scenario.failures.is_empty())
        .count();
    let scenarios = counted(report.scenarios.len() as u64, "scenario");
    let outcomes = report.scenarios.iter();
    let untried = outcomes
        .filter(|scenario| scenario.outcome(report.backend) == ScenarioOutcome::NotTried)
        .count();
    let begun = report.scenarios.iter();
    let begun = begun
        .filter(|scenario| scenario.tally.schedules > 0)
        .count();
    text += &match report.exit() {
        Exit::Met if report.interrupted => {
            format!("{begun} of {scenarios} ran: every expectation met so far.\n")
        }
        Exit::Met if untried > 0 => {
            format!("{scenarios}: every expectation met, but for {untried} not tried.\n")
        }
        Exit::Met => format!("{scenarios}: every expectation met.\n"),
        _ => format!("{failed} of {scenarios} failed.\n"),
    };
    text
}

/// Renders the judgement of each property, for commands that run one schedule.
pub(crate) fn judgements(tally: &Tally, expectation: &Expectation) -> String {
    let mut text = String::new();
    for (property, count) in tally.counts() {
        let judgement = match count {
            Count { violated: 1.., .. } if expectation.names(property) => "violated, as recorded",
            Count { violated: 1.., .. } => "VIOLATED",
            Count { held: 1.., .. } => "held",
            Count { .. } => "not observed",
        };
        text += &format!("  {:<27} {judgement}\n", property.word());
    }
    text
}
