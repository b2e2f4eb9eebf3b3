//! Messages that go through the bytes of Kafka's protocol change nothing: same scenario, same seed,
//! same trace.

use plimsoll_oracle::{ErrorName, RequestKind, Trace, Word as _};
use plimsoll_scenarios::{Backend, LIBRARY, Plan, Scenario, Subject};
use plimsoll_sim::Simulator;
use plimsoll_sim::recipes::SubjectSpec;

/// Scenarios in which much happens: faults of all kinds, rebalances, dead letters.
const BUSY: [&str; 5] = [
    "reference",
    "broker/group-errors",
    "handler/dead-letters",
    "network/connections-break",
    "rebalance/churn",
];

/// Seeds of each of them.
const SEEDS: u64 = 30;

/// A group in which a member dies while a broker answers with an error.
const REFUSED: &str = r#"
description = "A broker refuses."
duration = "20s"

[[topics]]
name = "orders"
partitions = 4

[workload]
messages = 60
rate = "5/s"

[consumers]
members = 2
session_timeout = "6s"

[[faults]]
at = "5s"
do = "crash"
member = "consumer-1"
for = "1s"

[[faults]]
at = "4s"
do = "error"
request = "KIND"
error = "ERROR"
share = 0.5
for = "6s"
"#;

/// Compares the traces of a plan, without bytes and with them.
#[track_caller]
fn compare(plan: &Plan, simulator: impl Fn() -> Simulator, what: &str) {
    let run = |mut simulator: Simulator| {
        let mut trace = Trace::new();
        assert_eq!(simulator.run(plan, &mut trace), Ok(()), "{what}");
        trace
    };
    let (lean, encoded) = (run(simulator()), run(simulator().encoded()));
    let mut both = lean.entries().iter().zip(encoded.entries());
    let differ = both.find(|(lean, encoded)| lean != encoded);
    assert_eq!(differ, None, "{what}: without bytes, and with them");
    assert_eq!(lean.fingerprint(), encoded.fingerprint(), "{what}");
}

/// Reads a scenario of the library.
fn scenario(name: &str) -> Scenario {
    let found = LIBRARY.iter().find(|(known, _)| *known == name);
    let (name, text) = found.expect("the library has it");
    Scenario::parse(name, text).expect("it is a scenario")
}

#[test]
fn bytes_change_no_trace_of_the_library() {
    for (name, _) in LIBRARY {
        let plan = Plan::draw(&scenario(name), 0);
        compare(&plan, Simulator::new, name);
    }
}

#[test]
fn bytes_change_no_trace_of_busy_scenarios() {
    for name in BUSY {
        let scenario = scenario(name);
        for seed in 1..=SEEDS {
            let plan = Plan::draw(&scenario, seed);
            compare(&plan, Simulator::new, &format!("{name}, seed {seed}"));
        }
    }
}

#[test]
fn bytes_change_no_trace_of_other_clients() {
    let known = Subject::ALL
        .iter()
        .filter(|subject| SubjectSpec::of(**subject).is_some());
    for subject in known {
        for name in BUSY {
            let plan = Plan::draw(&scenario(name), 1);
            let what = format!("{name}, {subject}");
            compare(&plan, || Simulator::with_subject(*subject), &what);
        }
    }
}

#[test]
fn every_error_is_the_same_in_bytes() {
    for kind in RequestKind::ALL {
        for error in ErrorName::of_request(*kind) {
            let text = REFUSED
                .replace("KIND", kind.word())
                .replace("ERROR", error.word());
            let scenario = Scenario::parse("refused.toml", &text).expect("it is a scenario");
            let plan = Plan::draw(&scenario, 1);
            compare(&plan, Simulator::new, &format!("{kind}, {error}"));
        }
    }
}
