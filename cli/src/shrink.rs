//! `plimsoll shrink`: a failing schedule becomes the smallest one that still fails.

use crate::args::{SeedRange, ShrinkArgs};
use crate::conviction::{NotShrunk, Shrunk, convict};
use crate::error::CliError;
use crate::exit::Exit;
use crate::library::{self, Loaded};
use crate::render::human;
use crate::runner::{Broken, Expectation, Trial, Worker};
use crate::{interrupt, output, regressions};
use plimsoll_oracle::{Property, Word};
use plimsoll_scenarios::{BackendError, Scenario};
use std::collections::BTreeSet;

/// Runs `plimsoll shrink`.
///
/// # Errors
/// Where the schedule does not fail, or the result cannot be written.
pub fn shrink(args: &ShrinkArgs) -> Result<Exit, CliError> {
    let Loaded {
        label,
        mut scenario,
        ..
    } = library::load_one(&args.file)?;
    if let Some(subject) = args.subject {
        scenario.settings.consumers.subject = subject;
    }
    let Some(seed) = args.seed.or(scenario.seed) else {
        return Err(CliError::usage(
            format!("{label} has no seed of its own"),
            format!("Name a failing one with --seed N; `plimsoll run {label}` finds it."),
        ));
    };
    interrupt::listen()?;
    let mut worker = Worker::default();
    let property = failing_property(&mut worker, &label, &scenario, seed, args.property)?;
    let shrunk = match convict(&mut worker, &scenario, seed, property) {
        Ok(shrunk) => shrunk,
        Err(NotShrunk::Broken(broken)) => return Err(broken.into_error(&label, seed)),
        Err(NotShrunk::Interrupted) => {
            return Err(CliError::Usage {
                message: "interrupted before anything was shrunk".into(),
                help: None,
            });
        }
    };
    let trial = Trial {
        label,
        subject: scenario.settings.consumers.subject.to_string(),
        scenario,
        seeds: SeedRange::one(seed),
        without: BTreeSet::new(),
        expectation: Expectation::Open,
    };
    let path = regressions::write(&args.regressions, &trial, &shrunk.regression)?;
    print(&trial, property, &shrunk)?;
    output::print(&format!(
        "  Regression: {}\n  Again with: {}\n",
        path.display(),
        regressions::replay_command(&path),
    ))?;
    Ok(Exit::Met)
}

/// The property to shrink for: the one that was asked for, else the first that is violated.
fn failing_property(
    worker: &mut Worker,
    label: &str,
    scenario: &Scenario,
    seed: u64,
    asked: Option<Property>,
) -> Result<Property, CliError> {
    let run = worker
        .run_seed(scenario, seed)
        .map_err(|broken| broken.into_error(label, seed))?;
    let violated: Vec<Property> = run
        .verdict
        .violations()
        .map(|(property, _)| property)
        .collect();
    let found = match asked {
        Some(property) => violated.contains(&property).then_some(property),
        None => violated.first().copied(),
    };
    found.ok_or_else(|| {
        let what = asked.map_or_else(
            || "no property is violated".to_owned(),
            |property| format!("{property} is not violated"),
        );
        let names: Vec<&str> = violated.iter().map(|property| property.word()).collect();
        CliError::Usage {
            message: format!("{what} by {label} with seed {seed}"),
            help: (!names.is_empty()).then(|| format!("Violated there: {}.", names.join(", "))),
        }
    })
}

fn print(trial: &Trial, property: Property, shrunk: &Shrunk) -> Result<(), CliError> {
    let Trial {
        label,
        subject,
        seeds,
        ..
    } = trial;
    output::print(&format!(
        "{label}: {property} violated by {subject} with seed {}.\n{}",
        seeds.from,
        human::shrunk(shrunk)
    ))
}

impl Broken {
    /// As the error of a command that runs one schedule.
    pub fn into_error(self, label: &str, seed: u64) -> CliError {
        let message = format!("{label}: {} with seed {seed}", human::broken(&self));
        match self {
            Self::Panicked(_) | Self::Failed(BackendError::Internal(_)) => {
                CliError::Internal(message)
            }
            Self::Failed(_) => CliError::Environment(message),
            Self::Refused(_) => CliError::Usage {
                message,
                help: None,
            },
        }
    }
}
