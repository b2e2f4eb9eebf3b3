//! All scripts against Apache Kafka: the brokers that `PLIMSOLL_TEST_BOOTSTRAP` names, or, with the
//! feature `kafka`, brokers in containers. Without either, the scripts are read and not run.
//!
//! `UPDATE_CONFORMANCE=1` writes the answers into the scripts.

mod brokers;

use brokers::{BROKERS, bootstrap};
use plimsoll_conformance::{Difference, Outcome, Suite, Tally};
use plimsoll_harness::{Test, run};
use std::env;
use std::process::ExitCode;
use std::sync::{LazyLock, Mutex, PoisonError};

static SUITE: LazyLock<Suite> = LazyLock::new(|| Suite::read().expect("the scripts are there"));

/// What all scripts have shown.
static TALLY: Mutex<Tally> = Mutex::new(Tally::new());

fn main() -> ExitCode {
    let read = Test::new("every_script_can_be_read", [], every_script_can_be_read);
    let scripts = SUITE.names().map(|name| {
        let body = move || conforms(name);
        Test::unless_unfit(name, [&BROKERS], body)
    });
    let code = run(std::iter::once(read).chain(scripts));
    brokers::shut_down();
    let tally = TALLY.lock().unwrap_or_else(PoisonError::into_inner);
    if !tally.is_empty() {
        println!("{tally}");
    }
    code
}

fn every_script_can_be_read() {
    let mistakes = SUITE.names().filter_map(|name| SUITE.script(name).err());
    let mistakes: Vec<String> = mistakes.map(|mistake| mistake.to_string()).collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

/// Runs a script; its error is why the brokers are not fit for it.
fn conforms(name: &str) -> Result<(), String> {
    let outcome = match env::var_os("UPDATE_CONFORMANCE") {
        Some(_) => SUITE.update(name, bootstrap()),
        None => SUITE.run(name, bootstrap()),
    };
    let outcome = outcome.unwrap_or_else(|mistake| panic!("{mistake}"));
    let mut tally = TALLY.lock().unwrap_or_else(PoisonError::into_inner);
    tally.add(&outcome);
    drop(tally);
    match outcome {
        Outcome::Ran { differences, .. } => {
            let differences: Vec<_> = differences.iter().map(Difference::to_string).collect();
            assert!(differences.is_empty(), "{}", differences.join("\n"));
            Ok(())
        }
        Outcome::Unfit(reason) => Err(reason),
    }
}
