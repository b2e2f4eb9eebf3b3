//! From a failing run in real time, which cannot be had again, to the files that keep it.

use super::{Conviction, Evidence, Recording, Sighting, Story};
use crate::args::BackendName;
use crate::backend::Choice;
use crate::error::CliError;
use crate::runner::{Recorded, Tally, Unjudged, draw};
use crate::trial::Trial;
use crate::{files, regressions, shell};
use plimsoll_oracle::Word;
use plimsoll_scenarios::Plan;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Returns the convictions of a trial in real time, and writes each failing run into `folder`, as a
/// plan and a trace.
pub(crate) fn convict(
    trial: &Trial,
    tally: &Tally,
    choice: &Choice,
    folder: &Path,
) -> Vec<Conviction> {
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
        // Never fails: the run was made from the same plan.
        let Ok(plan) = draw(&trial.scenario, recorded.seed) else {
            continue;
        };
        if shown.is_empty() {
            continue;
        }
        let files = write(trial, recorded, &plan, folder);
        for (property, violation) in shown {
            let sighting = Sighting {
                story: Story::of(&plan.terms(), &recorded.trace, property, violation),
                violation: violation.clone(),
                recording: Recording {
                    plan: plan.clone(),
                    trace: recorded.trace.clone(),
                },
                trace: files.trace.clone(),
                logs: files.logs.clone(),
                simulate: simulate(trial, &files, choice),
            };
            convictions.push(Conviction {
                property,
                seed: recorded.seed,
                runs: tally.count(property).violated,
                evidence: Evidence::Seen(Box::new(sighting)),
                again: again(trial, recorded.seed, &files, choice),
                regression: Some(files.plan.clone()),
                death: None,
                same_as: None,
            });
        }
    }
    convictions
}

/// Writes the trace of a run that does not count into `folder`, and beside it what its processes
/// wrote. It gets no plan: it shows nothing that a regression could be made of.
pub(crate) fn keep(trial: &Trial, unjudged: &mut Unjudged, folder: &Path) {
    let recorded = &unjudged.recorded;
    let stem = format!("{}-not-judged", file_stem(trial, recorded.seed));
    let stem = free(folder, &stem);
    let path = stem.with_added_extension("jsonl");
    let written = draw(&trial.scenario, recorded.seed).and_then(|plan| {
        let header = trial.header(&plan, BackendName::Kafka);
        files::write_trace(&path, &header, &recorded.trace)
    });
    unjudged.trace = written.is_ok().then_some(path);
    for (name, text) in &recorded.logs {
        // Without them there is the trace.
        let _ = files::write(&stem.with_added_extension(name), text);
    }
}

/// The files of a run, each with the reason where it could not be written.
struct Files {
    plan: Result<PathBuf, String>,
    trace: Result<PathBuf, String>,
    /// Those with what its processes wrote, as far as they could be written.
    logs: Vec<PathBuf>,
}

fn write(trial: &Trial, recorded: &Recorded, plan: &Plan, folder: &Path) -> Files {
    let stem = free(folder, &file_stem(trial, recorded.seed));
    let written = |extension: &str, write: &dyn Fn(&Path) -> Result<(), CliError>| {
        let path = stem.with_added_extension(extension);
        match write(&path) {
            Ok(()) => Ok(path),
            Err(error) => Err(error.to_string()),
        }
    };
    let text = as_file(trial, recorded, plan);
    let logs = recorded.logs.iter();
    let logs = logs.filter_map(|(name, text)| written(name, &|path| files::write(path, text)).ok());
    Files {
        logs: logs.collect(),
        plan: written("toml", &|path| files::write(path, &text)),
        trace: written("jsonl", &|path| {
            let header = trial.header(plan, BackendName::Kafka);
            files::write_trace(path, &header, &recorded.trace)
        }),
    }
}

/// Returns the first of the numbered names that no file has yet: no run is like another, and none
/// overwrites another.
fn free(folder: &Path, stem: &str) -> PathBuf {
    let mut names = regressions::numbered(stem).map(|name| folder.join(name));
    let is_free = |name: &PathBuf| {
        let exists = |ending: &str| name.with_added_extension(ending).exists();
        !exists("toml") && !exists("jsonl")
    };
    names.find(is_free).unwrap_or_else(|| folder.join(stem))
}

/// Returns the name of a run's files, made of scenario, subject and seed:
/// `crash-consumer-killed-plimsoll-kafka-0`.
fn file_stem(trial: &Trial, seed: u64) -> String {
    let scenario = regressions::scenario_name(&trial.label);
    let subject = program_name(&trial.subject);
    regressions::legal(&format!("{scenario}-{subject}-kafka-{seed}"))
}

/// Returns the name of the program that a command runs: that of its first word that is a file, as
/// `consumer.py` of `python3 consumer.py`, or else its first word.
fn program_name(command: &str) -> &str {
    let mut words = command.split(' ');
    let program = words.clone().next().unwrap_or_default();
    let program = words
        .find(|word| Path::new(word).is_file())
        .unwrap_or(program);
    program.rsplit('/').next().unwrap_or(program)
}

/// Returns the plan as a scenario file. It expects the verdict that its scenario expects, and no
/// trace: no other run leaves the same.
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

/// Returns the command that runs the plan on real Kafka once more.
fn again(trial: &Trial, seed: u64, files: &Files, choice: &Choice) -> String {
    match &files.plan {
        Ok(path) => {
            let file = shell::quoted(&path.display().to_string());
            let set = trial.settings_stated();
            format!("plimsoll run {file}{set}{}", choice.arguments())
        }
        Err(_) => trial.again(seed, choice),
    }
}

/// Returns the command that runs the plan in the simulator.
fn simulate(trial: &Trial, files: &Files, choice: &Choice) -> String {
    let file = match &files.plan {
        Ok(path) => path.display().to_string(),
        Err(_) => trial.label.clone(),
    };
    // The simulator cannot run a program: a recipe that does the same stands for it.
    let recipe = choice.command().map_or("", |_| " --subject RECIPE");
    format!("plimsoll run {}{recipe}", shell::quoted(&file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interpreter_is_no_name_for_a_subject() {
        // Tests run in the folder of their crate.
        assert_eq!(program_name("python3 -u src/main.rs --topic x"), "main.rs");
        assert_eq!(program_name("bin/consumer --topic x"), "consumer");
        assert_eq!(program_name("plimsoll"), "plimsoll");
    }
}
