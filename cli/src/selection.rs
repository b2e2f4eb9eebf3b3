//! The schedules that `plimsoll run` runs, and those that it does not, with the reason.

use crate::args::{RunArgs, SeedRange};
use crate::backend::Choice;
use crate::error::CliError;
use crate::kafka::Load;
use crate::library::{self, Found, Loaded, Skipped};
use crate::runner::draw;
use crate::trial::{Expectation, Trial};
use plimsoll_scenarios::scenario::Override;
use plimsoll_scenarios::{Scenario, Subject};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

/// What a command line asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    /// The files, folders and embedded scenarios.
    pub paths: &'a [String],
    /// The seeds of scenarios that carry none.
    pub seeds: SeedRange,
    /// The consumer to try instead of the one that each scenario names.
    pub subject: Option<Subject>,
    /// The settings that stand over those of each scenario.
    pub set: &'a [Override],
}

impl<'a> Wanted<'a> {
    /// Reads it from the arguments of `plimsoll run`.
    pub(crate) fn of(args: &'a RunArgs, choice: &Choice) -> Self {
        Self {
            paths: &args.paths,
            seeds: args.seeds.unwrap_or(choice.default_seeds()),
            subject: args.subject,
            set: &args.trying.declared.set,
        }
    }
}

/// What a command line selects.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// The trials that are run.
    pub trials: Vec<Trial>,
    /// The schedules that are not run.
    pub not_executed: Vec<NotExecuted>,
    /// What stood beside the scenarios in folders.
    pub skipped: Skipped,
}

impl Selection {
    /// Returns what the backend of real processes has to carry.
    pub(crate) fn load(&self, jobs: NonZeroUsize) -> Load {
        let breaking = self.trials.iter().map(|trial| trial.apart.len()).sum();
        let all = self.trials.iter().map(Trial::schedules);
        let all = usize::try_from(all.fold(0, u64::saturating_add)).unwrap_or(usize::MAX);
        Load {
            breaking,
            sharing: all.saturating_sub(breaking),
            jobs: jobs.get(),
        }
    }
}

/// Schedules of a scenario that are not executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotExecuted {
    /// The scenario's name on the command line.
    pub label: String,
    /// The number of schedules that are not executed.
    pub schedules: u64,
    /// The number of schedules that were asked for.
    pub of: u64,
    /// The reason why they are not executed.
    pub reason: String,
}

/// Returns the trials that are asked for. In real time, schedules that cannot be executed
/// are sorted out here, before anything is started; so are scenarios of a folder, or of the
/// library, that take too long.
///
/// # Errors
/// Where an argument is wrong, where a scenario that was named on its own cannot be executed, and
/// where nothing is left.
pub(crate) fn select(wanted: Wanted<'_>, choice: &Choice) -> Result<Selection, CliError> {
    let Found { scenarios, skipped } = library::load_with(wanted.paths, wanted.set)?;
    if *choice == Choice::Sim {
        let trials = scenarios.into_iter();
        return Ok(Selection {
            trials: trials.map(|loaded| trial(loaded, wanted, choice)).collect(),
            not_executed: Vec::new(),
            skipped,
        });
    }
    if let Some(recipe) = wanted
        .subject
        .filter(|subject| *subject != Subject::Plimsoll && *choice != Choice::Turmoil)
    {
        return Err(refuse_recipe(recipe));
    }
    let mut selection = Selection {
        skipped,
        ..Selection::default()
    };
    for loaded in scenarios {
        let alone = loaded.alone;
        // No simulated time is long.
        let in_no_time = alone || *choice == Choice::Turmoil;
        let slow = if in_no_time {
            None
        } else {
            slow(&loaded.scenario)
        };
        let mut trial = trial(loaded, wanted, choice);
        let refused = match slow {
            Some(reason) => vec![not_executed(&trial, trial.seeds.len(), reason)],
            None => sort_out(&mut trial, choice)?,
        };
        if alone && !refused.is_empty() {
            return Err(refuse(&refused, choice));
        }
        let left = refused.iter().map(|entry| entry.schedules).sum::<u64>() < trial.seeds.len();
        selection.trials.extend(left.then_some(trial));
        selection.not_executed.extend(refused);
    }
    if selection.trials.is_empty() {
        return Err(refuse(&selection.not_executed, choice));
    }
    Ok(selection)
}

/// Makes the trial of a scenario, perhaps with another subject and other settings than its own.
fn trial(loaded: Loaded, wanted: Wanted<'_>, choice: &Choice) -> Trial {
    let Loaded {
        label,
        mut scenario,
        ..
    } = loaded;
    let own = scenario.settings.consumers.subject;
    let tried = wanted.subject.unwrap_or(own);
    scenario.settings.consumers.subject = tried;
    let command = choice.command();
    let expectation = if tried == own && command.is_none() && wanted.set.is_empty() {
        Expectation::Stated(scenario.settings.expect.verdict.clone())
    } else {
        Expectation::Open
    };
    Trial {
        label,
        seeds: scenario.seed.map_or(wanted.seeds, SeedRange::one),
        subject: command.unwrap_or_else(|| tried.to_string()),
        without: BTreeSet::new(),
        apart: BTreeSet::new(),
        scenario,
        expectation,
        set: wanted.set.to_vec(),
    }
}

/// Returns the reason why a scenario that was not named on its own is left out in real time, if
/// there is one.
fn slow(scenario: &Scenario) -> Option<String> {
    let settings = &scenario.settings;
    (!settings.real_time).then(|| match settings.safety {
        Some(duration) if duration >= QUICK => {
            format!("takes at least {} s in real time", duration.as_secs())
        }
        _ => "is not marked as quick enough for real time".into(),
    })
}

