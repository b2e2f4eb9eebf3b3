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
fn help_of_compare_says_what_differs() {
    assert_snapshot!(plimsoll(&["compare", "--help"]).transcript());
}

#[test]
fn help_of_replay_documents_its_exit_codes() {
    assert_snapshot!(plimsoll(&["replay", "--help"]).transcript());
}

#[test]
fn shells_get_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ended = plimsoll(&["completions", shell]);
        assert_eq!(ended.code, 0, "{}", ended.transcript());
        for word in ["plimsoll", "replay", "print-hashes"] {
            assert!(ended.stdout.contains(word), "{shell}: no {word}");
        }
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let page = plimsoll(&["man"]);
    assert_eq!(page.code, 0, "{}", page.transcript());
    assert!(page.stdout.contains("plimsoll\\-run(1)"), "{}", page.stdout);
    assert!(page.stdout.contains("Exit codes:"), "{}", page.stdout);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = plimsoll_in(folder.path(), &["man", "pages"]);
    let written: Vec<&str> = ended.stdout.lines().collect();
    assert!(written.contains(&"pages/plimsoll.1"), "{written:?}");
    assert!(
        written.contains(&"pages/plimsoll-bench-commit-interval.1"),
        "{written:?}"
    );
    for file in written {
        let text = fs::read_to_string(folder.path().join(file)).expect("it was written");
        assert!(text.contains(".SH NAME"), "{file}");
    }
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
