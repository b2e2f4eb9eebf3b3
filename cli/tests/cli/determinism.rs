//! The same scenario and seed: the same trace, in another process, in any number of threads.

use crate::program::{command, plimsoll};
use std::process::{Child, Stdio};

#[test]
fn two_processes_give_the_same_traces() {
    assert_same_traces(100, &[]);
}

/// Runs the production driver, whose tasks a runtime schedules.
#[test]
fn two_processes_give_the_same_traces_of_the_driver() {
    assert_same_traces(20, &["--subject", "plimsoll-driver"]);
}

/// Compares whole reports, failures and all.
#[test]
fn reports_do_not_depend_on_the_number_of_threads() {
    let report = |jobs: &str| {
        let arguments = ["run", "reference", "--seeds", "200", "--format", "json"];
        let subject = ["--subject", "auto-commit", "--jobs", jobs];
        let ended = plimsoll(&[&arguments[..], &subject[..]].concat());
        assert_eq!(ended.code, 10, "{}", ended.transcript());
        let mut report = ended.json();
        let fields = report.as_object_mut().expect("an object");
        assert!(fields.remove("timing").is_some());
        report
    };
    let one = report("1");
    assert_eq!(one, report("2"));
    assert_eq!(one, report("3"));
}

/// Runs every library scenario under some seeds in two processes at once, with one thread and with
/// two.
fn assert_same_traces(seeds: usize, more: &[&str]) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let start = |jobs: &str| {
        let seeds = seeds.to_string();
        let arguments = ["run", "--seeds", &seeds, "--keep-going", "--print-hashes"];
        let arguments = [&arguments[..], &["--jobs", jobs], more].concat();
        command(folder.path(), &arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts")
    };
    let hashes = |child: Child| {
        let output = child.wait_with_output().expect("the program ends");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let (one, two) = (start("1"), start("2"));
    let (one, two) = (hashes(one), hashes(two));
    let different = one.lines().zip(two.lines()).find(|(one, two)| one != two);
    assert_eq!(different, None);
    assert_eq!(one.lines().count(), two.lines().count());
    let scenarios = plimsoll(&["list"]).stdout.lines().count();
    assert_eq!(one.lines().count(), scenarios * seeds);
}
