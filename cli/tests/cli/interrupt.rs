//! Ctrl-C.

use crate::program::command;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// Ends with a summary of what ran, and with the exit code of what was found by then.
#[test]
fn an_interrupted_run_ends_with_a_summary() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let all = u64::MAX.to_string();
    let child = command(folder.path(), &["run", "reference", "--seeds", &all])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // Long enough for the run to have begun on any machine; it would take ages to end.
    thread::sleep(Duration::from_secs(2));
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .expect("there is a kill");
    assert!(kill.success());
    let output = child.wait_with_output().expect("the program ends");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{stdout}");
    assert!(stdout.contains("Interrupted: the report covers what ran.\n"));
    assert!(stdout.contains(" simulated hours, "), "{stdout}");
}
