//! From a failing run in real time, which cannot be had again, to the files that keep it.

use super::smaller::Smaller;
use super::{Conviction, Evidence, Recording, Sighting};
use crate::args::BackendName;
use crate::backend::Choice;
use crate::error::CliError;
use crate::runner::{Recorded, Tally, Unjudged, draw};
use crate::trial::Trial;
use crate::{files, regressions, shell};
use plimsoll_oracle::story::Story;
use plimsoll_oracle::{Property, Violation, Word};
use plimsoll_scenarios::Plan;
use std::env;
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
        let stem = file_stem(trial, recorded.seed);
        let files = write(trial, recorded, &plan, folder, &stem, &[], choice);
        for (property, violation) in shown {
            let runs = tally.count(property).violated;
            let seen = Seen {
                plan: &plan,
                recorded,
                property,
                violation,
            };
            let shrink = shrink(trial, &files, property, choice);
            convictions.push(conviction(trial, &seen, &files, runs, shrink, choice));
        }
    }
    convictions
}

/// Writes the trace of a run that does not count into `folder`, and beside it what its processes
/// wrote. It gets no plan: it shows nothing that a regression could be made of.
pub(crate) fn keep_unjudged(trial: &Trial, unjudged: &mut Unjudged, folder: &Path) {
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

/// Writes the run of a smaller plan into `folder`, with `notes` at its head, and returns its
/// conviction.
pub(crate) fn keep(
    trial: &Trial,
    smaller: &Smaller,
    notes: &[String],
    choice: &Choice,
    folder: &Path,
) -> Conviction {
    let Smaller {
        plan, run, shows, ..
    } = smaller;
    let property = shows.property;
    let stem = stem_of(trial, run.seed, property);
    let files = write(trial, run, plan, folder, &stem, notes, choice);
    let mut violations = run.verdict.violations();
    let (_, violation) = violations
        .find(|(violated, _)| *violated == property)
        .expect("the run violates it");
    let seen = Seen {
        plan,
        recorded: run,
        property,
        violation,
    };
    conviction(trial, &seen, &files, 1, None, choice)
}

/// A violation in a run.
struct Seen<'a> {
    plan: &'a Plan,
    recorded: &'a Recorded,
    property: Property,
    violation: &'a Violation,
}

fn conviction(
    trial: &Trial,
    seen: &Seen<'_>,
    files: &Files,
    runs: u64,
    shrink: Option<String>,
    choice: &Choice,
) -> Conviction {
    let Seen {
        plan,
        recorded,
        property,
        violation,
    } = *seen;
    let sighting = Sighting {
        story: Story::of(&plan.terms(), &recorded.trace, property, violation),
        violation: violation.clone(),
        recording: Recording {
            plan: plan.clone(),
            trace: recorded.trace.clone(),
        },
        trace: files.trace.clone(),
        logs: files.logs.clone(),
        shrink,
        simulate: simulate(trial, files, choice),
    };
    Conviction {
        property,
        seed: recorded.seed,
        runs,
        evidence: Evidence::Seen(Box::new(sighting)),
        again: again(trial, recorded.seed, files, choice),
        regression: Some(files.plan.clone()),
        death: None,
        same_as: None,
    }
}

/// The files of a run, each with the reason where it could not be written.
struct Files {
    plan: Result<PathBuf, String>,
    trace: Result<PathBuf, String>,
    /// Those with what its processes wrote, as far as they could be written.
    logs: Vec<PathBuf>,
}

fn write(
    trial: &Trial,
    recorded: &Recorded,
    plan: &Plan,
    folder: &Path,
    stem: &str,
    notes: &[String],
    choice: &Choice,
) -> Files {
    let stem = free(folder, stem);
    let written = |extension: &str, write: &dyn Fn(&Path) -> Result<(), CliError>| {
        let path = stem.with_added_extension(extension);
        match write(&path) {
            Ok(()) => Ok(path),
            Err(error) => Err(error.to_string()),
        }
    };
    let text = as_file(trial, recorded, plan, notes, choice.place());
    let logs = recorded.logs.iter();
    let logs = logs.filter_map(|(name, text)| written(name, &|path| files::write(path, text)).ok());
    Files {
        logs: logs.collect(),
        plan: written("toml", &|path| files::write(path, &text)),
        trace: written("jsonl", &|path| {
            let header = trial.header(plan, choice.name());
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

/// Returns the name of a smaller plan's files, which has the property: a recorded run that is shrunk
/// keeps its own.
fn stem_of(trial: &Trial, seed: u64, property: Property) -> String {
    let own = Path::new(&trial.label).file_stem();
    let own = own.map(|own| regressions::legal(&own.to_string_lossy()));
    let own = own.filter(|own| own.contains("-kafka-"));
    let stem = own.unwrap_or_else(|| file_stem(trial, seed));
    match stem.contains(property.word()) {
        true => stem,
        false => format!("{stem}-{property}"),
    }
}

/// Returns the name of the program that a command runs: that of its first word, or of the first file
/// behind that where it is what starts others, as with `consumer.py` of `python3 consumer.py`.
fn program_name(command: &str) -> &str {
    let mut words = command.split(' ');
    let first = words.next().unwrap_or_default();
    let program = match is_on_search_path(first) {
        true => words.find(|word| Path::new(word).is_file()),
        false => None,
    };
    let program = program.unwrap_or(first);
    program.rsplit('/').next().unwrap_or(program)
}

/// Tells whether a program is one that the machine has for all its users, as interpreters are,
/// rather than one that stands trial.
fn is_on_search_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let folder = Path::new(program).parent().unwrap_or(Path::new(""));
    folder == Path::new("") || env::split_paths(&path).any(|on_path| on_path == folder)
}

/// Returns the plan as a scenario file. It expects the verdict that its scenario expects, and no
/// trace: no other run leaves the same.
fn as_file(
    trial: &Trial,
    recorded: &Recorded,
    plan: &Plan,
    notes: &[String],
    place: &str,
) -> String {
    let mut scenario = plan.to_scenario();
    scenario.settings.expect.trace = None;
    scenario.settings.expect.sometimes.clear();
    let violated: Vec<&str> = recorded
        .verdict
        .violations()
        .map(|(property, _)| property.word())
        .collect();
    let found = [
        format!("Violated {place}: {}.", violated.join(", ")),
        format!(
            "Found by the scenario {} with subject {} and seed {}.",
            trial.label, trial.subject, recorded.seed
        ),
    ];
    let mut text = String::new();
    for line in found.iter().chain(notes) {
        let line = line.replace(char::is_control, " ");
        writeln!(text, "# {line}").expect("writing to a string");
    }
    text + "\n" + &scenario.to_toml()
}

/// Returns the command that runs the plan in real time once more.
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

/// Returns the command that searches for a smaller plan in real time, if the plan could be written.
fn shrink(trial: &Trial, files: &Files, property: Property, choice: &Choice) -> Option<String> {
    let path = files.plan.as_ref().ok()?;
    let file = shell::quoted(&path.display().to_string());
    let set = trial.settings_stated();
    let arguments = choice.arguments();
    Some(format!(
        "plimsoll shrink {file} --property {property}{set}{arguments}"
    ))
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
        // Commands are told with the place at which their program was found.
        let path = env::var_os("PATH").expect("it is set");
        let folder = env::split_paths(&path).next().expect("it has a folder");
        let found = format!("{}/env A=b src/main.rs", folder.display());
        assert_eq!(program_name(&found), "main.rs");
        assert_eq!(program_name("bin/consumer src/main.rs"), "consumer");
        assert_eq!(program_name("plimsoll"), "plimsoll");
    }
}
