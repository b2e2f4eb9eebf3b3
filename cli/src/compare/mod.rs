//! `plimsoll compare`: one consumer in several places, and where they differ.

mod finding;
mod place;

pub(crate) use finding::{Finding, Said};

use crate::args::{CompareArgs, PlaceName};
use crate::conviction::recorded;
use crate::error::CliError;
use crate::exit::Exit;
use crate::interrupt;
use crate::outcome::Outcome;
use crate::render;
use crate::run::try_all;
use crate::runner::{Options, Tally};
use crate::selection::{NotExecuted, Selection};
use crate::terminal::Look;
use crate::trial::Trial;
use place::{Place, Places};
use plimsoll_oracle::{Property, Word as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs `plimsoll compare`.
///
/// # Errors
/// Where an argument is wrong. A place that cannot be had takes nothing from the others: the
/// comparison tells it.
pub(crate) fn compare(args: &CompareArgs, look: Look) -> Result<Outcome, CliError> {
    let Places { places, left_out } = Places::of(args)?;
    let selections = places.iter().map(|place| place.select(args));
    let selections: Vec<Selection> = selections.collect::<Result<_, _>>()?;
    interrupt::listen()?;
    let mut columns = Vec::new();
    for (place, selection) in places.iter().zip(selections) {
        let is_begun = !interrupt::requested();
        let tried = is_begun.then(|| try_in(place, selection, &places, args, look));
        columns.push(tried.unwrap_or_else(|| Column::empty(place, None)));
    }
    let comparison = Comparison::of(columns, &places, left_out, args.trying.regressions());
    let text = render::compare::comparison(&comparison, look);
    Ok(Outcome::new(text, comparison.exit()))
}

/// The verdicts of several places on a consumer.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// The places.
    pub columns: Vec<Column>,
    /// The scenarios.
    pub rows: Vec<Row>,
    /// The places that were asked for and cannot try the consumer, each with the reason.
    pub left_out: Vec<(PlaceName, &'static str)>,
    /// The promises that differ.
    pub differences: Vec<Difference>,
    /// Whether it ended before all had run.
    pub interrupted: bool,
}

/// The work done in one place.
#[derive(Debug)]
pub(crate) struct Column {
    /// The place.
    pub name: PlaceName,
    /// The number of seeds of each scenario.
    pub seeds: u64,
    /// The time from the start of its brokers to their end.
    pub took: Duration,
    /// The trials, with what their runs showed.
    tried: Vec<(Trial, Tally)>,
    /// The schedules that were not run.
    pub not_executed: Vec<NotExecuted>,
    /// Why it has no trials, where it could not be had.
    pub failed: Option<CliError>,
}

/// The verdicts of the places on one scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// The scenario's name on the command line.
    pub label: String,
    /// The outcome of the scenario as a whole, by place.
    pub cells: Vec<Cell>,
    /// Every property.
    pub promises: Vec<Promise>,
}

/// The outcome of a scenario as a whole in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Not run there.
    NotRun,
    /// No run has a verdict.
    NoVerdict,
    /// No run broke a promise.
    Held,
    /// Runs broke this number of promises.
    Broken(usize),
}

/// The judgements of the places on one promise in one scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    /// The promise.
    pub property: Property,
    /// The judgement of each place that has a verdict.
    pub said: Vec<Option<Said>>,
    /// The comparison of them.
    pub finding: Finding,
}

/// A promise that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The scenario's name on the command line.
    pub label: String,
    /// The promise.
    pub property: Property,
    /// The command that shows a run which breaks it.
    pub again: String,
}

impl Comparison {
    /// Compares what the places say, and writes runs in real time that break what differs into
    /// `folder`.
    fn of(
        columns: Vec<Column>,
        places: &[Place],
        left_out: Vec<(PlaceName, &'static str)>,
        folder: &Path,
    ) -> Self {
        let rows = rows(&columns);
        Self {
            differences: differences(&rows, &columns, places, folder),
            rows,
            columns,
            left_out,
            interrupted: interrupt::requested(),
        }
    }

    /// Returns how the command ends.
    pub(crate) fn exit(&self) -> Exit {
        let broken = self.columns.iter().flat_map(Column::broken);
        let broken = broken.map(|(_, _, error)| error.exit());
        let failed = self
            .columns
            .iter()
            .filter_map(|column| column.failed.as_ref());
        let failed = failed.map(CliError::exit);
        let worst = broken.chain(failed).max().unwrap_or(Exit::Met);
        let found = match self.differences.is_empty() {
            true => worst,
            false => Exit::Internal,
        };
        found.or_interrupted(self.interrupted)
    }

    /// Returns the number of promises, over all scenarios, that come to this.
    pub(crate) fn count(&self, finding: Finding) -> u64 {
        let promises = self.rows.iter().flat_map(|row| &row.promises);
        promises.filter(|one| one.finding == finding).count() as u64
    }
}

impl Column {
    /// Makes that of a place in which nothing was tried.
    fn empty(place: &Place, failed: Option<CliError>) -> Self {
        Self {
            name: place.name,
            seeds: place.seeds,
            took: Duration::ZERO,
            tried: Vec::new(),
            not_executed: Vec::new(),
            failed,
        }
    }

