//! The table for spreadsheets.

use super::super::report::Report;
use super::super::summary::{Row, Spread};
use std::fmt::Write as _;

const HEADING: &str = "interval_seconds,schedules,commits,commits_per_second,commits_per_message,\
delay_healthy_mean_seconds,delay_healthy_p99_seconds,\
delay_outage_mean_seconds,delay_outage_p99_seconds,\
crashes,crash_duplicates_mean,crash_duplicates_p99,crash_duplicates_max,\
crash_predicted_mean,crash_predicted_max,\
stops,stop_duplicates_mean,stop_duplicates_p99,stop_duplicates_max,\
rebalances,rebalance_duplicates_mean,rebalance_duplicates_p99,rebalance_duplicates_max,lost,\
records_per_second\n";

/// Renders the table for spreadsheets; an interval of 0 stands for every record. The records a
/// second are those of the model, or of real Kafka.
pub(in super::super) fn csv(report: &Report) -> String {
    let mut text = HEADING.to_owned();
    for row in &report.rows {
        line(&mut text, row);
    }
    text
}

fn line(text: &mut String, row: &Row) {
    let spread = |spread: &Spread| {
        format!(
            "{},{},{},{}",
            spread.count, spread.mean, spread.p99, spread.max
        )
    };
    let delay = |delay: &Spread| format!("{},{}", delay.mean, delay.p99);
    let throughput = row.throughput.map(|rate| rate.to_string());
    writeln!(
        text,
        "{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
        row.interval.time().as_secs_f64(),
        row.schedules,
        row.commits,
        row.commits_per_second,
        row.commits_per_message,
        delay(&row.healthy),
        delay(&row.outage),
        spread(&row.crash),
        row.predicted.mean,
        row.predicted.max,
        spread(&row.stop),
        spread(&row.rebalance),
        row.lost,
        throughput.unwrap_or_default(),
    )
    .expect("writing to a string");
}
