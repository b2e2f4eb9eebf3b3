//! The library acquits Plimsoll's consumer, and convicts the recipes with failures of a few lines
//! that replay byte for byte.

use crate::program::{plimsoll, plimsoll_in};
use serde_json::Value;
use std::fs;
use std::path::Path;

#[test]
fn plimsoll_is_acquitted_by_the_whole_library() {
    let ended = plimsoll(&[
        "run",
        "--subject",
        "plimsoll",
        "--seeds",
        "100",
        "--format",
        "json",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.failures());
    let report = ended.json();
    let scenarios = report["scenarios"].as_array().expect("a list");
    assert!(scenarios.len() >= 20);
    assert_eq!(report["totals"]["schedules"], 100 * scenarios.len() as u64);
    let rare = report["totals"]["sometimes"]
        .as_object()
        .expect("an object");
    let never: Vec<&String> = rare
        .iter()
        .filter(|(_, count)| **count == 0)
        .map(|(name, _)| name)
        .collect();
    assert!(never.is_empty(), "never happened: {never:?}");
}

#[test]
fn manual_marks_that_are_never_committed_lose_from_newest() {
    convicts(
        "recipes/alarm-ruler-newest",
        "sarama-manual-mark",
        &["no-loss"],
    );
}

#[test]
fn manual_marks_that_are_never_committed_repeat_without_bound_from_oldest() {
    let scenario = "recipes/alarm-ruler-oldest";
    convicts(scenario, "sarama-manual-mark", &["bounded-duplicates"]);
}

#[test]
fn marks_past_a_skipped_failure_lose_it() {
    let scenario = "recipes/alarm-ruler-failing-handler";
    let properties = ["commit-covers-only-finished", "no-loss", "key-order"];
    convicts(scenario, "sarama-auto-mark", &properties);
}

/// `commitSync` commits positions, and a position passes what failed as a mark does.
#[test]
fn commits_of_a_whole_poll_lose_what_failed_in_it() {
    let scenario = "recipes/alarm-ruler-failing-handler";
    let properties = ["commit-covers-only-finished", "no-loss"];
    for subject in ["java-auto-commit", "java-commit-sync"] {
        convicts(scenario, subject, &properties);
    }
}

/// One lost record breaks several properties: they share a schedule, and so a file.
#[test]
fn failures_that_shrink_to_one_trace_share_a_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scenario = "recipes/alarm-ruler-failing-handler";
    let subject = ["--subject", "sarama-auto-mark", "--seeds", "1"];
    let run = [&["run", scenario, "--format", "json"][..], &subject[..]].concat();
    let report = plimsoll_in(folder.path(), &run).json();
    let failures = report["scenarios"][0]["failures"]
        .as_array()
        .expect("a list");
    let shared: Vec<&Value> = failures
        .iter()
        .filter(|failure| !failure["same_as"].is_null())
        .collect();
    assert!(!shared.is_empty(), "{failures:#?}");
    for failure in &shared {
        let first = failures
            .iter()
            .find(|first| first["property"] == failure["same_as"]["property"]);
        let first = first.expect("a failure of this report");
        assert_eq!(failure["same_as"]["scenario"], scenario);
        assert_eq!(first["regression"], failure["regression"]);
    }
    let files = fs::read_dir(folder.path().join("regressions")).expect("the folder was made");
    assert_eq!(files.count(), failures.len() - shared.len());
}

