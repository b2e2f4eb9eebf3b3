//! The program as `cargo build` makes it, without container engine and librdkafka: what it can do
//! all the same, and what it says where it cannot.
//!
//! A build with the feature `kafka` tries the program that `PLIMSOLL_DEFAULT_PROGRAM` names;
//! without one its tests are ignored.

#[path = "../cli/program.rs"]
#[expect(dead_code, reason = "the other tests start the program in other ways")]
mod program;

use insta::assert_snapshot;
use plimsoll_harness::{Need, run, tests};
use program::{Ended, command_of, plimsoll};
use std::env;
use std::process::ExitCode;

const MISTAKE: i32 = 2;
const ENVIRONMENT: i32 = 3;

/// The environment variable that names a program without the feature `kafka`.
const DEFAULT_PROGRAM: &str = "PLIMSOLL_DEFAULT_PROGRAM";

/// A program without the feature `kafka`.
static PROGRAM: Need = Need::new(|| match default_program() {
    Some(_) => Ok(()),
    None => Err(format!(
        "this build has the feature kafka, and {DEFAULT_PROGRAM} names no program without it"
    )),
});

/// The signals that end the processes of members.
static SIGNALS: Need = Need::new(|| match cfg!(unix) {
    true => Ok(()),
    false => Err("this system has no signals".into()),
});

fn main() -> ExitCode {
    let anywhere = tests!([&PROGRAM]: what_it_lacks_it_says, its_help_is_the_same);
    let on_unix = tests!([&PROGRAM, &SIGNALS]: any_program_stands_trial_on_embedded_brokers);
    run(anywhere.into_iter().chain(on_unix))
}

fn what_it_lacks_it_says() {
    let run = ["run", "reference"];
    let own = [&run[..], &["--backend", "kafka"]].concat();
    let sweep = ["bench", "commit-interval", "--backend", "kafka"];
    for arguments in [&own[..], &sweep] {
        says("no_own", arguments);
    }
    let containers = ["--brokers", "containers", "--", "/usr/bin/false"];
    let containers = [&run[..], &containers].concat();
    let [up, down, status] = ["up", "down", "status"].map(|what| ["cluster", what]);
    for arguments in [&containers[..], &up, &down, &status] {
        says("no_containers", arguments);
    }
}

fn says(name: &str, arguments: &[&str]) {
    let ended = without_engine(arguments);
    assert_eq!(ended.code, MISTAKE, "{}", ended.transcript());
    assert_snapshot!(name, ended.stderr);
}

/// A command alone says that a program is meant.
fn any_program_stands_trial_on_embedded_brokers() {
    let ended = without_engine(&["run", "quick/member-killed", "--", "/usr/bin/false"]);
    assert_eq!(ended.code, ENVIRONMENT, "{}", ended.transcript());
    let why = "ended before it had joined its group";
    assert!(ended.stdout.contains(why), "{}", ended.transcript());
}

fn its_help_is_the_same() {
    for arguments in [&["--help"][..], &["run", "--help"], &["try", "--help"]] {
        let ended = without_engine(arguments);
        assert_eq!(ended.transcript(), plimsoll(arguments).transcript());
    }
}

fn without_engine(arguments: &[&str]) -> Ended {
    let program = default_program().expect("it is needed");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = command_of(&program, folder.path(), arguments);
    Ended::without_engine(&mut command)
}

/// Returns the path of a program without the feature `kafka`, where there is one.
fn default_program() -> Option<String> {
    if cfg!(feature = "kafka") {
        env::var(DEFAULT_PROGRAM).ok()
    } else {
        Some(env!("CARGO_BIN_EXE_plimsoll").to_owned())
    }
}