/// The duration below which a scenario may be marked as quick enough for real time.
const QUICK: Duration = Duration::from_secs(20);

/// Takes the seeds whose plans cannot be executed out of the trial, and returns them by reason.
/// Notes those whose plans break brokers.
fn sort_out(trial: &mut Trial, choice: &Choice) -> Result<Vec<NotExecuted>, CliError> {
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for seed in trial.seeds.from..trial.seeds.to {
        let plan =
            draw(&trial.scenario, seed).map_err(|error| error.in_schedule(&trial.label, seed))?;
        if let Some(reason) = choice.refuses(&plan) {
            trial.without.insert(seed);
            *reasons.entry(reason).or_default() += 1;
        } else if plan.faults.iter().any(|fault| fault.kind.breaks_brokers()) {
            trial.apart.insert(seed);
        }
    }
    let reasons = reasons.into_iter();
    Ok(reasons
        .map(|(reason, schedules)| not_executed(trial, schedules, reason))
        .collect())
}

fn not_executed(trial: &Trial, schedules: u64, reason: String) -> NotExecuted {
    NotExecuted {
        label: trial.label.clone(),
        schedules,
        of: trial.seeds.len(),
        reason,
    }
}

fn refuse(refused: &[NotExecuted], choice: &Choice) -> CliError {
    let lines: Vec<String> = refused.iter().map(ToString::to_string).collect();
    let help = "A scenario that is left out because it takes long runs when it is named on its own; \
                all of them run in the simulator (`--backend sim`).";
    CliError::Refused {
        message: format!(
            "what was named cannot run {}:\n{}",
            choice.place(),
            lines.join("\n")
        ),
        help: Some(help.into()),
    }
}

/// Refuses a subject of the command line that only the simulator has. The two arguments do not go
/// together, whatever the scenarios are, so it is a mistake in the command.
pub(crate) fn refuse_recipe(subject: Subject) -> CliError {
    CliError::usage(
        format!("the subject {subject} exists in the simulator only"),
        "Real programs stand trial as a command: plimsoll run FILE -- COMMAND.",
    )
}

impl fmt::Display for NotExecuted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            label,
            schedules,
            of,
            reason,
        } = self;
        if schedules == of {
            write!(f, "{label}: {reason}")
        } else {
            write!(f, "{label}, {schedules} of {of} schedules: {reason}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;

    fn selected(arguments: &[&str]) -> Selection {
        let command = [&["plimsoll", "run"], arguments].concat();
        let Command::Run(args) = Cli::parse_from(command).command else {
            panic!("it is `run`");
        };
        let choice = Choice::of(&args.backend, &args.command, &args.trying.declared);
        let choice = choice.expect("arguments go together");
        select(Wanted::of(&args, &choice), &choice).expect("something is selected")
    }

    #[test]
    #[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
    fn nothing_of_the_library_is_skipped_in_silence() {
        let in_simulator = selected(&[]);
        let on_kafka = selected(&["--backend", "kafka"]);
        assert_eq!(in_simulator.not_executed, []);
        assert!(on_kafka.trials.len() >= 12, "{:?}", on_kafka.trials);
        let run = on_kafka.trials.iter().map(|trial| &trial.label);
        let skipped = on_kafka.not_executed.iter().map(|entry| &entry.label);
        let mut labels: Vec<&String> = run.chain(skipped).collect();
        labels.sort();
        let all = in_simulator.trials.iter();
        let mut all: Vec<&String> = all.map(|trial| &trial.label).collect();
        all.sort();
        assert_eq!(labels, all);
    }

    #[test]
    #[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
    fn a_slow_scenario_runs_in_real_time_when_it_is_named() {
        let Selection {
            trials,
            not_executed,
            ..
        } = selected(&["--backend", "kafka", "crash/consumer-killed"]);
        assert_eq!(trials.len(), 1);
        assert_eq!(trials[0].seeds, SeedRange { from: 0, to: 1 });
        assert_eq!(not_executed, []);
    }

    /// Seeds draw different faults, and the cluster cannot take all of them.
    #[test]
    #[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
    fn seeds_are_sorted_out_one_by_one() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let text = "duration = \"5s\"\nreal_time = true\n[faults.random]\ncount = 1\n\
                    between = \"1s..2s\"\nfor = \"1s\"\n\
                    weights = { crash = 1, broker-crash = 1 }\n";
        for name in ["one.toml", "two.toml"] {
            std::fs::write(folder.path().join(name), text).expect("the file is written");
        }
        let path = folder.path().to_str().expect("UTF-8");
        let arguments = ["--backend", "kafka", "--bootstrap", "localhost:1", path];
        let selection = selected(&[&arguments[..], &["--seeds", "20"]].concat());
        assert_eq!(selection.trials.len(), 2);
        for (trial, entry) in selection.trials.iter().zip(&selection.not_executed) {
            assert_eq!(trial.label, entry.label);
            assert_eq!((entry.of, trial.schedules()), (20, 20 - entry.schedules));
            assert!((1..20).contains(&entry.schedules), "{entry}");
        }
    }

    #[test]
    #[cfg_attr(not(feature = "kafka"), ignore = "needs the feature kafka")]
    fn a_command_stands_trial_instead_of_what_scenarios_name() {
        let arguments = ["recipes/alarm-ruler-oldest", "--backend", "kafka"];
        let selection = selected(&[&arguments[..], &["--", "cat", "a file"]].concat());
        let trial = &selection.trials[0];
        assert!(
            trial.subject.ends_with("/cat 'a file'"),
            "{}",
            trial.subject
        );
        assert_eq!(trial.expectation, Expectation::Open);
    }
}
