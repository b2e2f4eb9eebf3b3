//! `plimsoll list`: the embedded library, and the names of subjects, properties, faults and rare
//! things.

use crate::args::ListArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::library;
use crate::outcome::Outcome;
use crate::render::human::abbreviation;
use plimsoll_oracle::{Property, Sometimes, Word};
use plimsoll_scenarios::Subject;
use plimsoll_scenarios::scenario::FaultName;

/// Runs `plimsoll list`.
///
/// # Errors
/// Where an embedded scenario has a mistake.
pub(crate) fn list(args: &ListArgs) -> Result<Outcome, CliError> {
    let text = if args.subjects {
        words::<Subject>()
    } else if args.properties {
        properties()
    } else if args.faults {
        words::<FaultName>()
    } else if args.sometimes {
        words::<Sometimes>()
    } else {
        scenarios()?
    };
    Ok(Outcome::new(text, Exit::Met))
}

/// Lists the library, folder by folder, with a mark on scenarios that are quick enough for a real
/// cluster.
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

/// Lists each word of a type, and what it means.
fn words<T: Word>() -> String {
    let rows: Vec<_> = T::ALL
        .iter()
        .map(|value| (value.word(), value.description()))
        .collect();
    columns(&rows)
}

/// Lists each property, its heading in the table of `plimsoll run`, and what it promises.
fn properties() -> String {
    let rows: Vec<_> = Property::ALL
        .iter()
        .map(|&property| {
            let heading = format!("{:<27}  {:<7}", property.word(), abbreviation(property));
            (heading, property.description())
        })
        .collect();
    let rows: Vec<_> = rows
        .iter()
        .map(|(name, text)| (name.as_str(), *text))
        .collect();
    columns(&rows)
}