/// A limit ends the search with the smallest schedule so far, and the report says so.
#[test]
fn a_limit_ends_the_search_with_the_smallest_so_far() {
    let scenario = "recipes/alarm-ruler-oldest";
    let run = [
        "run",
        scenario,
        "--subject",
        "sarama-manual-mark",
        "--seeds",
        "1",
    ];
    for (limit, word) in [
        (["--shrink-schedules", "5"], "schedules"),
        (["--shrink-events", "5000"], "events"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let json = [&run[..], &limit[..], &["--format", "json"][..]].concat();
        let report = plimsoll_in(folder.path(), &json).json();
        let failure = &report["scenarios"][0]["failures"][0];
        assert_eq!(failure["shrunk"]["ended_by"], word, "{failure:#}");
        replays(folder.path(), failure);
        let told = plimsoll_in(folder.path(), &[&run[..], &limit[..]].concat()).stdout;
        let expected = format!(
            "Not the smallest, perhaps: it ended at the limit of {}.",
            limit[0]
        );
        assert!(told.contains(&expected), "{told}");
    }
}

/// Asserts that the subject breaks these properties, that each failure is shrunk to at most 3
/// messages and 2 faults, and that its regression replays to the same bytes.
fn convicts(scenario: &str, subject: &str, properties: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let arguments = ["run", scenario, "--subject", subject, "--format", "json"];
    let ended = plimsoll_in(folder.path(), &arguments);
    assert_eq!(ended.code, 10, "{}", ended.transcript());
    for property in properties {
        let failure = ended.failure(property);
        assert!(
            failure["shrunk"]["messages"].as_u64().expect("a number") <= 3,
            "{failure:#}"
        );
        assert!(
            failure["shrunk"]["faults"].as_u64().expect("a number") <= 2,
            "{failure:#}"
        );
        replays(folder.path(), &failure);
    }
}

fn replays(folder: &Path, failure: &Value) {
    let file = failure["regression"]
        .as_str()
        .expect("a regression was written");
    assert_eq!(failure["again"], format!("plimsoll replay {file}"));
    let replay = |trace: &str| {
        let ended = plimsoll_in(folder, &["replay", file, "--trace", trace]);
        assert_eq!(ended.code, 0, "{}", ended.transcript());
        let trace = fs::read(folder.join(trace)).expect("the trace was written");
        (ended.stdout, trace)
    };
    let (first, second) = (replay("first.jsonl"), replay("second.jsonl"));
    assert_eq!(first, second);
    assert!(!first.1.is_empty());
    let property = failure["property"].as_str().expect("a name");
    assert!(
        first.0.contains(&format!("{property} violated: ")),
        "{}",
        first.0
    );
    let conclusion = first.0.split("Replayed as recorded. Violated: ").last();
    assert!(
        conclusion.is_some_and(|violated| violated.contains(property)),
        "{}",
        first.0
    );

    // A regression is a scenario like any other.
    assert_eq!(plimsoll_in(folder, &["run", file]).code, 0);
    assert_eq!(plimsoll_in(folder, &["check", file]).code, 0);
}

/// Compares `shrink` on the failing seed with `run`: it writes the very same file, and keeps the
/// file's name when it shrinks a regression further.
#[test]
fn shrink_gives_what_run_gives() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scenario = "recipes/alarm-ruler-oldest";
    let subject = ["--subject", "sarama-manual-mark"];
    let run = ["run", scenario, "--format", "json"];
    let report = plimsoll_in(folder.path(), &[&run[..], &subject[..]].concat()).json();
    let failure = &report["scenarios"][0]["failures"][0];
    let file = Path::new(
        failure["regression"]
            .as_str()
            .expect("a regression was written"),
    );
    let written = fs::read_to_string(folder.path().join(file)).expect("it can be read");

    let seed = failure["seed"].to_string();
    let property = failure["property"].as_str().expect("a name");
    let shrink = ["shrink", scenario, "--seed", &seed, "--property", property];
    fs::remove_file(folder.path().join(file)).expect("it was there");
    let ended = plimsoll_in(folder.path(), &[&shrink[..], &subject[..]].concat());
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    let again = fs::read_to_string(folder.path().join(file)).expect("it is there again");
    assert_eq!(written, again);

    let file = file.to_str().expect("UTF-8");
    let further = [
        "shrink",
        file,
        "--property",
        property,
        "--regressions",
        "further",
    ];
    let ended = plimsoll_in(folder.path(), &further);
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    let kept = fs::read_dir(folder.path().join("further")).expect("the folder was made");
    let kept: Vec<_> = kept
        .map(|entry| entry.expect("readable").file_name())
        .collect();
    assert_eq!(kept, [Path::new(file).file_name().expect("a name")]);
}

/// Reads what `--trace` wrote of the first failing schedule: JSON, a header and one entry a line.
#[test]
fn the_trace_of_the_first_failure_is_written() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let subject = ["--subject", "sarama-manual-mark", "--trace", "trace.jsonl"];
    let run = ["run", "recipes/alarm-ruler-oldest"];
    plimsoll_in(folder.path(), &[&run[..], &subject[..]].concat());
    let trace = fs::read_to_string(folder.path().join("trace.jsonl")).expect("it was written");
    assert!(trace.lines().count() > 100);
    let mut lines = trace
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let header = lines.next().expect("a header");
    assert_eq!(header["format"], "plimsoll-trace", "{header:#}");
    assert_eq!(header["scenario"], "recipes/alarm-ruler-oldest");
    assert_eq!(header["subject"], "sarama-manual-mark");
    assert_eq!(header["topics"][0]["name"], "ac_alarm_ruler");
    for entry in lines {
        assert!(entry["event"].is_string(), "{entry}");
    }
}
