//! What `plimsoll bench commit-interval` measures. Nothing here depends on the machine: its times
//! are simulated.

use crate::program::plimsoll;
use serde_json::Value;

const BENCH: [&str; 6] = [
    "bench",
    "commit-interval",
    "--intervals",
    "record,5s,90s",
    "--seeds",
    "40",
];

fn measured() -> Vec<Value> {
    let ended = plimsoll(&[&BENCH[..], &["--format", "json"]].concat());
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    let report = ended.json();
    report["intervals"].as_array().expect("a list").clone()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn longer_intervals_cost_fewer_commits_and_more_duplicates() {
    let rows = measured();
    assert_eq!(rows.len(), 3);
    for pair in rows.windows(2) {
        assert!(number(&pair[0]["commits_mean"]) > number(&pair[1]["commits_mean"]));
        let crash = "duplicates_after_crash";
        assert!(number(&pair[0][crash]["mean"]) < number(&pair[1][crash]["mean"]));
    }
}

#[test]
fn no_interval_loses_anything_and_only_crashes_repeat() {
    for row in measured() {
        assert_eq!(row["lost"], 0, "{row:#}");
        assert!(number(&row["duplicates_after_crash"]["count"]) > 0.0);
        assert!(number(&row["duplicates_after_stop"]["count"]) > 0.0);
        assert!(number(&row["duplicates_after_rebalance"]["count"]) > 0.0);
        assert_eq!(number(&row["duplicates_after_stop"]["max"]), 0.0, "{row:#}");
        assert_eq!(
            number(&row["duplicates_after_rebalance"]["max"]),
            0.0,
            "{row:#}"
        );
        assert_eq!(row["duplicates_unexplained"], 0, "{row:#}");
    }
}

/// Compares the formula, a prediction and no fit, with what is measured: they differ by less than a
/// third, or by less than a record.
#[test]
fn the_formula_predicts_what_is_measured() {
    for row in measured() {
        let mean = number(&row["duplicates_after_crash"]["mean"]);
        let predicted = number(&row["predicted_after_crash_mean"]);
        assert!(
            (mean - predicted).abs() <= (predicted / 3.0).max(1.0),
            "{row:#}"
        );
    }
}

#[test]
fn the_table_is_printed_for_people_and_spreadsheets() {
    let csv = plimsoll(&[&BENCH[..], &["--format", "csv"]].concat()).stdout;
    let columns: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns, [columns[0]; 4]);
    let human = plimsoll(&BENCH).stdout;
    assert!(human.lines().any(|line| line.starts_with("every record ")));
    assert!(human.contains("Predicted: "));
    assert_eq!(
        human,
        plimsoll(&[&BENCH[..], &["--jobs", "1"]].concat()).stdout
    );
}