    /// Returns the number of runs that got their verdict in a second try, because the machine had
    /// disturbed the first one.
    pub(crate) fn disturbed(&self) -> u64 {
        self.tried.iter().map(|(_, tally)| tally.disturbed()).sum()
    }

    /// Returns the scenarios in which a run has no verdict, with the seed and the reason.
    pub(crate) fn broken(&self) -> impl Iterator<Item = (&str, u64, &CliError)> {
        self.tried.iter().filter_map(|(trial, tally)| {
            let (seed, error) = tally.broken.as_ref()?;
            Some((trial.label.as_str(), *seed, error))
        })
    }

    fn of(&self, label: &str) -> Option<&(Trial, Tally)> {
        self.tried.iter().find(|(trial, _)| trial.label == label)
    }

    fn cell(&self, label: &str) -> Cell {
        let Some((_, tally)) = self.of(label) else {
            return Cell::NotRun;
        };
        match tally
            .counts()
            .filter(|(_, count)| count.violated > 0)
            .count()
        {
            _ if tally.schedules == 0 => Cell::NoVerdict,
            0 => Cell::Held,
            broken => Cell::Broken(broken),
        }
    }

    fn said(&self, label: &str, property: Property) -> Option<Said> {
        let (_, tally) = self.of(label)?;
        (tally.schedules > 0).then(|| Said {
            count: tally.count(property),
            is_real: self.name.is_real(),
        })
    }
}

/// Tries the consumer in one place.
fn try_in(
    place: &Place,
    selection: Selection,
    places: &[Place],
    args: &CompareArgs,
    look: Look,
) -> Column {
    let began = Instant::now();
    let jobs = place.choice.jobs(args.trying.jobs);
    let backend = match place.start(selection.load(jobs), places) {
        Ok(backend) => backend,
        Err(error) => return Column::empty(place, Some(error)),
    };
    let options = Options {
        jobs,
        keep_going: true,
        hashes: false,
        record: false,
    };
    let tallies = try_all(&selection.trials, options, &backend, look);
    backend.shut_down();
    Column {
        took: began.elapsed(),
        tried: selection.trials.into_iter().zip(tallies).collect(),
        not_executed: selection.not_executed,
        ..Column::empty(place, None)
    }
}

/// Compares what the places say, scenario by scenario.
fn rows(columns: &[Column]) -> Vec<Row> {
    let mut labels: Vec<&str> = Vec::new();
    for (trial, _) in columns.iter().flat_map(|column| &column.tried) {
        if !labels.contains(&trial.label.as_str()) {
            labels.push(&trial.label);
        }
    }
    let promise = |label: &str, property: Property| {
        let said = columns.iter().map(|column| column.said(label, property));
        let said: Vec<Option<Said>> = said.collect();
        let known: Vec<Said> = said.iter().copied().flatten().collect();
        Promise {
            property,
            said,
            finding: Finding::of(&known),
        }
    };
    let row = |label: &str| Row {
        label: label.to_owned(),
        cells: columns.iter().map(|column| column.cell(label)).collect(),
        promises: Property::ALL
            .iter()
            .map(|property| promise(label, *property))
            .collect(),
    };
    labels.into_iter().map(row).collect()
}

/// Returns the promises that differ, and writes the runs in real time that broke them.
fn differences(
    rows: &[Row],
    columns: &[Column],
    places: &[Place],
    folder: &Path,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    for row in rows {
        let differing = row.promises.iter();
        let differing = differing.filter(|promise| promise.finding == Finding::Differs);
        let differing: Vec<&Promise> = differing.collect();
        if differing.is_empty() {
            continue;
        }
        let again = shown_again(&row.label, columns, places, folder);
        differences.extend(differing.into_iter().map(|promise| Difference {
            label: row.label.clone(),
            property: promise.property,
            again: again(promise.property),
        }));
    }
    differences
}

/// Returns the command that shows again how a property was broken in a scenario: in real time where
/// that was, for the simulator can show it at any time.
fn shown_again(
    label: &str,
    columns: &[Column],
    places: &[Place],
    folder: &Path,
) -> impl Fn(Property) -> String {
    let mut commands: Vec<(Property, String)> = Vec::new();
    let (real, simulated): (Vec<_>, Vec<_>) = columns
        .iter()
        .zip(places)
        .filter_map(|(column, place)| Some((place, column.of(label)?)))
        .partition(|(place, _)| place.name.is_real());
    for (place, (trial, tally)) in real {
        let convictions = recorded::convict(trial, tally, &place.choice, folder);
        commands.extend(convictions.into_iter().map(|one| (one.property, one.again)));
    }
    for (place, (trial, tally)) in simulated {
        let broken = tally.failures(&trial.expectation);
        let again = broken.map(|(property, seed)| (property, trial.again(seed, &place.choice)));
        commands.extend(again);
    }
    move |property| {
        let mut commands = commands.iter();
        let found = commands.find(|(of, _)| *of == property);
        found.map_or_else(String::new, |(_, command)| command.clone())
    }
}

#[cfg(test)]
mod tests;
