//! The files that `--report DIR` writes: the report for programs, CI servers and viewers.

use super::{html, json, junit, markdown, perfetto};
use crate::conviction::{Conviction, Evidence};
use crate::error::CliError;
use crate::files;
use crate::report::Report;
use plimsoll_oracle::{Property, Word};
use std::path::Path;

/// What makes the text of a file.
type Text = fn(&Report) -> String;

/// The name of each file that every report has, and what makes its text.
const FILES: &[(&str, Text)] = &[
    ("report.json", json::report),
    ("report.html", html::report),
    ("report.md", markdown::report),
    ("report.xml", junit::report),
];

/// What the names of the runs that show bugs begin and end with.
const RUN: (&str, &str) = ("bug-", ".perfetto.json");

/// Tries whether the files can be written into a folder, before anything runs.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn check(folder: &Path) -> Result<(), CliError> {
    FILES
        .iter()
        .try_for_each(|(name, _)| files::check(&folder.join(name)))
}

/// Writes the files of a report into a folder, in place of those of an earlier one.
///
/// # Errors
/// Where the file system refuses.
pub(crate) fn write(folder: &Path, report: &Report) -> Result<(), CliError> {
    let (first, last) = RUN;
    // Those of an earlier report would pass for runs of this one.
    files::remove(folder, |name| {
        name.starts_with(first) && name.ends_with(last)
    })?;
    for (name, text) in FILES {
        files::write(&folder.join(name), &text(report))?;
    }
    for (number, bug) in (1..).zip(report.bugs()) {
        for (what, text) in runs(bug.conviction) {
            let name = format!("{first}{number}-{what}{last}");
            files::write(&folder.join(name), &text)?;
        }
    }
    Ok(())
}

/// Returns the runs that show a bug, each with what it shows: the bug itself, and what a crash more
/// makes of it.
fn runs(conviction: &Conviction) -> Vec<(&'static str, String)> {
    let property = conviction.property;
    match &conviction.evidence {
        Evidence::NotShrunk(_) => Vec::new(),
        Evidence::Seen(seen) => {
            let trace = perfetto::trace(&seen.recording, property, &seen.violation);
            vec![(property.word(), trace)]
        }
        Evidence::Shrunk(shrunk) => {
            let trace = perfetto::trace(&shrunk.recording, property, &shrunk.violation);
            let death = shrunk.death.as_ref().map(|death| {
                let lost = Property::NoLoss;
                let trace = perfetto::trace(&death.recording, lost, &death.violation);
                ("with-a-crash", trace)
            });
            [(property.word(), trace)]
                .into_iter()
                .chain(death)
                .collect()
        }
    }
}
