//! The table of `plimsoll bench commit-interval`.

use super::formula::STATEMENT;
use super::summary::{Row, Spread};
use super::throughput::{RECORD_BYTES, RECORDS, ROUNDS};
use crate::args::{Interval, SeedRange};
use crate::render::{Table, json as document, thousands};
use crate::report::Timing;
use plimsoll_oracle::Word;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Renders the tables for people: what an interval costs, and what it spares.
pub(super) fn human(rows: &[Row], seeds: SeedRange, interrupted: bool) -> String {
    let schedules = rows.iter().map(|row| row.schedules).max().unwrap_or(0);
    let mut text = format!(
        "{} schedules for each interval, seeds {}..{}.\n\n{}\n{}\n{STATEMENT}\n",
        thousands(schedules),
        seeds.from,
        seeds.to,
        costs(rows).to_text(),
        duplicates(rows).to_text(),
    );
    if rows.iter().any(|row| row.throughput.is_some()) {
        text += &format!(
            "Records a second: the rate at which a consumer with an empty handler catches up on {} \
             records of\n{RECORD_BYTES} bytes; the median of {ROUNDS} rounds.\n",
            thousands(u64::from(RECORDS)),
        );
    }
    for row in rows {
        text += &remarks(row);
    }
    if interrupted {
        text += "\nInterrupted: the tables cover what ran.\n";
    }
    text
}

/// Tabulates the commits of a schedule, and the delay from the producer's acknowledgement to the
/// first effect.
fn costs(rows: &[Row]) -> Table {
    let mut heading = vec![
        "commit interval",
        "commits sent",
        "for each message",
        "delay to effect: mean",
        "p99",
        "records lost",
    ];
    let with_throughput = rows.iter().any(|row| row.throughput.is_some());
    heading.extend(with_throughput.then_some("records a second"));
    let mut table = Table::new(heading.into_iter().map(String::from).collect());
    for row in rows {
        let mut cells = vec![
            name(row.interval),
            format!("{:.1}", row.commits),
            format!("{:.3}", row.commits_per_message),
            format!("{:.1} ms", row.delay.mean * 1e3),
            format!("{:.1} ms", row.delay.p99 * 1e3),
            row.lost.to_string(),
        ];
        if with_throughput {
            let rate = row.throughput.map(|rate| thousands(rate as u64));
            cells.push(rate.unwrap_or_else(|| "-".into()));
        }
        table.row(cells);
    }
    table
}

/// Tabulates crashes, graceful stops and rebalances, and the records that each repeated; a
/// rebalance counts once for each member that it takes partitions from.
fn duplicates(rows: &[Row]) -> Table {
    let mut table = table([
        "duplicates",
        "crashes",
        "mean",
        "p99",
        "max",
        "predicted mean",
        "max",
        "stops",
        "mean",
        "p99",
        "max",
        "rebalances",
        "mean",
        "p99",
        "max",
    ]);
    for row in rows {
        let mut cells = vec![name(row.interval)];
        cells.extend(spread(&row.crash));
        cells.push(format!("{:.2}", row.predicted.mean));
        cells.push(format!("{:.1}", row.predicted.max));
        cells.extend(spread(&row.stop));
        cells.extend(spread(&row.rebalance));
        table.row(cells);
    }
    table
}

fn table<const COLUMNS: usize>(heading: [&str; COLUMNS]) -> Table {
    Table::new(heading.map(String::from).to_vec())
}

fn spread(spread: &Spread) -> [String; 4] {
    [
        thousands(spread.count as u64),
        format!("{:.2}", spread.mean),
        spread.p99.to_string(),
        spread.max.to_string(),
    ]
}

/// Tells what should not be there: violations, and repetitions without a cause.
fn remarks(row: &Row) -> String {
    let mut text = String::new();
    let interval = name(row.interval);
    for (property, seed) in &row.violations {
        text += &format!("\n{interval}: {property} violated, first with seed {seed}.\n");
    }
    if row.unexplained > 0 {
        text += &format!(
            "\n{interval}: {} effects were repeated although nothing was taken from their owner.\n",
            row.unexplained
        );
    }
    text
}

