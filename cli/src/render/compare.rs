//! The table of `plimsoll compare`: a row for each scenario, a column for each place.

use super::counted;
use super::page::{BAD, DOUBTFUL, FAINT, GOOD, Page, columns, padded, padded_left, styled};
use crate::compare::{Cell, Column, Comparison, Finding, Promise, Row, Said};
use crate::exit::Exit;
use crate::terminal::{Detail, Look};
use plimsoll_oracle::Word;

/// Renders the comparison as text.
pub(crate) fn comparison(comparison: &Comparison, look: Look) -> String {
    let mut page = Page::new(look.width());
    if look.detail != Detail::Quiet {
        table(&mut page, comparison);
        notes(&mut page, comparison);
    }
    differences(&mut page, comparison);
    page.gap();
    conclusion(&mut page, comparison);
    page.into_text()
}

/// The widths of the table, in columns.
struct Widths {
    /// The first column, behind its mark.
    label: usize,
    /// The columns of the places.
    places: Vec<usize>,
}

impl Widths {
    /// Makes those in which a table of this width has room for every cell; labels that are longer
    /// than what is left have a line of their own.
    fn of(comparison: &Comparison, width: usize) -> Self {
        let places = comparison
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let cells = comparison.rows.iter().flat_map(|row| {
                    let promises = row.promises.iter().filter(|promise| is_broken(promise));
                    let promises = promises.map(move |promise| in_short(promise.said[index]));
                    promises.chain([cell(row.cells[index])])
                });
                let cells = cells.chain(foot(column).map(|(_, cell)| cell));
                let widest = cells.map(|cell| columns(&cell)).max().unwrap_or(0);
                widest.max(column.name.word().len()) + 1
            });
        let places: Vec<usize> = places.collect();
        let left = width.saturating_sub(places.iter().sum::<usize>() + "✗ ".chars().count());
        let labels = comparison.rows.iter().map(|row| columns(&row.label));
        let label = labels.max().unwrap_or(0).max("tried again".len());
        Self {
            label: label.min(left),
            places,
        }
    }

    /// Adds a line.
    fn line(&self, page: &mut Page, mark: &str, label: &str, cells: &[String]) {
        let cells = cells.iter().zip(&self.places);
        let cells = cells.map(|(cell, width)| padded_left(cell, *width));
        let cells: String = cells.collect();
        if columns(label) <= self.label {
            page.line(&format!("{mark} {}{cells}", padded(label, self.label)));
        } else {
            page.line(&format!("{mark} {label}"));
            page.line(&format!("  {}{cells}", padded("", self.label)));
        }
    }
}

fn table(page: &mut Page, comparison: &Comparison) {
    let widths = Widths::of(comparison, page.width());
    let places = comparison.columns.iter();
    let names: Vec<String> = places.map(|column| column.name.word().to_owned()).collect();
    widths.line(page, " ", "scenario", &names);
    for row in &comparison.rows {
        let cells: Vec<String> = row.cells.iter().map(|said| cell(*said)).collect();
        widths.line(page, &mark(finding(row)), &row.label, &cells);
        for promise in row.promises.iter().filter(|promise| is_broken(promise)) {
            let cells: Vec<String> = promise.said.iter().map(|said| in_short(*said)).collect();
            let label = format!("  {} {}", mark(promise.finding), promise.property);
            widths.line(page, " ", &label, &cells);
        }
    }
    page.gap();
    let feet = comparison
        .columns
        .iter()
        .map(|column| foot(column).to_vec());
    let feet: Vec<Vec<(&str, String)>> = feet.collect();
    let lines = feet.first().map_or(0, Vec::len);
    for line in 0..lines {
        let cells: Vec<String> = feet.iter().map(|foot| foot[line].1.clone()).collect();
        widths.line(page, " ", feet[0][line].0, &cells);
    }
}

