//! `plimsoll list`: the embedded library, and whatever else has a name.

use crate::args::ListArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::render::human::abbreviation;
use crate::{library, output};
use plimsoll_scenarios::scenario::FaultName;
use plimsoll_scenarios::{Property, Sometimes, Subject};

/// Runs `plimsoll list`.
///
/// # Errors
/// Where standard output cannot be written.
pub fn list(args: &ListArgs) -> Result<Exit, CliError> {
    let text = if args.subjects {
        columns(&Subject::ALL.map(|subject| (subject.name(), subject.description())))
    } else if args.properties {
        properties()
    } else if args.faults {
        faults()
    } else if args.sometimes {
        Sometimes::ALL
            .map(|rare| format!("{}\n", rare.name()))
            .concat()
    } else {
        scenarios()?
    };
    output::print(&text)?;
    Ok(Exit::Met)
}

/// The library, folder by folder, with a mark on what is quick enough for a real cluster.
fn scenarios() -> Result<String, CliError> {
    let library = library::load(&[])?;
    let told = library.iter().map(|loaded| {
        let settings = &loaded.scenario.settings;
        let mark = if settings.real_time {
            "[real time] "
        } else {
            ""
        };
        (&loaded.label, format!("{mark}{}", settings.description))
    });
    let told: Vec<(&String, String)> = told.collect();
    let rows: Vec<(&str, &str)> = told
        .iter()
        .map(|(label, told)| (label.as_str(), told.as_str()))
        .collect();
    Ok(columns(&rows))
}

fn columns(rows: &[(&str, &str)]) -> String {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter()
        .map(|(name, description)| {
            format!("{name:<width$}  {description}")
                .trim_end()
                .to_owned()
        })
        .map(|line| line + "\n")
        .collect()
}

/// Each property, its heading in the table of `plimsoll run`, and what it promises.
fn properties() -> String {
    let rows = Property::ALL.map(|property| {
        let heading = format!("{:<27}  {:<7}", property.name(), abbreviation(property));
        (heading, promise(property))
    });
    let rows: Vec<(&str, &str)> = rows
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    columns(&rows)
}

/// What a property promises, in one sentence; its checker's file has the exact statement.
const fn promise(property: Property) -> &'static str {
    match property {
        Property::NoLoss => "every acknowledged record is finished in the group that owes it",
        Property::CommitCoversOnlyFinished => "a commit covers no record that is not finished",
        Property::NoRewind => "a committed offset never decreases",
        Property::NoZombie => "who no longer owns a partition neither commits nor handles it",
        Property::KeyOrder => "a record waits for every earlier record of its key",
        Property::DeadLetterExact => {
            "dead-lettered are the records that cannot be handled, no others"
        }
        Property::BoundedRedelivery => "a record is delivered no oftener than its budget allows",
        Property::BoundedDuplicates => "a disruption repeats at most one commit interval of work",
        Property::Liveness => "once everything is healed, the group catches up in time",
        Property::CleanShutdown => "a graceful stop ends in time and repeats nothing",
        Property::ExactlyOnce => "with transactions, each input has one visible output",
        Property::AckedIsDurable => "the cluster kept what it acknowledged (guards the simulator)",
    }
}

/// The kinds of faults, by the word that `do` takes.
fn faults() -> String {
    let rows: Vec<(&str, &str)> = FaultName::all()
        .map(|name| (name.name(), name.description()))
        .collect();
    columns(&rows)
}
