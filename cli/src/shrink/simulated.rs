//! The smallest schedule in the simulator.

use super::does_not_fail;
use crate::args::ShrinkArgs;
use crate::conviction::{NotShrunk, shrinking};
use crate::error::CliError;
use crate::exit::Exit;
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::render::human;
use crate::render::page::Page;
use crate::runner::Worker;
use crate::terminal::Look;
use crate::trial::Trial;
use crate::{interrupt, regressions};
use plimsoll_oracle::Property;

/// Shrinks the run of a trial under a seed.
pub(super) fn shrink(
    args: &ShrinkArgs,
    trial: &Trial,
    seed: u64,
    look: Look,
) -> Result<Outcome, CliError> {
    interrupt::listen()?;
    let mut worker = Worker::default();
    let property = failing_property(&mut worker, trial, seed, args.property)?;
    let progress = Progress::in_real_time(1, "failures shrunk");
    let shrunk = shrinking::convict(
        &mut worker,
        &trial.scenario,
        seed,
        property,
        args.limits,
        &progress,
    );
    progress.finish();
    let shrunk = shrunk.map_err(|why| match why {
        NotShrunk::Broken(error) => error.in_schedule(&trial.label, seed),
        NotShrunk::Interrupted => CliError::Interrupted,
    })?;
    let path = regressions::write(args.trying.regressions(), trial, &shrunk.regression)?;
    let mut page = Page::new(look.width());
    page.paragraph("", &human::heading(property, &trial.subject, &trial.label));
    human::shrunk(&mut page, property, &shrunk);
    human::again(&mut page, &regressions::replay_command(&path));
    Ok(Outcome::new(page.into_text(), Exit::Met))
}

/// Returns the property to shrink for: the one that was asked for, else the first that is violated.
fn failing_property(
    worker: &mut Worker,
    trial: &Trial,
    seed: u64,
    asked: Option<Property>,
) -> Result<Property, CliError> {
    let run = worker
        .run_seed(&trial.scenario, seed)
        .map_err(|error| error.in_schedule(&trial.label, seed))?;
    let violations = run.verdict.violations();
    let violated: Vec<Property> = violations.map(|(property, _)| property).collect();
    let found = match asked {
        Some(property) => violated.contains(&property).then_some(property),
        None => violated.first().copied(),
    };
    let place = format!("{} with seed {seed}", trial.label);
    found.ok_or_else(|| does_not_fail(&place, asked, &violated))
}