fn name(interval: Interval) -> String {
    match interval {
        Interval::EveryRecord => "every record".into(),
        Interval::Every(interval) => format!("{interval:?}"),
    }
}

const CSV_HEADING: &str = "interval_seconds,schedules,commits,commits_per_message,\
delay_mean_seconds,delay_p99_seconds,\
crashes,crash_duplicates_mean,crash_duplicates_p99,crash_duplicates_max,\
crash_predicted_mean,crash_predicted_max,\
stops,stop_duplicates_mean,stop_duplicates_p99,stop_duplicates_max,\
rebalances,rebalance_duplicates_mean,rebalance_duplicates_p99,rebalance_duplicates_max,lost,\
records_per_second\n";

/// Renders the table for spreadsheets; an interval of 0 stands for every record. The records a
/// second are empty, except on real Kafka.
pub(super) fn csv(rows: &[Row]) -> String {
    let mut text = CSV_HEADING.to_owned();
    for row in rows {
        let spread = |spread: &Spread| {
            format!(
                "{},{},{},{}",
                spread.count, spread.mean, spread.p99, spread.max
            )
        };
        writeln!(
            text,
            "{},{},{},{},{},{},{},{},{},{},{},{},{}",
            seconds(row.interval),
            row.schedules,
            row.commits,
            row.commits_per_message,
            row.delay.mean,
            row.delay.p99,
            spread(&row.crash),
            row.predicted.mean,
            row.predicted.max,
            spread(&row.stop),
            spread(&row.rebalance),
            row.lost,
            row.throughput
                .map(|rate| rate.to_string())
                .unwrap_or_default(),
        )
        .expect("writing to a string");
    }
    text
}

fn seconds(interval: Interval) -> f64 {
    match interval {
        Interval::EveryRecord => 0.0,
        Interval::Every(interval) => interval.as_secs_f64(),
    }
}

/// Renders the table for programs.
pub(super) fn json(rows: &[Row], timing: &Timing) -> String {
    let schedules = rows.iter().map(|row| row.schedules).sum();
    document::to_text(&Document {
        version: 1,
        formula: STATEMENT,
        intervals: rows.iter().map(IntervalEntry::of).collect(),
        timing: document::Timing::of(timing, schedules),
    })
}

#[derive(Serialize)]
struct Document {
    version: u32,
    formula: &'static str,
    intervals: Vec<IntervalEntry>,
    timing: document::Timing,
}

#[derive(Serialize)]
struct IntervalEntry {
    /// The interval; 0 stands for every record.
    interval_seconds: f64,
    schedules: u64,
    commits_mean: f64,
    commits_per_message: f64,
    delay_seconds: Spread,
    duplicates_after_crash: Spread,
    predicted_after_crash_mean: f64,
    predicted_after_crash_max: f64,
    duplicates_after_stop: Spread,
    duplicates_after_rebalance: Spread,
    duplicates_unexplained: u64,
    lost: u64,
    /// The rate of a consumer that catches up with an empty handler; `null`, except on real
    /// Kafka.
    records_per_second: Option<f64>,
    /// The lowest seed that violated each property.
    violations: BTreeMap<&'static str, u64>,
}

impl IntervalEntry {
    fn of(row: &Row) -> Self {
        let violations = row.violations.iter();
        Self {
            interval_seconds: seconds(row.interval),
            schedules: row.schedules,
            commits_mean: row.commits,
            commits_per_message: row.commits_per_message,
            delay_seconds: row.delay,
            duplicates_after_crash: row.crash,
            predicted_after_crash_mean: row.predicted.mean,
            predicted_after_crash_max: row.predicted.max,
            duplicates_after_stop: row.stop,
            duplicates_after_rebalance: row.rebalance,
            duplicates_unexplained: row.unexplained,
            lost: row.lost,
            records_per_second: row.throughput,
            violations: violations
                .map(|(property, seed)| (property.word(), *seed))
                .collect(),
        }
    }
}
