//! `plimsoll shrink`: a failing schedule becomes a smaller one that still fails, in the simulator
//! the smallest.

mod real;
mod simulated;

use crate::args::{SeedRange, ShrinkArgs};
use crate::backend::Choice;
use crate::error::CliError;
use crate::library::{self, Loaded};
use crate::outcome::Outcome;
use crate::selection;
use crate::shell;
use crate::terminal::Look;
use crate::trial::{Expectation, Trial};
use plimsoll_oracle::{Property, Word};
use plimsoll_scenarios::Subject;
use std::collections::BTreeSet;

/// Runs `plimsoll shrink`.
///
/// # Errors
/// Where the schedule does not fail, or the result cannot be written.
pub(crate) fn shrink(args: &ShrinkArgs, look: Look) -> Result<Outcome, CliError> {
    let choice = Choice::of(&args.backend, &args.command, &args.trying.declared)?;
    let (trial, seed) = trial(args, &choice)?;
    match &choice {
        Choice::Sim => simulated::shrink(args, &trial, seed, look),
        Choice::Turmoil | Choice::Kafka(_) => real::shrink(args, &trial, seed, &choice, look),
    }
}

/// Returns the schedule that the arguments name, as a trial of one seed.
fn trial(args: &ShrinkArgs, choice: &Choice) -> Result<(Trial, u64), CliError> {
    let Loaded {
        label,
        mut scenario,
        ..
    } = library::load_one_with(&args.file, &args.trying.declared.set)?;
    if let Some(subject) = args.subject {
        let is_recipe = *choice != Choice::Sim && subject != Subject::Plimsoll;
        if is_recipe {
            return Err(selection::refuse_recipe(subject));
        }
        scenario.settings.consumers.subject = subject;
    }
    let Some(seed) = args.seed.or(scenario.seed) else {
        return Err(CliError::usage(
            format!("{label} has no seed of its own"),
            format!(
                "Name a failing one with --seed N; `plimsoll run {}` finds it.",
                shell::quoted(&label)
            ),
        ));
    };
    let subject = choice.command();
    let trial = Trial {
        label,
        subject: subject.unwrap_or_else(|| scenario.settings.consumers.subject.to_string()),
        scenario,
        seeds: SeedRange::one(seed),
        without: BTreeSet::new(),
        apart: BTreeSet::new(),
        expectation: Expectation::Open,
        set: args.trying.declared.set.clone(),
    };
    Ok((trial, seed))
}

/// Makes the error of a schedule that does not fail, or not in the way that was asked for.
fn does_not_fail(place: &str, asked: Option<Property>, violated: &[Property]) -> CliError {
    let what = asked.map_or_else(
        || "no property is violated".to_owned(),
        |property| format!("{property} is not violated"),
    );
    let names: Vec<&str> = violated.iter().map(|property| property.word()).collect();
    CliError::Usage {
        message: format!("{what} by {place}"),
        help: (!names.is_empty()).then(|| format!("Violated there: {}.", names.join(", "))),
    }
}
