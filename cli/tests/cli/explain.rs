//! What is inside, shown: scenarios as text, words explained, the manual.

use crate::program::{plimsoll, plimsoll_in};
use insta::assert_snapshot;
use std::collections::BTreeSet;
use std::fs;

#[test]
fn words_of_every_list_are_explained() {
    for word in [
        "clean-shutdown",
        "lose-response",
        "duplicate",
        "sarama-auto-mark",
        "commit.interval",
        "duration",
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

/// Mistakes whose words `plimsoll explain` does not have, by how they begin: the manual has them.
const UNEXPLAINED: [&str; 5] = [
    // What TOML is belongs to no word.
    "this is not TOML: ",
    // Its help lists all of them.
    "a fault without `do`",
    // Keys of `[faults.random]`.
    "45s is not before the end: no fault begins any more",
    "a fault that lasts no time",
    "`count` is missing in `faults.random`",
];

#[test]
fn every_mistake_ends_with_the_word_that_is_explained() {
    let folder = fs::canonicalize("../scenarios/invalid").expect("the folder is there");
    let files = fs::read_dir(folder).expect("it can be read");
    let mut words = BTreeSet::new();
    let mut mistakes = 0;
    for file in files {
        let file = file.expect("it can be listed").path();
        let told = plimsoll(&["check", file.to_str().expect("UTF-8")]).stderr;
        for mistake in told.split("  × ").skip(1) {
            mistakes += 1;
            let explained = mistake
                .split_once("`plimsoll explain ")
                .and_then(|(_, rest)| rest.split_once("` says more"));
            match explained {
                Some((word, _)) => _ = words.insert(word.to_owned()),
                None => assert!(
                    UNEXPLAINED.iter().any(|start| mistake.starts_with(start)),
                    "{}: {mistake}",
                    file.display()
                ),
            }
        }
    }
    assert!(mistakes > 80 && words.len() > 25, "{mistakes}: {words:?}");
    for word in words {
        assert_eq!(plimsoll(&["explain", &word]).code, 0, "{word}");
    }
}
