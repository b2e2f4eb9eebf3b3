//! `plimsoll serve`, which a signal ends: only Unix has signals.

use crate::program::{command, plimsoll, plimsoll_in};
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

const SCENARIO: &str = r#"
name = "a leader moves"
duration = "2s"

[[topics]]
name = "t"

[workload]
messages = 5
rate = 100.0

[[faults]]
at = "100ms"
do = "leader-move"
partition = "t-0"

[[faults]]
at = "100ms"
do = "crash"
member = "consumer-1"
for = "1s"
"#;

/// Serves the scenario, and returns the lines that it prints until one has this text.
fn lines_until(folder: &Path, arguments: &[&str], text: &str) -> Vec<String> {
    fs::write(folder.join("moves.toml"), SCENARIO).expect("it is written");
    let serve = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--scenario",
        "moves.toml",
    ];
    let mut child = command(folder, &[&serve, arguments].concat())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let stdout = child.stdout.take().expect("it is piped");
    let mut lines = Vec::new();
    for line in BufReader::new(stdout).lines() {
        lines.push(line.expect("UTF-8"));
        if lines.last().is_some_and(|line| line.contains(text)) {
            break;
        }
    }
    end(child);
    lines
}

/// Ends the program as a service manager does.
fn end(mut child: Child) {
    let kill = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .expect("there is a kill");
    assert!(kill.success());
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_scenario_is_told_as_it_plays() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lines = lines_until(folder.path(), &[], "healed");
    assert!(
        lines[0].starts_with("bootstrap.servers=127.0.0.1:"),
        "{lines:#?}"
    );
    assert!(lines[0].contains("  http://127.0.0.1:"), "{lines:#?}");
    assert!(
        !lines.iter().any(|line| line.contains("broker 4")),
        "{lines:#?}"
    );
    for told in [
        "s  broker 3 is up",
        "s  not played: at = \"100ms\", do = \"crash\", member = \"consumer-1\", for = \"1s\": the",
        "s  began: at = \"100ms\", do = \"leader-move\", partition = 0",
        "leads t-0 (epoch 1)",
        "s  all 5 messages are produced",
    ] {
        assert!(
            lines.iter().any(|line| line.contains(told)),
            "{told}: {lines:#?}"
        );
    }
}

#[test]
fn programs_read_an_object_a_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lines = lines_until(folder.path(), &["--format", "json"], "fault-ended");
    let parsed = lines
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let parsed: Vec<Value> = parsed.collect();
    assert_eq!(parsed[0]["brokers"].as_array().map(Vec::len), Some(3));
    let numbers = parsed[1..].iter().map(|entry| entry["number"].as_u64());
    assert!(numbers.is_sorted() && parsed.len() > 4, "{lines:#?}");
}

#[test]
fn a_scenario_is_named_as_for_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let serve = |more: &[&str]| plimsoll_in(folder.path(), &[&["serve"], more].concat());
    let unknown = serve(&["--scenario", "leader-dys"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown.stderr.contains("`quick/leader-dies`") || unknown.stderr.contains("`leader-dies`")
    );
    let several = plimsoll(&["serve", "--scenario", "quick"]);
    assert_eq!(several.code, 2);
    assert!(several.stderr.contains("quick names several scenarios"));
    let both = plimsoll(&["serve", "--scenario", "leader-dies", "--brokers", "3"]);
    assert_eq!(both.code, 2, "{}", both.stderr);
}
