//! Runs in real time: none can be had again, so what a failing one left behind is kept.

use crate::backend::Choice;
use crate::conviction::{Conviction, Evidence};
use crate::output;
use crate::regressions;
use crate::runner::{Tally, Trial, draw};
use plimsoll_oracle::{Trace, Verdict, Violation, Word};
use plimsoll_scenarios::Plan;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What a run in real time left behind.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its seed.
    pub seed: u64,
    /// The judgement of every property.
    pub verdict: Verdict,
    /// What was observed.
    pub trace: Trace,
}

/// How a property was violated in a run that cannot be had again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// How.
    pub violation: Violation,
    /// The events that show it, for people.
    pub timeline: String,
    /// Where the trace was written, or why it could not be.
    pub trace: Result<PathBuf, String>,
    /// The command that runs the same plan in the simulator, which can shrink it.
    pub simulate: String,
}

/// The convictions of a trial in real time: each failing run is written into `folder`, as a plan
/// and a trace.
pub fn convict(trial: &Trial, tally: &Tally, choice: &Choice, folder: &Path) -> Vec<Conviction> {
    let mut convictions = Vec::new();
    for recorded in &tally.recorded {
        let failures = tally.failures(&trial.expectation);
        let shown: Vec<_> = failures
            .filter(|(_, seed)| *seed == recorded.seed)
            .filter_map(|(property, _)| {
                let mut violations = recorded.verdict.violations();
                let (_, violation) = violations.find(|(violated, _)| *violated == property)?;
                Some((property, violation))
            })
            .collect();
        // It was drawn once already, when it was run.
        let Ok(plan) = draw(&trial.scenario, recorded.seed) else {
            continue;
        };
        if shown.is_empty() {
            continue;
        }
        let files = write(trial, recorded, &plan, folder);
        for (property, violation) in shown {
            let sighting = Sighting {
                timeline: regressions::timeline(&plan, &recorded.trace, violation),
                violation: violation.clone(),
                trace: files.trace.clone(),
                simulate: simulate(trial, &files, choice),
            };
            convictions.push(Conviction {
                property,
                seed: recorded.seed,
                runs: tally.count(property).violated,
                evidence: Evidence::Seen(Box::new(sighting)),
                again: again(trial, recorded.seed, &files, choice),
                regression: Some(files.plan.clone()),
            });
        }
    }
    convictions
}

/// What was written of a run, or why it could not be.
struct Files {
    plan: Result<PathBuf, String>,
    trace: Result<PathBuf, String>,
}

fn write(trial: &Trial, recorded: &Recorded, plan: &Plan, folder: &Path) -> Files {
    let stem = folder.join(file_stem(trial, recorded.seed));
    let written = |extension: &str, text: &str| {
        let path = stem.with_added_extension(extension);
        output::write_file(&path, text)
            .map(|()| path)
            .map_err(|error| error.to_string())
    };
    Files {
        plan: written("toml", &as_file(trial, recorded, plan)),
        trace: written("jsonl", &regressions::json_lines(&recorded.trace)),
    }
}

/// Where it happened, who stood trial, and under which seed: `crash-consumer-killed-kafka-0`.
fn file_stem(trial: &Trial, seed: u64) -> String {
    let label = trial.label.strip_suffix(".toml").unwrap_or(&trial.label);
    let label = match Path::new(label).file_name() {
        // A path may be long, and the name of an embedded scenario is short.
        Some(name) if label != trial.label => name.to_string_lossy().into_owned(),
        _ => label.to_owned(),
    };
    let program = trial.subject.split(' ').next().unwrap_or_default();
    let subject = program.rsplit('/').next().unwrap_or(program);
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    format!("{label}-{subject}-kafka-{seed}").replace(|letter| !legal(letter), "-")
}

/// The plan as a scenario file. It expects what its scenario does; its trace is nobody's.
fn as_file(trial: &Trial, recorded: &Recorded, plan: &Plan) -> String {
    let mut scenario = plan.to_scenario();
    scenario.settings.expect.trace = None;
    scenario.settings.expect.sometimes.clear();
    let violated: Vec<&str> = recorded
        .verdict
        .violations()
        .map(|(property, _)| property.word())
        .collect();
    let mut text = String::new();
    for line in [
        format!("Violated on real Kafka: {}.", violated.join(", ")),
        format!(
            "Found by the scenario {} with subject {} and seed {}.",
            trial.label, trial.subject, recorded.seed
        ),
    ] {
        let line = line.replace(char::is_control, " ");
        writeln!(text, "# {line}").expect("writing to a string");
    }
    text + "\n" + &scenario.to_toml()
}

/// The command that runs the plan on real Kafka once more.
fn again(trial: &Trial, seed: u64, files: &Files, choice: &Choice) -> String {
    match &files.plan {
        Ok(path) => {
            let file = regressions::quoted(&path.display().to_string());
            format!("plimsoll run {file}{}", choice.arguments())
        }
        Err(_) => trial.again(seed, choice),
    }
}

fn simulate(trial: &Trial, files: &Files, choice: &Choice) -> String {
    let file = match &files.plan {
        Ok(path) => path.display().to_string(),
        Err(_) => trial.label.clone(),
    };
    // What a program does, the simulator can only try with a recipe that does the same.
    let recipe = choice.command().map_or("", |_| " --subject RECIPE");
    format!("plimsoll run {}{recipe}", regressions::quoted(&file))
}
