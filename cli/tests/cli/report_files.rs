//! The files of `--report DIR`, as the programs that read them meet them.

use crate::program::{Ended, plimsoll_in};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Runs a scenario that fails, and has its report written into the folder `report`.
fn run(folder: &Path, more: &[&str]) -> Ended {
    let scenario = ["run", "crash/consumer-killed", "--seeds", "1"];
    let subject = ["--subject", "sarama-auto-mark", "--report", "report"];
    plimsoll_in(folder, &[&scenario[..], &subject[..], more].concat())
}

fn read(folder: &Path, name: &str) -> String {
    let path = folder.join("report").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns a document without what depends on the machine.
fn without_timing(document: &str) -> Value {
    let mut document: Value = serde_json::from_str(document).expect("it is JSON");
    let fields = document.as_object_mut().expect("an object");
    assert!(fields.remove("timing").is_some());
    document
}

#[test]
fn a_report_is_written_beside_the_one_on_the_screen() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = run(folder.path(), &[]);
    assert_eq!(ended.code, 10, "{}", ended.transcript());
    let last: Vec<&str> = ended.stdout.lines().rev().take(2).collect();
    assert_eq!(
        last,
        ["1 of 1 scenario failed.", "Report written to report."]
    );
    let printed = run(folder.path(), &["--format", "json"]);
    assert_eq!(
        without_timing(&read(folder.path(), "report.json")),
        without_timing(&printed.stdout)
    );
}

#[test]
fn a_report_replaces_an_earlier_one_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = folder.path().join("report");
    fs::create_dir(&report).expect("a folder");
    for name in ["report.json", "notes.txt"] {
        fs::write(report.join(name), "mine\n").expect("it is written");
    }
    run(folder.path(), &[]);
    without_timing(&read(folder.path(), "report.json"));
    assert_eq!(read(folder.path(), "notes.txt"), "mine\n");
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_before_the_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("report"), "a file\n").expect("it is written");
    let ended = run(folder.path(), &[]);
    assert_eq!(ended.code, 3, "{}", ended.transcript());
    assert_eq!(ended.stdout, "");
    assert!(
        ended.stderr.contains("cannot write report/report.json"),
        "{}",
        ended.stderr
    );
}

/// Each event says what it is and whom it is about, in the words of a trace and in a sentence.
#[test]
fn the_timeline_of_a_conviction_is_events() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(folder.path(), &[]);
    let report = without_timing(&read(folder.path(), "report.json"));
    let shrunk = &report["scenarios"][0]["failures"][0]["shrunk"];
    assert_eq!(shrunk["names"]["topics"][0]["name"], "orders");
    let timeline = shrunk["timeline"].as_array().expect("a list");
    let is = |event: &&Value, what: &str| event["event"] == what;
    let committed = timeline.iter().find(|event| is(event, "committed"));
    let committed = committed.expect("a commit");
    assert_eq!(committed["topic"], 0, "{committed:#}");
    assert!(committed["at_ns"].is_u64(), "{committed:#}");
    assert!(committed["next"].is_u64(), "{committed:#}");
    let member = committed["member"].as_u64().expect("a member") as usize;
    assert_eq!(committed["actor"], shrunk["names"]["members"][member]);
    let marked = timeline.iter().filter(|event| event["marked"] == true);
    assert!(marked.count() > 0);
}
