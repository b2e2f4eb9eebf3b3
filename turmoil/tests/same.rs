//! The same seed gives the same bytes, in another process too, and after another run.

mod running;

use plimsoll_scenarios::{LIBRARY, Plan, Scenario, Subject};
use plimsoll_turmoil::Turmoil;
use std::fmt::Write as _;
use std::process::Command;

/// Scenarios with many kinds of faults.
const SOME: [&str; 4] = [
    "reference",
    "quick/member-killed",
    "quick/connections-cut",
    "quick/coordinator-out-of-reach",
];

/// Returns the traces of some schedules, each entry in a line.
fn traces() -> String {
    let mut lines = String::new();
    for (label, text) in LIBRARY.iter().filter(|(label, _)| SOME.contains(label)) {
        let mut scenario = Scenario::parse(label, text).expect("the library has no mistakes");
        scenario.settings.consumers.subject = Subject::PlimsollDriver;
        for seed in 0..2 {
            let judged = running::judged(Turmoil::new(), &Plan::draw(&scenario, seed));
            let (trace, _) = judged.expect("it is not refused");
            for entry in trace.entries() {
                writeln!(lines, "> {label} {seed} {entry:?}").expect("it is a string");
            }
        }
    }
    lines
}

/// Returns what another process says that the traces are.
fn elsewhere() -> String {
    let program = std::env::current_exe().expect("this program has a file");
    let mut child = Command::new(program);
    child.args(["--ignored", "--exact", "--nocapture", "prints_the_traces"]);
    let output = child.output().expect("it starts");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("it is text");
    // What the harness itself says is left out.
    let lines = text.lines().filter(|line| line.starts_with("> "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn two_processes_give_the_same_bytes() {
    let first = elsewhere();
    assert!(first.lines().count() > 1_000, "{}", first.lines().count());
    assert!(first == elsewhere(), "two processes differ");
    let (here, again) = (traces(), traces());
    assert!(here == first, "this process differs");
    assert!(here == again, "a second run differs");
}

#[test]
#[ignore = "it is what the other test runs in processes of their own"]
fn prints_the_traces() {
    println!();
    print!("{}", traces());
}
