//! All scripts against the simulated brokers, served by this process. Where these differ from
//! Apache Kafka, `known-differences.txt` says so, with the reason; a difference that is not there is
//! a failure, and so is one that is there and is none.

use plimsoll_conformance::{Outcome, Suite};
use plimsoll_serve::{Options, Served, serve};
use plimsoll_testing::{Test, run};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

static SUITE: LazyLock<Suite> = LazyLock::new(|| Suite::read().expect("the scripts are there"));

/// The scripts that are known to differ, each with the reason.
static KNOWN: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let lines = include_str!("../known-differences.txt").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once(char::is_whitespace).unwrap_or((line, "")));
    pairs.map(|(name, reason)| (name, reason.trim())).collect()
});

/// The beginning of the reason why a script is not run at all.
const NOT_RUN: &str = "not run:";

static SERVED: Mutex<Option<Served>> = Mutex::new(None);

/// The number of scripts that conform, and of steps in them.
static CONFORM: (AtomicUsize, AtomicUsize) = (AtomicUsize::new(0), AtomicUsize::new(0));

fn main() -> ExitCode {
    let known = Test::new(
        "every_known_difference_has_a_script_and_a_reason",
        [],
        || {
            for (name, reason) in &*KNOWN {
                assert!(SUITE.names().any(|script| script == *name), "{name}");
                assert!(!reason.is_empty(), "{name} has no reason");
            }
        },
    );
    let scripts = SUITE
        .names()
        .map(|name| Test::unless_unfit(name, [], || conforms(name)));
    let code = run(std::iter::once(known).chain(scripts));
    drop(SERVED.lock().unwrap_or_else(PoisonError::into_inner).take());
    let (scripts, steps) = (&CONFORM.0, &CONFORM.1);
    println!(
        "{} scripts conform, {} steps; {} scripts are known to differ",
        scripts.load(Ordering::Relaxed),
        steps.load(Ordering::Relaxed),
        KNOWN.len()
    );
    code
}

/// Runs a script; its error is why the brokers are not fit for it.
fn conforms(name: &str) -> Result<(), String> {
    if let Some(reason) = KNOWN
        .get(name)
        .and_then(|reason| reason.strip_prefix(NOT_RUN))
    {
        return Err(reason.trim().to_owned());
    }
    let outcome = SUITE.run(name, &bootstrap());
    match (
        outcome.unwrap_or_else(|mistake| panic!("{mistake}")),
        KNOWN.get(name),
    ) {
        (Outcome::Unfit(reason), _) => Err(reason),
        (Outcome::Conforms { .. }, Some(_)) => {
            panic!("it conforms: take it out of known-differences.txt")
        }
        (Outcome::Conforms { steps, .. }, None) => {
            CONFORM.0.fetch_add(1, Ordering::Relaxed);
            CONFORM.1.fetch_add(steps, Ordering::Relaxed);
            Ok(())
        }
        (Outcome::Differs(_), Some(_)) => Ok(()),
        (Outcome::Differs(text), None) => panic!("{text}"),
    }
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
