//! The README, carried out in an empty folder: what its `console` blocks show is what the program
//! prints. `UPDATE_README=1` writes it anew.

use crate::program::{Ended, plimsoll_in, without_timing};
use std::path::Path;
use std::{env, fs};

const README: &str = "../README.md";

#[test]
fn what_the_readme_shows_is_what_the_program_prints() {
    let text = fs::read_to_string(README).expect("the README can be read");
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("billing.toml"), block(&text, "toml", 0)).expect("written");
    let now = carried_out(&text, folder.path());
    if env::var_os("UPDATE_README").is_some() {
        fs::write(README, now).expect("the README can be written");
    } else {
        // The assertion shows the lines that differ, and not the whole README twice.
        let (shown, printed) = (without_timing(&text), without_timing(&now));
        let differ = |(shown, printed): &(&str, &str)| shown != printed;
        let first = shown.lines().zip(printed.lines()).find(differ);
        assert_eq!(first, None, "UPDATE_README=1 writes what is printed now");
        assert_eq!(shown, printed);
    }
}

/// Its configuration is read, and its profile means what it says.
#[test]
fn the_configuration_of_the_readme_runs_its_scenario() {
    let text = fs::read_to_string(README).expect("the README can be read");
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("plimsoll.toml"), block(&text, "ini", 0)).expect("written");
    fs::create_dir(folder.path().join("scenarios")).expect("made");
    let scenario = folder.path().join("scenarios/billing.toml");
    fs::write(scenario, block(&text, "toml", 0)).expect("written");
    for (profile, seeds) in [
        (&[][..], "200 seeds"),
        (&["--profile", "ci"], "5,000 seeds"),
    ] {
        let ended = plimsoll_in(folder.path(), &[&["run"], profile].concat());
        assert_eq!(ended.code, 0, "{}", ended.transcript());
        assert!(ended.stdout.contains(seeds), "{}", ended.stdout);
    }
}

/// What the README says of Rust is compiled and run: it stands in files that are.
#[test]
fn the_rust_of_the_readme_is_code_that_is_tested() {
    let text = fs::read_to_string(README).expect("the README can be read");
    let documentation = include_str!("../../../consumer/src/lib.rs");
    let lines = documentation
        .lines()
        .map_while(|line| line.strip_prefix("//!"));
    let lines = lines.map(|line| line.strip_prefix(' ').unwrap_or(line));
    let shown = lines.filter(|line| !line.starts_with("# "));
    let shown: String = shown.map(|line| format!("{line}\n")).collect();
    assert!(shown.contains(block(&text, "rust", 0)), "{shown}");

    let test = include_str!("../../../testing/tests/billing.rs");
    assert!(test.ends_with(block(&text, "rust", 1)), "{test}");
    assert_eq!(
        include_str!("../../../testing/tests/billing.toml"),
        block(&text, "toml", 0)
    );
}

/// Returns the text of a block: the nth of its language.
fn block<'a>(readme: &'a str, language: &str, nth: usize) -> &'a str {
    let fence = format!("```{language}\n");
    let after = readme
        .split(&fence)
        .nth(nth + 1)
        .expect("it has that block");
    let (block, _) = after.split_once("```\n").expect("the block ends");
    block
}

/// Returns the README with what the program prints below each command of its `console` blocks.
fn carried_out(readme: &str, folder: &Path) -> String {
    let mut text = String::new();
    let mut in_block = false;
    for line in readme.lines() {
        let fence = line.starts_with("```");
        if in_block && !fence {
            if let Some(command) = line.strip_prefix("$ ") {
                text += &format!("{line}\n{}", printed(command, folder));
            }
            continue;
        }
        in_block = line == "```console";
        text += &format!("{line}\n");
    }
    text
}

fn printed(command: &str, folder: &Path) -> String {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("plimsoll"), "{command}");
    let arguments: Vec<&str> = words.collect();
    let Ended { stdout, stderr, .. } = plimsoll_in(folder, &arguments);
    stdout + &stderr
}