/// Returns what a row comes to: what only some promises could not show is told in the sum alone.
fn finding(row: &Row) -> Finding {
    let findings = row.promises.iter().map(|promise| promise.finding);
    let told = findings.filter(|finding| *finding != Finding::NotObserved);
    told.max().unwrap_or(Finding::NotObserved)
}

fn mark(finding: Finding) -> String {
    match finding {
        Finding::Agrees => styled(GOOD, "✓"),
        Finding::NotObserved => styled(FAINT, "-"),
        Finding::TooFewSeeds => styled(DOUBTFUL, "?"),
        Finding::Differs => styled(BAD, "✗"),
    }
}

/// Returns whether a run of any place broke a promise.
fn is_broken(promise: &Promise) -> bool {
    let mut said = promise.said.iter().flatten();
    said.any(|said| said.count.violated > 0)
}

fn cell(cell: Cell) -> String {
    match cell {
        Cell::NotRun => "not run".into(),
        Cell::NoVerdict => "unjudged".into(),
        Cell::Held => "held".into(),
        Cell::Broken(promises) => format!("{promises} broken"),
    }
}

/// Writes how many runs broke a promise, of how many that could show it.
fn in_short(said: Option<Said>) -> String {
    match said {
        Some(said) if said.observed() > 0 => format!("{}/{}", said.count.violated, said.observed()),
        _ => "-".into(),
    }
}

/// Returns what the lines below the table say of a place.
fn foot(column: &Column) -> [(&'static str, String); 3] {
    [
        ("seeds", column.seeds.to_string()),
        ("tried again", column.disturbed().to_string()),
        ("took", format!("{:.0} s", column.took.as_secs_f64())),
    ]
}

/// Adds what the table does not say: what its cells mean, what was not run, and why.
fn notes(page: &mut Page, comparison: &Comparison) {
    page.gap();
    let legend = "2/9: broken in 2 of the 9 runs that could show it; ✗ differs, ? too few seeds to \
                  tell, - not observed in some place. Differs: real processes break what the \
                  simulator never does, or chance puts all that break it in one place in less \
                  than 5 % of cases (Fisher's exact test). Tried again, or unjudged: the machine disturbed it.";
    page.paragraph("", &styled(FAINT, legend));
    for (place, why) in &comparison.left_out {
        page.paragraph("  - ", &format!("{}: {why}", place.word()));
    }
    for column in &comparison.columns {
        let place = column.name.word();
        if let Some(error) = &column.failed {
            page.paragraph("  - ", &format!("{place}: {error}"));
        }
        for entry in &column.not_executed {
            page.paragraph("  - ", &format!("{place}: {entry}"));
        }
        for (label, seed, error) in column.broken() {
            page.paragraph("  - ", &format!("{place}: {label}, seed {seed}: {error}"));
        }
    }
}

fn differences(page: &mut Page, comparison: &Comparison) {
    for difference in &comparison.differences {
        let (label, property) = (&difference.label, difference.property);
        page.gap();
        page.paragraph(
            &format!("{} ", styled(BAD, "✗")),
            &format!("{label}: {} differs.", property.word()),
        );
        page.line(&format!("  Again with: {}", difference.again));
    }
}

fn conclusion(page: &mut Page, comparison: &Comparison) {
    if comparison.interrupted {
        page.line("Interrupted: the table covers what ran.");
    }
    let count = |finding| comparison.count(finding);
    let all = comparison.rows.iter().map(|row| row.promises.len() as u64);
    let sum = format!(
        "{} in {}: {} agree, {} not observed in some place, {} with too few seeds to tell, {} \
         differ.",
        counted(all.sum(), "promise"),
        counted(comparison.rows.len() as u64, "scenario"),
        count(Finding::Agrees),
        count(Finding::NotObserved),
        count(Finding::TooFewSeeds),
        count(Finding::Differs),
    );
    let style = match comparison.exit() {
        Exit::Met => GOOD,
        Exit::Interrupted => DOUBTFUL,
        _ => BAD,
    };
    page.paragraph("", &styled(style, &sum));
}
