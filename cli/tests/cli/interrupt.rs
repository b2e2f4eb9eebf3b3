//! Signals that interrupt a run, which only Unix has.

use crate::program::command;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

#[test]
fn an_interrupted_run_ends_with_a_summary() {
    for signal in ["INT", "TERM", "HUP"] {
        let (code, stdout) = interrupted(signal, &[]);
        assert_eq!(code, Some(130), "{signal}: {stdout}");
        let verdict = "1 of 1 scenario ran: every expectation met so far.\n";
        assert!(stdout.ends_with(verdict), "{signal}: {stdout}");
    }
}

#[test]
fn what_an_interrupted_run_has_found_is_its_exit_code() {
    let (code, stdout) = interrupted("TERM", &["--subject", "auto-commit", "--keep-going"]);
    assert_eq!(code, Some(10), "{stdout}");
}

/// Interrupts a run that would take ages, and returns its exit code and what it said.
fn interrupted(signal: &str, more: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let all = u64::MAX.to_string();
    let arguments = [&["run", "reference", "--seeds", &all], more].concat();
    let child = command(folder.path(), &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // Long enough for the run to have begun on any machine.
    thread::sleep(Duration::from_secs(2));
    let kill = Command::new("kill")
        .args([&format!("-{signal}"), &child.id().to_string()])
        .status()
        .expect("there is a kill");
    assert!(kill.success());
    let output = child.wait_with_output().expect("the program ends");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(
        stdout.contains("Interrupted: the report covers what ran.\n"),
        "{stdout}"
    );
    assert!(stdout.contains(" simulated hours, "), "{stdout}");
    (output.status.code(), stdout)
}
