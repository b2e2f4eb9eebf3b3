//! What `plimsoll bench commit-interval` measures. Nothing here depends on the machine: its times
//! are simulated.

use crate::program::{plimsoll, plimsoll_in};
use insta::assert_snapshot;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::sync::LazyLock;

const BENCH: [&str; 6] = [
    "bench",
    "commit-interval",
    "--intervals",
    "record,5s,90s",
    "--seeds",
    "40",
];

/// A load whose records come ten times as fast as the usual ones, under few seeds.
const FAST: [&str; 10] = [
    "--rate",
    "40/s",
    "--partitions",
    "12",
    "--members",
    "4",
    "--handler",
    "1..5ms",
    "--seeds",
    "10",
];

/// Returns the command line of the bench with these arguments.
fn bench<'a>(arguments: &[&[&'a str]]) -> Vec<&'a str> {
    let mut command = BENCH[..2].to_vec();
    command.extend(arguments.iter().copied().flatten());
    command
}

fn intervals(report: &Value) -> Vec<Value> {
    report["intervals"].as_array().expect("a list").clone()
}

/// Returns what is measured of each interval, once for all tests.
fn measured() -> &'static [Value] {
    static MEASURED: LazyLock<Vec<Value>> = LazyLock::new(|| {
        let ended = plimsoll(&[&BENCH[..], &["--format", "json"]].concat());
        assert_eq!(ended.code, 0, "{}", ended.transcript());
        intervals(&ended.json())
    });
    &MEASURED
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
fn outages_do_not_lengthen_the_delays_of_healthy_time() {
    for row in measured() {
        let (healthy, outage) = (&row["delay_healthy_seconds"], &row["delay_outage_seconds"]);
        assert!(
            number(&healthy["count"]) > number(&outage["count"]),
            "{row:#}"
        );
        assert!(number(&healthy["p99"]) < 0.2, "{row:#}");
        assert!(number(&outage["p99"]) > 1.0, "{row:#}");
    }
}

#[test]
fn the_table_is_printed_for_spreadsheets() {
    let csv = plimsoll(&[&BENCH[..], &["--format", "csv"]].concat()).stdout;
    let columns: Vec<usize> = csv.lines().map(|line| line.split(',').count()).collect();
    assert_eq!(columns, [columns[0]; 4]);
}

#[test]
fn a_wish_is_answered_with_an_interval() {
    let ended = plimsoll(&bench(&[&FAST, &["--max-duplicates", "50"]]));
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    assert_snapshot!(ended.stdout);
}

#[test]
fn a_scenario_gets_other_commit_settings_and_without_a_wish_a_hint() {
    let ended = plimsoll(&bench(&[&["crash/consumer-killed", "--seeds", "10"]]));
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    assert_snapshot!(ended.stdout);
}

#[test]
fn a_wish_that_no_interval_keeps_to_says_what_to_change() {
    let none = |arguments: &[&str]| {
        let ended = plimsoll(&bench(&[&FAST, arguments, &["-q"]]));
        assert_eq!(ended.code, 10, "{}", ended.transcript());
        ended.stdout
    };
    assert_snapshot!(none(&["--max-duplicates", "12", "--intervals", "5s,30s"]));
    assert_snapshot!(none(&["--max-duplicates", "0", "--intervals", "record,1s"]));
    let calm = [
        "quick/member-joins",
        "--max-duplicates",
        "5",
        "--seeds",
        "2",
        "-q",
    ];
    let ended = plimsoll(&bench(&[&calm]));
    assert_eq!(ended.code, 10, "{}", ended.transcript());
    assert_snapshot!(ended.stdout);
}

#[test]
fn a_group_that_does_not_keep_up_is_told() {
    let load = ["--rate", "60/s", "--partitions", "2", "--handler", "50ms"];
    let few = ["--intervals", "1s", "--seeds", "2", "-q"];
    let ended = plimsoll(&bench(&[&load, &few]));
    assert_snapshot!(ended.stdout);
}

