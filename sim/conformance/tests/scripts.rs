//! All scripts against Apache Kafka: the brokers that `PLIMSOLL_TEST_BOOTSTRAP` names, or, with the
//! feature `kafka`, brokers in containers. Without either, the scripts are read and not run.
//!
//! `UPDATE_CONFORMANCE=1` writes the answers into the scripts.

mod brokers;

use brokers::{BROKERS, bootstrap};
use plimsoll_conformance::{Outcome, Suite};
use plimsoll_testing::{Test, run};
use std::collections::BTreeSet;
use std::env;
use std::process::ExitCode;
use std::sync::{LazyLock, Mutex, PoisonError};

static SUITE: LazyLock<Suite> = LazyLock::new(|| Suite::read().expect("the scripts are there"));

/// What all scripts have shown.
static TOTAL: Mutex<Total> = Mutex::new(Total::new());

struct Total {
    scripts: usize,
    steps: usize,
    kinds: BTreeSet<String>,
}

fn main() -> ExitCode {
    let read = Test::new("every_script_can_be_read", [], every_script_can_be_read);
    let scripts = SUITE.names().map(|name| {
        let body = move || conforms(name);
        Test::unless_unfit(name, [&BROKERS], body)
    });
    let code = run(std::iter::once(read).chain(scripts));
    brokers::shut_down();
    let total = TOTAL.lock().unwrap_or_else(PoisonError::into_inner);
    if total.scripts > 0 {
        println!(
            "{} scripts, {} steps, {} kinds of requests",
            total.scripts,
            total.steps,
            total.kinds.len()
        );
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
    let mut total = TOTAL.lock().unwrap_or_else(PoisonError::into_inner);
    match outcome {
        Outcome::Ran {
            steps,
            kinds,
            differences,
        } if differences.is_empty() => {
            total.scripts += 1;
            total.steps += steps;
            total.kinds.extend(kinds);
            Ok(())
        }
        Outcome::Ran { differences, .. } => {
            drop(total);
            let differences = differences.iter().map(|difference| difference.to_string());
            panic!("{}", differences.collect::<Vec<_>>().join("\n"));
        }
        Outcome::Unfit(reason) => Err(reason),
    }
}

impl Total {
    const fn new() -> Self {
        Self {
            scripts: 0,
            steps: 0,
            kinds: BTreeSet::new(),
        }
    }
}
