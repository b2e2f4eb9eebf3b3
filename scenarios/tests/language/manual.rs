//! Every example of the manual is a scenario.

use crate::library::text;
use plimsoll_scenarios::Scenario;
use std::path::{Path, PathBuf};

/// The examples of a text, with or without the marks of a comment.
pub(crate) fn examples(text: &str) -> Vec<String> {
    let mut examples = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = line
            .strip_prefix("//!")
            .map_or(line, |rest| rest.strip_prefix(' ').unwrap_or(rest));
        match line {
            "```toml" => {
                open = true;
                examples.push(String::new());
            }
            "```" => open = false,
            line if open => {
                if let Some(example) = examples.last_mut() {
                    *example += &format!("{line}\n");
                }
            }
            _ => {}
        }
    }
    examples
}

fn source(file: &str) -> PathBuf {
    Path::new("src/scenario").join(file)
}

#[track_caller]
fn all_parse(file: &str, at_least: usize) {
    let examples = examples(&text(&source(file)));
    assert!(examples.len() >= at_least, "{file}: {}", examples.len());
    for example in examples {
        if let Err(error) = Scenario::parse(file, &example) {
            panic!("{:?}", miette::Report::new(error));
        }
    }
}

#[test]
fn every_example_of_the_manual_is_a_scenario() {
    all_parse("language.md", 10);
}

#[test]
fn every_table_has_an_example_that_is_a_scenario() {
    for table in [
        "cluster",
        "topics",
        "workload",
        "messages",
        "consumers",
        "handler",
        "network",
        "expect",
    ] {
        all_parse(&format!("{table}.rs"), 1);
    }
    all_parse("faults/mod.rs", 1);
}

#[test]
fn an_empty_file_is_a_scenario() {
    let scenario = Scenario::parse("nothing.toml", "").expect("everything has a default");
    assert_eq!(scenario.to_toml(), "name = \"nothing\"\n");
}
