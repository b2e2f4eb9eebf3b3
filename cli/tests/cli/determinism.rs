//! The same scenario and seed: the same trace, in another process, in any number of threads.

use crate::program::{command, plimsoll};
use std::process::{Child, Stdio};

/// Runs every library scenario under 500 seeds in two processes at once, with one thread and with
/// two.
#[test]
fn two_processes_give_the_same_traces() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let start = |jobs: &str| {
        command(
            folder.path(),
            &[
                "run",
                "--seeds",
                "500",
                "--keep-going",
                "--print-hashes",
                "--jobs",
                jobs,
            ],
        )
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
    assert_eq!(one.lines().count(), scenarios * 500);
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
