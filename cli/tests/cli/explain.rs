//! What is inside, shown: scenarios as text, words explained, the manual.

use crate::program::{plimsoll, plimsoll_in};
use insta::assert_snapshot;
use std::fs;

#[test]
fn words_of_every_list_are_explained() {
    for word in [
        "clean-shutdown",
        "lose-response",
        "duplicate",
        "sarama-auto-mark",
        "commit.interval",
        "max.poll.interval.ms",
        "network",
    ] {
        assert_snapshot!(
            format!("explain {word}"),
            plimsoll(&["explain", word]).transcript()
        );
    }
}

#[test]
fn a_word_that_means_nothing_gets_the_nearest_one() {
    assert_snapshot!(plimsoll(&["explain", "no-los"]).transcript());
    assert_snapshot!(plimsoll(&["explain", "qwertyuiop"]).transcript());
}

#[test]
fn a_scenario_of_the_library_is_shown_as_it_is() {
    let text = include_str!("../../../scenarios/library/crash/consumer-killed.toml");
    assert_eq!(plimsoll(&["show", "crash/consumer-killed"]).stdout, text);
    let unknown = plimsoll(&["show", "crash/consumer-kiled"]);
    assert_snapshot!(unknown.transcript());
}

/// Every scenario that `init` writes runs as it says: held for Plimsoll's own consumer, violated
/// for the other one. Nothing is written over.
#[test]
fn what_init_writes_is_a_scenario_to_begin_with() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert_snapshot!(plimsoll_in(folder.path(), &["init"]).transcript());
    let mut run = vec!["run", "scenario.toml", "--seeds", "100"];
    let ended = plimsoll_in(folder.path(), &run);
    assert_eq!(ended.code, 0, "{}", ended.transcript());
    run.extend(["--subject", "auto-commit"]);
    let ended = plimsoll_in(folder.path(), &run);
    assert_eq!(ended.code, 10, "{}", ended.transcript());
    assert_snapshot!(plimsoll_in(folder.path(), &["init"]).transcript());
    let copied = plimsoll_in(
        folder.path(),
        &["init", "after-effect", "--file", "mine.toml"],
    );
    assert_eq!(copied.code, 0, "{}", copied.transcript());
    let mine = fs::read_to_string(folder.path().join("mine.toml")).expect("it was written");
    let text = plimsoll(&["show", "crash/after-effect"]).stdout;
    assert_eq!(mine, format!("#:schema ./plimsoll.schema.json\n{text}"));
    let schema = fs::read_to_string(folder.path().join("plimsoll.schema.json"));
    assert_eq!(
        schema.expect("it was written"),
        plimsoll(&["schema"]).stdout
    );
}

#[test]
fn help_has_the_manual_and_every_command() {
    let manual = plimsoll(&["help", "language"]).stdout;
    assert!(manual.starts_with("# The language\n"), "{manual}");
    assert!(!manual.contains("<!--"), "{manual}");
    assert_eq!(
        plimsoll(&["help", "bench", "commit-interval"]).stdout,
        plimsoll(&["bench", "commit-interval", "--help"]).stdout
    );
    assert_snapshot!(plimsoll(&["help", "langage"]).transcript());
}
