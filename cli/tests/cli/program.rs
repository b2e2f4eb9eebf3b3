//! Starts the program.

use std::path::Path;
use std::process::{Command, Output};

/// What the program printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// Prepares to start the program in `folder`, as [`command_of`] does.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    command_of(env!("CARGO_BIN_EXE_plimsoll"), folder, arguments)
}

/// Prepares to start a program in `folder`: nothing of the caller's terminal or locale reaches it,
/// and no configuration above the folder, which is its home directory.
pub(crate) fn command_of(program: &str, folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", folder)
        .env("USERPROFILE", folder);
    command
}

/// Starts the program in an empty folder of its own.
pub(crate) fn plimsoll(arguments: &[&str]) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder");
    plimsoll_in(folder.path(), arguments)
}

/// Starts the program in `folder`.
pub(crate) fn plimsoll_in(folder: &Path, arguments: &[&str]) -> Ended {
    Ended::of(&mut command(folder, arguments))
}

/// Returns a report without the line that depends on the machine.
pub(crate) fn without_timing(report: &str) -> String {
    let lines = report.lines().filter(|line| !line.starts_with("Took "));
    lines.map(|line| format!("{line}\n")).collect()
}

impl Ended {
    /// Runs a program to its end.
    pub(crate) fn of(command: &mut Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().expect("the program starts");
        Self {
            code: status.code().expect("the program ends by itself"),
            stdout: String::from_utf8(stdout).expect("UTF-8"),
            stderr: String::from_utf8(stderr).expect("UTF-8"),
        }
    }

    /// Runs a program to its end as if the machine had no container engine.
    pub(crate) fn without_engine(command: &mut Command) -> Self {
        Self::of(command.env("DOCKER_HOST", "unix:///no/such/engine.sock"))
    }

    /// Writes code and output as a snapshot shows them.
    pub(crate) fn transcript(&self) -> String {
        let Self {
            code,
            stdout,
            stderr,
        } = self;
        format!("exit {code}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }

    /// Lists the failures of a JSON report, to say why it is not what was expected.
    pub(crate) fn failures(&self) -> String {
        let report = self.json();
        let scenarios = report["scenarios"].as_array().cloned().unwrap_or_default();
        let failures = scenarios.iter().map(|scenario| &scenario["failures"]);
        let failures = failures.flat_map(|list| list.as_array().cloned().unwrap_or_default());
        failures.map(|failure| format!("{failure:#}\n")).collect()
    }

    /// Returns what a JSON report tells of the property, which must be violated in its first scenario.
    pub(crate) fn failure(&self, property: &str) -> serde_json::Value {
        let report = self.json();
        let failures = report["scenarios"][0]["failures"].as_array();
        let mut failures = failures.expect("a list").iter();
        let failure = failures.find(|failure| failure["property"] == property);
        failure
            .cloned()
            .unwrap_or_else(|| panic!("no {property} in {}", self.stdout))
    }

    /// Parses the JSON document on standard output.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error} in:\n{}\n{}", self.stdout, self.stderr))
    }
}
