//! `plimsoll list`: the embedded library, and the names of subjects, properties, faults and rare
//! things.

use crate::args::ListArgs;
use crate::error::CliError;
use crate::exit::Exit;
use crate::library;
use crate::outcome::Outcome;
use crate::render::page::{self, Page};
use crate::terminal::Look;
use plimsoll_oracle::{Property, Sometimes, Word};
use plimsoll_scenarios::Subject;
use plimsoll_scenarios::scenario::FaultName;

/// Runs `plimsoll list`.
///
/// # Errors
/// Where an embedded scenario has a mistake.
pub(crate) fn list(args: &ListArgs, look: Look) -> Result<Outcome, CliError> {
    let width = look.list_width();
    let text = if args.subjects {
        words::<Subject>(width)
    } else if args.properties {
        words::<Property>(width)
    } else if args.faults {
        words::<FaultName>(width)
    } else if args.sometimes {
        words::<Sometimes>(width)
    } else {
        scenarios(width)?
    };
    Ok(Outcome::new(text, Exit::Met))
}

/// Lists the library, folder by folder, with a mark on scenarios that are quick enough for a real
/// cluster.
fn scenarios(width: usize) -> Result<String, CliError> {
    let library = library::load(&[])?.scenarios;
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
    Ok(columns(&rows, width))
}

/// Lists names beside what they mean, in lines of at most `width` columns.
fn columns(rows: &[(&str, &str)], width: usize) -> String {
    let mut page = Page::new(width);
    let names = rows.iter().map(|(name, _)| page::columns(name));
    let names = names.max().unwrap_or(0);
    for (name, description) in rows {
        page.paragraph(&format!("{}  ", page::padded(name, names)), description);
    }
    page.into_text()
}

/// Lists each word of a type, and what it means.
fn words<T: Word>(width: usize) -> String {
    let rows: Vec<_> = T::ALL
        .iter()
        .map(|value| (value.word(), value.description()))
        .collect();
    columns(&rows, width)
}
