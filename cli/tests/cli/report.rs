//! The report as a reader meets it, at 80 columns.

use crate::program::{command, plimsoll, plimsoll_in, without_timing};
use insta::assert_snapshot;
use std::fs;

#[test]
fn of_several_scenarios_each_has_a_row() {
    let ended = plimsoll(&["run", "recipes", "quick", "--seeds", "10"]);
    assert_snapshot!(without_timing(&ended.stdout));
}

#[test]
fn of_one_scenario_every_property_and_fault_is_told() {
    let ended = plimsoll(&["run", "crash/during-rebalance", "--seeds", "30"]);
    assert_snapshot!(without_timing(&ended.stdout));
}

/// Two scenarios, four broken properties, and one bug.
#[test]
fn one_bug_is_told_once() {
    let scenarios = ["run", "crash/consumer-killed", "commit/by-count"];
    let subject = ["--subject", "sarama-auto-mark", "--seeds", "30"];
    let ended = plimsoll(&[&scenarios[..], &subject[..]].concat());
    assert_snapshot!(without_timing(&ended.stdout));
}

/// A commit that covers an unfinished record loses nothing as long as its member lives.
#[test]
fn a_commit_that_was_early_says_what_a_death_would_lose() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scenario = ["run", "recipes/alarm-ruler-oldest", "--seeds", "1..2"];
    let subject = ["--subject", "auto-commit", "-q"];
    let ended = plimsoll_in(folder.path(), &[&scenario[..], &subject[..]].concat());
    assert_snapshot!(ended.stdout);

    // The crash that loses it was searched for, and is a regression of its own.
    let file = "regressions/recipes-alarm-ruler-oldest-auto-commit-no-loss-1.toml";
    let replayed = plimsoll_in(folder.path(), &["replay", file]);
    assert_eq!(replayed.code, 0, "{}", replayed.transcript());
    assert!(
        replayed.stdout.contains("no-loss violated: "),
        "{}",
        replayed.stdout
    );
}

#[test]
fn a_conviction_shows_the_fault_and_where_the_group_went_on() {
    let scenario = ["run", "crash/consumer-killed", "--seeds", "1"];
    let subject = ["--subject", "sarama-manual-mark", "-q"];
    let ended = plimsoll(&[&scenario[..], &subject[..]].concat());
    assert_snapshot!(ended.stdout);
}

#[test]
fn a_replay_marks_what_shows_the_violation() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scenario = ["run", "crash/consumer-killed", "--seeds", "1", "-q"];
    plimsoll_in(
        folder.path(),
        &[&scenario[..], &["--subject", "sarama-auto-mark"]].concat(),
    );
    let file = "regressions/crash-consumer-killed-sarama-auto-mark-no-loss-0.toml";
    assert_snapshot!(plimsoll_in(folder.path(), &["replay", file]).transcript());
}

/// Only what is pasted, and paths, may stick out.
#[test]
fn nothing_is_wider_than_80_columns() {
    for arguments in [
        &["run", "--subject", "sarama-auto-mark", "--seeds", "25"][..],
        &["run", "--seeds", "5"],
        &["run", "swarm", "--seeds", "5", "-v"],
    ] {
        let ended = plimsoll(arguments);
        for line in ended.stdout.lines() {
            let sticks_out = line.chars().count() > 80;
            assert!(!sticks_out || line.contains(".toml"), "{line}");
        }
    }
}

#[test]
fn a_terminal_of_another_width_gets_other_lines() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let widest = |columns: &str| {
        let output = command(folder.path(), &["run", "recipes", "--seeds", "5"])
            .env("COLUMNS", columns)
            .output()
            .expect("the program starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let widths = text.lines().map(|line| line.chars().count());
        widths.max().expect("it says something")
    };
    assert!(widest("60") <= 60);
    assert!((81..=100).contains(&widest("100")));
}

#[test]
fn names_of_wide_letters_do_not_shift_the_table() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["支払い.toml", "zahlungen-für-märz.toml"] {
        fs::write(folder.path().join(name), "[workload]\nmessages = 3\n").expect("it is written");
    }
    let ended = plimsoll_in(folder.path(), &["run", ".", "--seeds", "3"]);
    let rows: String = ended.stdout.lines().take(3).collect::<Vec<_>>().join("\n");
    assert_snapshot!(rows);
}

#[test]
fn colours_come_where_they_are_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = ["run", "recipes/alarm-ruler-oldest", "--seeds", "1"];
    let coloured = |more: &[&str], variable: &str| {
        let mut command = command(folder.path(), &[&run[..], more].concat());
        command.env(variable, "1");
        let output = command.output().expect("the program starts");
        String::from_utf8_lossy(&output.stdout).contains('\u{1b}')
    };
    assert!(!coloured(&[], "NONE"), "it is no terminal");
    assert!(coloured(&["--color", "always"], "NONE"));
    assert!(coloured(&[], "CLICOLOR_FORCE"));
    assert!(!coloured(&["--color", "never"], "CLICOLOR_FORCE"));
    assert!(!coloured(&[], "NO_COLOR"));
}

#[test]
fn quiet_runs_say_how_they_ended_and_no_more() {
    let ended = plimsoll(&["run", "recipes", "--seeds", "5", "-q", "-j", "1"]);
    assert_eq!(ended.stdout, "3 scenarios: every expectation met.\n");
}

#[test]
fn a_log_filter_that_makes_no_sense_is_a_mistake() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = command(folder.path(), &["list"])
        .env("PLIMSOLL_LOG", "plimsoll=loudly")
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(2));
    assert_snapshot!(String::from_utf8(output.stderr).expect("UTF-8"));
}
