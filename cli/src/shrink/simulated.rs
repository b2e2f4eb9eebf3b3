//! `plimsoll shrink`: a failing schedule becomes the smallest one that still fails.

use crate::args::{SeedRange, ShrinkArgs};
use crate::conviction::{NotShrunk, shrinking};
use crate::error::CliError;
use crate::exit::Exit;
use crate::library::{self, Loaded};
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::render::human;
use crate::render::page::Page;
use crate::runner::Worker;
use crate::terminal::Look;
use crate::trial::{Expectation, Trial};
use crate::{interrupt, regressions};
use plimsoll_oracle::{Property, Word};
use plimsoll_scenarios::Scenario;
use std::collections::BTreeSet;

/// Runs `plimsoll shrink`.
///
/// # Errors
/// Where the schedule does not fail, or the result cannot be written.
pub(crate) fn shrink(args: &ShrinkArgs, look: Look) -> Result<Outcome, CliError> {
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
    let progress = Progress::in_real_time(1, "failures shrunk");
    let shrunk = shrinking::convict(
        &mut worker,
        &scenario,
        seed,
        property,
        args.limits,
        &progress,
    );
    progress.finish();
    let shrunk = shrunk.map_err(|why| match why {
        NotShrunk::Broken(error) => error.in_schedule(&label, seed),
        NotShrunk::Interrupted => CliError::Interrupted,
    })?;
    let trial = Trial {
        label,
        subject: scenario.settings.consumers.subject.to_string(),
        scenario,
        seeds: SeedRange::one(seed),
        without: BTreeSet::new(),
        apart: BTreeSet::new(),
        expectation: Expectation::Open,
        set: Vec::new(),
    };
    let path = regressions::write(args.regressions(), &trial, &shrunk.regression)?;
    let mut page = Page::new(look.width());
    page.paragraph("", &human::heading(property, &trial.subject, &trial.label));
    human::shrunk(&mut page, property, &shrunk);
    human::again(&mut page, &regressions::replay_command(&path));
    Ok(Outcome::new(page.into_text(), Exit::Met))
}

/// Returns the property to shrink for: the one that was asked for, else the first that is violated.
fn failing_property(
    worker: &mut Worker,
    label: &str,
    scenario: &Scenario,
    seed: u64,
    asked: Option<Property>,
) -> Result<Property, CliError> {
    let run = worker
        .run_seed(scenario, seed)
        .map_err(|error| error.in_schedule(label, seed))?;
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
