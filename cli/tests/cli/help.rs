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

/// The README's example is a scenario: it has no mistake, and every table of the language.
#[test]
fn the_example_of_the_readme_is_a_scenario() {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once("```toml\n").expect("it has an example");
    let (example, _) = rest.split_once("```").expect("the example ends");
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("example.toml"), example).expect("the file is written");
    let ended = plimsoll_in(folder.path(), &["check", "example.toml"]);
    assert_eq!(ended.code, 0, "{}", ended.transcript());
}
