//! What the program says about itself.

use crate::program::{plimsoll, plimsoll_in};
use insta::assert_snapshot;
use std::fs;

#[test]
fn help_documents_commands_and_exit_codes() {
    assert_snapshot!(plimsoll(&["--help"]).transcript());
}

#[test]
fn help_of_run() {
    assert_snapshot!(plimsoll(&["run", "--help"]).transcript());
}

#[test]
fn help_of_replay_documents_its_exit_codes() {
    assert_snapshot!(plimsoll(&["replay", "--help"]).transcript());
}

#[test]
fn names_are_listed() {
    for what in ["--subjects", "--properties", "--faults", "--sometimes"] {
        assert_snapshot!(
            format!("list{what}"),
            plimsoll(&["list", what]).transcript()
        );
    }
}

/// Runs the README's example: the rare things that its `[expect]` names really happen.
#[test]
fn the_example_of_the_readme_meets_its_expectations() {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once("```toml\n").expect("it has an example");
    let (example, _) = rest.split_once("```").expect("the example ends");
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("example.toml"), example).expect("the file is written");
    // From 100 seeds on, a rare thing that never happens is a failure.
    let ended = plimsoll_in(folder.path(), &["run", "example.toml", "--seeds", "100"]);
    assert_eq!(ended.code, 0, "{}", ended.transcript());
}
