//! What a target with this harness prints: it starts itself, as the target that is looked at.

use plimsoll_harness::{Need, run, tests};
use std::env;
use std::process::{Command, ExitCode};

/// The environment variable of the process that is looked at.
const LOOKED_AT: &str = "PLIMSOLL_HARNESS_LOOKED_AT";

/// The environment variable that makes what is missing a failure.
const REQUIRE: &str = "PLIMSOLL_HARNESS_REQUIRE";

static AIR: Need = Need::new(|| Ok(()));
static UNICORN: Need = Need::new(|| Err("there are no unicorns".into())).required_by(REQUIRE);

fn main() -> ExitCode {
    if env::var_os(LOOKED_AT).is_some() {
        let breathing = tests!([&AIR]: breathes, breathes_in_vain);
        let riding = tests!([&AIR, &UNICORN] by twice: rides);
        return run(breathing.into_iter().chain(riding));
    }
    run(tests!([]:
        what_is_missing_is_ignored_with_its_reason,
        what_is_required_fails,
        names_select_and_are_listed,
    ))
}

fn breathes() {}

fn breathes_in_vain() {
    panic!("no oxygen");
}

fn rides() {}

fn twice(test: fn()) {
    test();
    test();
}

fn what_is_missing_is_ignored_with_its_reason() {
    let (ok, printed) = looked_at(&["--skip", "vain"], false);
    assert!(ok, "{printed}");
    for part in [
        "ignored (there are no unicorns)",
        "1 passed; 0 failed; 1 ignored; 0 measured; 1 filtered out",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

fn what_is_required_fails() {
    let (ok, printed) = looked_at(&["--nocapture", "--test-threads", "1"], true);
    assert!(!ok, "{printed}");
    for part in [
        "1 passed; 2 failed; 0 ignored",
        "no oxygen",
        "PLIMSOLL_HARNESS_REQUIRE is set, but there are no unicorns",
    ] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

fn names_select_and_are_listed() {
    let (ok, printed) = looked_at(&["breathes", "--exact"], false);
    assert!(ok && printed.contains("1 passed"), "{printed}");
    let (ok, printed) = looked_at(&["--list"], false);
    assert!(ok && printed.contains("rides: test"), "{printed}");
}

/// Starts this program as the one that is looked at; returns whether it succeeds, and its output.
fn looked_at(arguments: &[&str], required: bool) -> (bool, String) {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args(arguments).env(LOOKED_AT, "1");
    if required {
        command.env(REQUIRE, "1");
    }
    let output = command.output().expect("it starts again");
    let printed = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8(printed).expect("UTF-8"),
    )
}
