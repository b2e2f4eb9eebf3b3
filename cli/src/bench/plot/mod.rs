//! Duplicates and commits over the interval, as a picture: two panels above one axis, which is
//! logarithmic. A commit after every record stands apart at its left end: it has no length.

mod scale;

use super::render::name;
use super::report::Report;
use super::summary::Row;
use crate::render::html::Element;
use crate::render::{number, thousands};
use scale::{Across, Up};

const TITLE: &str = "What a commit interval costs";

/// The size of the picture.
const SIZE: (f64, f64) = (760.0, 600.0);

/// The left and the right end of the panels.
const SIDES: (f64, f64) = (64.0, 736.0);

/// The top and the bottom of each panel.
const DUPLICATES: (f64, f64) = (146.0, 362.0);
const COMMITS: (f64, f64) = (424.0, 538.0);

/// The widest line of the heading, in letters.
const LETTERS: usize = 100;

/// The width of a letter, roughly.
const LETTER: f64 = 7.0;

const STYLE: &str = "
svg { color-scheme: light dark; --ground: #fff; --ink: #1d2430; --faint: #667085; --grid: #e3e7ee;
  --worst: #b42318; --mean: #175cd3; --commits: #4a5568; --good: #067647; background: var(--ground);
  max-width: 100%; height: auto;
  font: 13px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { svg { --ground: #14181f; --ink: #e6e9ef; --faint: #98a2b3;
  --grid: #2b323d; --worst: #f97066; --mean: #84adff; --commits: #cbd2dd; --good: #47cd89; } }
text { fill: var(--ink); }
.title { font-size: 16px; font-weight: 600; }
.faint { fill: var(--faint); }
.bold { font-weight: 600; }
.good { fill: var(--good); font-weight: 600; }
.grid { stroke: var(--grid); }
.take { stroke: var(--good); stroke-width: 2; }
.wish { stroke: var(--ink); stroke-dasharray: 2 4; }
.line { fill: none; stroke-width: 2; }
.predicted { stroke-dasharray: 7 4; }
.worst { stroke: var(--worst); }
.mean { stroke: var(--mean); }
.commits { stroke: var(--commits); }
circle { stroke-width: 2; fill: var(--ground); }
.ground { fill: var(--ground); }
";

/// A line of a panel.
struct Series {
    label: &'static str,
    class: &'static str,
    is_predicted: bool,
    value: fn(&Row) -> f64,
}

const OF_CRASHES: [Series; 4] = [
    Series {
        label: "worst, by the formula",
        class: "worst",
        is_predicted: true,
        value: |row| row.predicted.max,
    },
    Series {
        label: "worst, measured",
        class: "worst",
        is_predicted: false,
        value: |row| row.crash.max,
    },
    Series {
        label: "mean, by the formula",
        class: "mean",
        is_predicted: true,
        value: |row| row.predicted.mean,
    },
    Series {
        label: "mean, measured",
        class: "mean",
        is_predicted: false,
        value: |row| row.crash.mean,
    },
];

const OF_COMMITS: Series = Series {
    label: "commits a second",
    class: "commits",
    is_predicted: false,
    value: |row| row.commits_per_second,
};

/// Draws the rows as an SVG file.
pub(super) fn svg(report: &Report) -> String {
    let across = Across::new(&report.rows, SIDES);
    let (duplicates, commits) = (duplicates_up(report), commits_up(report));
    let (width, height) = SIZE;
    let svg = Element::new("svg")
        .with("xmlns", "http://www.w3.org/2000/svg")
        .with("viewBox", format!("0 0 {width} {height}"))
        .with("width", width)
        .with("height", height)
        .with("role", "img")
        .line("title", TITLE)
        .line("desc", described(report))
        .child(Element::new("style").constant(STYLE))
        .child(ground())
        .children(heading(report))
        .children(panel("Records that one crash repeats", &duplicates, 44.0))
        .children(panel("Commits a second, of the group", &commits, 20.0))
        .children(legend())
        .children(recommended(report, &across))
        .children(wish(report, &duplicates));
    let crashes = OF_CRASHES.iter();
    let svg = crashes.fold(svg, |svg, series| {
        svg.children(draw(series, report, &across, &duplicates))
    });
    let svg = svg.children(draw(&OF_COMMITS, report, &across, &commits));
    format!("{}\n", svg.children(axis(report, &across)))
}

/// Fills the picture, for viewers that know no background.
fn ground() -> Element {
    let ground = Element::new("rect").class("ground");
    ground.with("width", SIZE.0).with("height", SIZE.1)
}

/// Says in words what the picture shows, for readers that do not see it.
fn described(report: &Report) -> String {
    let rows = report.rows.iter().map(told);
    let rows: Vec<String> = rows.collect();
    format!("{}.", rows.join("; "))
}

fn told(row: &Row) -> String {
    format!(
        "{}: a crash repeats {} records in the mean, {} at worst, for {} commits a second",
        name(row.interval),
        number(row.crash.mean),
        number(row.worst()),
        number(row.commits_per_second),
    )
}

fn heading(report: &Report) -> Vec<Element> {
    let load = &report.load;
    let of_what = load.description.as_ref().unwrap_or(&load.label);
    let lines = textwrap::wrap(of_what, LETTERS);
    let mut parts = vec![text(20.0, 30.0, "title", TITLE)];
    for (line, y) in lines.iter().zip([52.0, 70.0]) {
        parts.push(text(20.0, y, "faint", line));
    }
    parts
}

fn text(x: f64, y: f64, class: &'static str, text: &str) -> Element {
    let element = Element::new("text").with("x", x).with("y", y);
    element.class(class).text(text)
}

fn line(class: &str, from: (f64, f64), to: (f64, f64)) -> Element {
    let line = Element::new("line").class(class);
    let line = line.with("x1", from.0).with("y1", from.1);
    line.with("x2", to.0).with("y2", to.1)
}

/// Draws a line through both panels at the interval that is recommended.
fn recommended(report: &Report, across: &Across) -> Vec<Element> {
    let at = report.recommended().map(|row| across.at(row));
    let line = at.map(|x| line("take", (x, DUPLICATES.0), (x, COMMITS.1)));
    line.into_iter().collect()
}

/// Makes the axis of what a crash repeats.
fn duplicates_up(report: &Report) -> Up {
    let rows = report.rows.iter();
    let values = rows.flat_map(|row| OF_CRASHES.iter().map(|series| (series.value)(row)));
    Up::from_zero(values.chain(report.wish.map(f64::from)), DUPLICATES)
}

fn commits_up(report: &Report) -> Up {
    Up::from_least(report.rows.iter().map(OF_COMMITS.value), COMMITS)
}

/// Draws the title of a panel, and a line at each of its numbers.
fn panel(title: &str, up: &Up, above: f64) -> Vec<Element> {
    let mut parts = vec![text(20.0, up.top() - above, "bold", title)];
    for (number, y) in up.ticks() {
        parts.push(line("grid", (SIDES.0, y), (SIDES.1, y)));
        let label = text(SIDES.0 - 8.0, y + 4.0, "faint", &number);
        parts.push(label.with("text-anchor", "end"));
    }
    parts
}

/// Names the lines of the upper panel.
fn legend() -> Vec<Element> {
    let mut x = 20.0;
    let entries = OF_CRASHES.iter().flat_map(|series| {
        let y = DUPLICATES.0 - 22.0;
        let left = x;
        x += 31.0 + LETTER * series.label.len() as f64 + 16.0;
        [
            line(&class(series), (left, y), (left + 26.0, y)),
            text(left + 31.0, y + 4.0, "faint", series.label),
        ]
    });
    entries.collect()
}

/// Draws the number of records that a crash may repeat.
fn wish(report: &Report, up: &Up) -> Vec<Element> {
    let Some(most) = report.wish else {
        return Vec::new();
    };
    let y = up.at(f64::from(most));
    let label = format!("allowed: {}", thousands(most.into()));
    vec![
        line("wish", (SIDES.0, y), (SIDES.1, y)),
        text(SIDES.0 + 6.0, y - 6.0, "bold", &label),
    ]
}

fn class(series: &Series) -> String {
    let predicted = if series.is_predicted {
        " predicted"
    } else {
        ""
    };
    format!("line {}{predicted}", series.class)
}

/// Draws the line of a series, with a mark at each interval where it was measured.
fn draw(series: &Series, report: &Report, across: &Across, up: &Up) -> Vec<Element> {
    let place = |row: &Row| (across.at(row), up.at((series.value)(row)));
    let points = report.rows.iter().map(|row| {
        let (x, y) = place(row);
        format!("{x:.1},{y:.1}")
    });
    let points: Vec<String> = points.collect();
    let curve = Element::new("polyline").class(class(series));
    let mut parts = vec![curve.with("points", points.join(" "))];
    if !series.is_predicted {
        parts.extend(report.rows.iter().map(|row| {
            let (x, y) = place(row);
            let mark = Element::new("circle").class(series.class).with("r", 4);
            let mark = mark.with("cx", format!("{x:.1}"));
            mark.with("cy", format!("{y:.1}")).line("title", told(row))
        }));
    }
    parts
}

/// Names the intervals below both panels: the one that is recommended, and as many of the others as
/// there is room for.
fn axis(report: &Report, across: &Across) -> Vec<Element> {
    let taken = report.recommended();
    let others = report.rows.iter();
    let others = others.filter(|row| Some(row.interval) != taken.map(|taken| taken.interval));
    let mut named: Vec<(f64, f64)> = Vec::new();
    let mut parts = Vec::new();
    for (row, class) in taken
        .map(|row| (row, "good"))
        .into_iter()
        .chain(others.map(|row| (row, "faint")))
    {
        let (x, name) = (across.at(row), name(row.interval));
        let half = LETTER * name.len() as f64 / 2.0;
        if named
            .iter()
            .all(|(other, width)| (x - other).abs() > half + width)
        {
            named.push((x, half));
            let label = text(x, COMMITS.1 + 22.0, class, &name);
            parts.push(label.with("text-anchor", "middle"));
        }
    }
    let title = match taken {
        Some(row) => format!("commit interval; take {}", name(row.interval)),
        None => "commit interval".into(),
    };
    let label = text((SIDES.0 + SIDES.1) / 2.0, COMMITS.1 + 46.0, "bold", &title);
    parts.push(label.with("text-anchor", "middle"));
    parts
}
