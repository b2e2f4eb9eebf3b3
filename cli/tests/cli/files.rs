//! The files that the program reads and writes: what a folder is searched for, how regressions are
//! called, and that nothing is overwritten.

use crate::program::{Ended, plimsoll_in};
use insta::assert_snapshot;
use std::fs;
use std::path::Path;

/// A scenario that loses a message with a recipe that commits what failed.
const LOSING: &str = "[workload]\nmessages = 20\n[handler]\nretryable = 0.5\n";

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("it is in the folder")).expect("a folder");
    fs::write(path, text).expect("the file is written");
}

fn run(folder: &Path, scenarios: &[&str]) -> Ended {
    let subject = ["--subject", "sarama-auto-mark", "--seeds", "1", "-q"];
    plimsoll_in(folder, &[&["run"], scenarios, &subject[..]].concat())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("readable").file_name())
        .map(|name| name.into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

#[test]
fn regressions_are_called_like_their_scenario_with_its_folders() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let scenarios = ["eu/late.toml", "us/late.toml", "märz/支払い.toml"];
    for name in scenarios {
        write(folder.path(), name, LOSING);
    }
    // The same schedule in all of them would be one regression.
    write(folder.path(), "us/late.toml", &LOSING.replace("20", "30"));
    write(
        folder.path(),
        "märz/支払い.toml",
        &LOSING.replace("20", "40"),
    );
    for name in scenarios {
        let ended = run(folder.path(), &[name]);
        assert_eq!(ended.code, 10, "{}", ended.transcript());
    }
    assert_snapshot!(names(&folder.path().join("regressions")).join("\n"));
}

#[test]
fn a_regression_overwrites_no_file_of_other_content() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "late.toml", LOSING);
    run(folder.path(), &["late.toml"]);
    let regressions = folder.path().join("regressions");
    let first = names(&regressions);
    run(folder.path(), &["late.toml"]);
    assert_eq!(
        names(&regressions),
        first,
        "the same failure is the same file"
    );

    let name = first.first().expect("a regression");
    write(&regressions, name, "# Edited by hand.\n");
    run(folder.path(), &["late.toml"]);
    let edited = fs::read_to_string(regressions.join(name)).expect("it is there");
    assert_eq!(edited, "# Edited by hand.\n");
    let other = name.replace(".toml", "-2.toml");
    assert!(names(&regressions).contains(&other), "{other}");
    let replayed = plimsoll_in(&regressions, &["replay", &other]);
    assert_eq!(replayed.code, 0, "{}", replayed.transcript());
}

/// A regression whose verdict is not the recorded one fails, and is kept as what it was.
#[test]
fn the_file_that_was_run_is_never_overwritten() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "late.toml", LOSING);
    run(folder.path(), &["late.toml"]);
    let regressions = folder.path().join("regressions");
    for name in names(&regressions) {
        let path = regressions.join(&name);
        let text = fs::read_to_string(&path).expect("it is there");
        let start = text.find("violated = ").expect("it records a verdict");
        let end = start + text[start..].find('\n').expect("a line");
        fs::write(&path, text.replace(&text[start..end], "verdict = \"held\"")).expect("written");
        let changed = fs::read_to_string(&path).expect("it is there");
        let file = format!("regressions/{name}");
        let ended = plimsoll_in(folder.path(), &["run", &file, "-q"]);
        assert_eq!(ended.code, 10, "{}", ended.transcript());
        let kept = fs::read_to_string(&path).expect("it is there");
        assert_eq!(kept, changed);
        let shrunk = plimsoll_in(folder.path(), &["shrink", &file]);
        assert_eq!(shrunk.code, 0, "{}", shrunk.transcript());
        assert_eq!(fs::read_to_string(&path).expect("it is there"), changed);
    }
}

#[test]
fn a_trace_overwrites_no_scenario() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "late.toml", LOSING);
    let run = ["run", "late.toml", "--seeds", "1", "--trace", "./late.toml"];
    assert_snapshot!(plimsoll_in(folder.path(), &run).transcript());
    let kept = fs::read_to_string(folder.path().join("late.toml")).expect("it is there");
    assert_eq!(kept, LOSING);
}

/// A project has TOML files of other tools, and folders that are none of ours.
#[test]
fn a_folder_is_searched_for_scenarios_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "late.toml", "[workload]\nmessages = 3\n");
    write(
        folder.path(),
        "Cargo.toml",
        "[package]\nname = \"billing\"\n",
    );
    write(folder.path(), "rustfmt.toml", "max_width = 100\n");
    write(folder.path(), "deploy/fly.toml", "name = \"billing\"\n");
    write(folder.path(), "target/package/late.toml", "[workload]\n");
    write(folder.path(), ".git/late.toml", "[workload]\n");
    let ended = plimsoll_in(folder.path(), &["run", ".", "--seeds", "3"]);
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    let told = ended.stdout.split_once("Skipped").expect("it says so").1;
    let told = told.split_once("\n\n").expect("a paragraph").0;
    assert_snapshot!(format!("Skipped{told}"));
    assert_snapshot!(
        "check",
        plimsoll_in(folder.path(), &["check", "."]).transcript()
    );

    // What may be meant as a scenario is none the less shown with its mistakes.
    write(folder.path(), "broken.toml", "[workload\n");
    assert_eq!(plimsoll_in(folder.path(), &["run", "."]).code, 2);
}

#[test]
fn a_folder_without_a_scenario_says_what_it_has() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(
        folder.path(),
        "Cargo.toml",
        "[package]\nname = \"billing\"\n",
    );
    assert_snapshot!(plimsoll_in(folder.path(), &["run", "."]).transcript());
}

/// A file with several mistakes has one head for each, and names with hyphens stay whole.
#[test]
fn every_mistake_of_a_file_is_told_once_and_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mistakes = "[consumers]\nsession_timout = \"10s\"\nhearbeat = \"3s\"\n\n[[faults]]\n\
                    at = \"5s\"\ndo = \"kill\"\n\n[expect]\nsometimes = [\"qwertyuiop\"]\n";
    write(folder.path(), "mistakes.toml", mistakes);
    write(
        folder.path(),
        "good.toml",
        "[handler]\nretryable = \"5%\"\n",
    );
    assert_snapshot!(plimsoll_in(folder.path(), &["check", "mistakes.toml"]).transcript());
    let both = plimsoll_in(folder.path(), &["check", "mistakes.toml", "good.toml"]);
    assert!(
        both.stderr.contains("\n1 of 2 scenarios has a mistake. "),
        "{}",
        both.stderr
    );
}

#[test]
fn a_scenario_in_which_nothing_goes_wrong_gets_a_warning() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path(), "empty.toml", "");
    let checked = plimsoll_in(folder.path(), &["check", "empty.toml"]);
    assert_eq!(
        checked.stdout,
        "ok  empty.toml, in which nothing goes wrong\n"
    );
    let run = plimsoll_in(folder.path(), &["run", "empty.toml", "--seeds", "2"]);
    assert!(
        run.stdout.contains("\nNothing goes wrong in empty.toml: "),
        "{}",
        run.stdout
    );
}
