//! The report for programs.
//!
//! `version` rises when a field changes its meaning or goes away. Of the simulator, all but
//! `timing` is the same for the same arguments.

use super::super::formula::STATEMENT;
use super::super::report::Report;
use super::super::summary::{Row, Spread};
use crate::render::json as document;
use plimsoll_oracle::Word;
use serde::Serialize;
use std::collections::BTreeMap;

/// Renders the report for programs.
pub(in super::super) fn json(report: &Report) -> String {
    let schedules = report.rows.iter().map(|row| row.schedules).sum();
    document::to_text(&Document {
        version: 2,
        scenario: &report.load.label,
        load: report.load.description.as_deref(),
        interrupted: report.interrupted,
        max_duplicates: report.wish,
        recommended_interval_seconds: report
            .recommended()
            .map(|row| row.interval.time().as_secs_f64()),
        formula: STATEMENT,
        intervals: report.rows.iter().map(IntervalEntry::of).collect(),
        timing: document::Timing::of(&report.timing, schedules),
    })
}

#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    scenario: &'a str,
    /// The load in words; `null`: it is the scenario's own.
    load: Option<&'a str>,
    interrupted: bool,
    /// The number of records that one crash may repeat, where there is such a wish.
    max_duplicates: Option<u32>,
    /// The longest interval that keeps to the wish, 0 for every record; `null`: none does, or there
    /// is no wish.
    recommended_interval_seconds: Option<f64>,
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
    commits_per_second: f64,
    commits_per_message: f64,
    /// The delays of messages that waited in healthy time.
    delay_healthy_seconds: Spread,
    /// The delays of messages that waited through an outage.
    delay_outage_seconds: Spread,
    duplicates_after_crash: Spread,
    predicted_after_crash_mean: f64,
    predicted_after_crash_max: f64,
    /// The most that a crash repeated, or may repeat by the formula: what a wish is held against.
    worst_after_crash: f64,
    duplicates_after_stop: Spread,
    duplicates_after_rebalance: Spread,
    duplicates_unexplained: u64,
    lost: u64,
    /// The rate at which a backlog is worked off: by the group, in the model; on real Kafka by a
    /// consumer with an empty handler.
    records_per_second: Option<f64>,
    /// The lowest seed that violated each property.
    violations: BTreeMap<&'static str, u64>,
}

impl IntervalEntry {
    fn of(row: &Row) -> Self {
        let violations = row.violations.iter();
        Self {
            interval_seconds: row.interval.time().as_secs_f64(),
            schedules: row.schedules,
            commits_mean: row.commits,
            commits_per_second: row.commits_per_second,
            commits_per_message: row.commits_per_message,
            delay_healthy_seconds: row.healthy,
            delay_outage_seconds: row.outage,
            duplicates_after_crash: row.crash,
            predicted_after_crash_mean: row.predicted.mean,
            predicted_after_crash_max: row.predicted.max,
            worst_after_crash: row.worst(),
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
