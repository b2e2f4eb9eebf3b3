//! All scripts against the simulated brokers, served by this process. `known-differences.txt` has
//! each step that these answer otherwise than Apache Kafka, with the answer and the reason: a step
//! that differs and is not there fails, and so does one that differs otherwise, or no more.
//!
//! `UPDATE_CONFORMANCE=1` writes the answers into that file.

use plimsoll_conformance::{Difference, Known, Outcome, Suite, Tally};
use plimsoll_harness::{Test, run};
use plimsoll_serve::{Options, Served, serve};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;
use std::{env, fs};

/// The brokers are in this process: what they have not done by then does not come.
const PATIENCE: Duration = Duration::from_secs(3);

static SUITE: LazyLock<Suite> = LazyLock::new(|| {
    let suite = Suite::read().expect("the scripts are there");
    suite.with_patience(PATIENCE)
});

const FILE: &str = "known-differences.txt";

/// The steps that are known to differ.
static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let text = fs::read_to_string(FILE).expect("the file is there");
    Known::read(&text).unwrap_or_else(|mistake| panic!("known-differences.txt: {mistake}"))
});

static SERVED: Mutex<Option<Served>> = Mutex::new(None);

static SHOWN: Mutex<Shown> = Mutex::new(Shown {
    tally: Tally::new(),
    by_script: BTreeMap::new(),
});

/// The results of the scripts that ran.
#[derive(Default)]
struct Shown {
    tally: Tally,
    by_script: BTreeMap<String, Vec<Difference>>,
}

fn main() -> ExitCode {
    let explained = Test::new(
        "every_known_difference_has_a_script_and_a_reason",
        [],
        every_known_difference_has_a_script_and_a_reason,
    );
    let scripts = SUITE
        .names()
        .map(|name| Test::unless_unfit(name, [], || differs_as_known(name)));
    let code = run(std::iter::once(explained).chain(scripts));
    drop(SERVED.lock().unwrap_or_else(PoisonError::into_inner).take());
    let shown = std::mem::take(&mut *SHOWN.lock().unwrap_or_else(PoisonError::into_inner));
    println!("{}; {} are known to", shown.tally, KNOWN.len());
    if is_update() {
        let text = fs::read_to_string(FILE).expect("the file is there");
        let mut known = Known::read(&text).unwrap_or_default();
        known.renew(shown.by_script);
        fs::write(FILE, known.to_string()).expect("the file can be written");
    }
    code
}

fn every_known_difference_has_a_script_and_a_reason() {
    for script in KNOWN.scripts() {
        assert!(SUITE.names().any(|name| name == script), "{script}");
    }
    let unexplained: Vec<String> = KNOWN.unexplained().collect();
    assert!(unexplained.is_empty(), "without a reason: {unexplained:?}");
}

/// Runs a script; its error is why the brokers are not fit for it.
fn differs_as_known(name: &str) -> Result<(), String> {
    let outcome = SUITE.run(name, &bootstrap());
    let outcome = outcome.unwrap_or_else(|mistake| panic!("{mistake}"));
    let mut shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner);
    shown.tally.add(&outcome);
    let differences = match outcome {
        Outcome::Unfit(reason) => return Err(reason),
        Outcome::Ran { differences, .. } => differences,
    };
    let news = match is_update() {
        true => Vec::new(),
        false => KNOWN.news(name, &differences),
    };
    shown.by_script.insert(name.to_owned(), differences);
    drop(shown);
    assert!(news.is_empty(), "{}", news.join("\n"));
    Ok(())
}

fn is_update() -> bool {
    env::var_os("UPDATE_CONFORMANCE").is_some()
}

/// Returns where the brokers are, and starts them first.
fn bootstrap() -> String {
    let mut served = SERVED.lock().unwrap_or_else(PoisonError::into_inner);
    let served = served.get_or_insert_with(|| {
        let mut options = Options::default();
        options.cluster.settings.offsets_topic_partitions = 4;
        serve(options).expect("there are free ports")
    });
    served.bootstrap()
}