#[test]
fn what_makes_no_load_is_a_mistake() {
    let mistakes: [&[&str]; 9] = [
        &["--rate", "fast"],
        &["--rate", "0/s"],
        &["--handler", "50ms..5ms"],
        &["--partitions", "0"],
        &["--ordering", "keys"],
        &["--rate", "100000/s"],
        &["quick/member-killed", "--rate", "5/s", "--keys", "3"],
        &["quick/member-kill"],
        &["--plot", "scenario.toml"],
    ];
    let told = mistakes.map(|arguments| {
        let ended = plimsoll(&bench(&[arguments]));
        assert_eq!(ended.code, 2, "{}", ended.transcript());
        format!("$ {}\n{}\n", arguments.join(" "), ended.stderr)
    });
    assert_snapshot!(told.concat());
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let with_jobs = |jobs: &str| {
        let load = [&FAST[..8], &["--seeds", "6", "--max-duplicates", "30"]].concat();
        let human = plimsoll(&bench(&[&load, &["--jobs", jobs]])).stdout;
        let ended = plimsoll(&bench(&[&load, &["--jobs", jobs, "--format", "json"]]));
        let mut report = ended.json();
        report["timing"] = Value::Null;
        (human, report)
    };
    assert_eq!(with_jobs("1"), with_jobs("3"));
}

#[test]
fn nothing_is_wider_than_80_columns() {
    for arguments in [
        &["--seeds", "12", "-v"][..],
        &["quick/topic-grows", "--seeds", "1"],
    ] {
        for line in plimsoll(&bench(&[arguments])).stdout.lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}

#[test]
fn colours_come_where_they_are_asked_for() {
    let load = ["quick/member-killed", "--seeds", "1", "--intervals", "1s"];
    let coloured = |when| {
        let ended = plimsoll(&bench(&[&load, &["--color", when]]));
        ended.stdout.contains('\u{1b}')
    };
    assert!(coloured("always"));
    assert!(!coloured("auto"), "it is no terminal");
}

/// One crash in a minute, for which the intervals are chosen.
const ONE_CRASH: &str = "
duration = \"60s\"

[[topics]]
name = \"orders\"
partitions = 6

[workload]
messages = 1100
rate = \"20/s\"

[consumers]
members = 3

[handler]
time = \"1ms..5ms\"

[[faults]]
at = \"40s\"
do = \"crash\"
member = \"owner of orders-0\"
for = \"5s\"
";

/// Counts what takes effect twice in the trace that `plimsoll run` writes: the bench has no part in
/// it. Half of the seeds are others than those that were measured.
#[test]
fn a_run_at_the_recommended_interval_keeps_to_the_wish() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("load.toml");
    fs::write(&file, ONE_CRASH).expect("it is written");
    let wish = [
        "--max-duplicates",
        "40",
        "--seeds",
        "10",
        "--format",
        "json",
    ];
    let ended = plimsoll_in(folder.path(), &bench(&[&["load.toml"], &wish]));
    let report = ended.json();
    let interval = number(&report["recommended_interval_seconds"]);
    assert!((1.0..15.0).contains(&interval), "{report:#}");
    let mut worst = 0;
    for seed in 5..15u64 {
        let commit = format!("[consumers]\ncommit = \"{interval}s\"");
        let text = ONE_CRASH.replace("[consumers]", &commit);
        fs::write(&file, text).expect("it is written");
        let seeds = format!("{seed}..{}", seed + 1);
        let run = ["run", "load.toml", "--seeds", &seeds];
        let run = [&run[..], &["--trace", "trace.jsonl", "-q"]].concat();
        let ended = plimsoll_in(folder.path(), &run);
        assert_eq!(ended.code, 0, "{}", ended.transcript());
        worst = worst.max(repeated(&folder.path().join("trace.jsonl")));
    }
    assert!((1..=40).contains(&worst), "{worst}");
}

/// Counts the records that took effect again in a trace.
fn repeated(trace: &std::path::Path) -> usize {
    let text = fs::read_to_string(trace).expect("it is written");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("each line is a JSON document"));
    let effects = lines.filter(|entry| entry["event"] == "effect");
    let places: Vec<String> = effects
        .map(|entry| format!("{}@{}", entry["partition"], entry["offset"]))
        .collect();
    let different: BTreeSet<&String> = places.iter().collect();
    places.len() - different.len()
}

#[test]
fn a_picture_is_whole_and_nothing_in_it_is_markup() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("a<b>&.toml"), ONE_CRASH).expect("it is written");
    let plot = ["--plot", "pictures/plot.svg", "--seeds", "2"];
    let ended = plimsoll_in(folder.path(), &bench(&[&["a<b>&.toml"], &plot]));
    assert!(
        ended
            .stdout
            .ends_with("Picture written to pictures/plot.svg.\n"),
        "{}",
        ended.transcript()
    );
    let svg = fs::read_to_string(folder.path().join("pictures/plot.svg")).expect("a file");
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    assert!(svg.ends_with("</svg>\n") && svg.contains("a&lt;b&gt;&amp;.toml"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
}
