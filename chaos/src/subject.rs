//! The program that runs as a member, Plimsoll's own consumer or any other, and the environment
//! that it gets.

use crate::cluster::{RUN_VARIABLE, run_id};
use crate::contract;
use crate::error::ChaosError;
use crate::names::Names;
use crate::options::SubjectCommand;
use crate::per_member::PerMember;
use plimsoll_oracle::MemberId;
use plimsoll_scenarios::scenario::{Traffic, Workload};
use plimsoll_scenarios::{Plan, Scenario};
use serde_json::{Map, Value};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use tokio::process::{Child, Command};

/// The argument by which the program knows that it is a member.
const ARGUMENT: &str = "member";

/// The environment variable with the settings: a scenario of which only the consumers count.
pub(crate) const SETTINGS: &str = "PLIMSOLL_MEMBER_SETTINGS";

/// The number of lines of a failed process's standard error that are shown.
const LAST_LINES: usize = 8;

/// The program that runs as a member, and what it is told by its environment.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub command: SubjectCommand,
    pub plan: Arc<Plan>,
    pub names: Arc<Names>,
    /// The bootstrap servers of each member.
    pub bootstraps: PerMember<String>,
    /// The base of the sink's URL.
    pub sink: String,
    /// The folder with a file for each member, to which its standard error is appended.
    pub logs: PathBuf,
}

impl Subject {
    /// Starts a process for a member, in a process group of its own.
    ///
    /// # Errors
    /// Where it cannot be executed.
    pub(crate) fn spawn(&self, member: MemberId) -> Result<Child, ChaosError> {
        let mut command = match &self.command {
            SubjectCommand::Own(program) => {
                let mut command = Command::new(program);
                command.arg(ARGUMENT);
                command.env(SETTINGS, settings(&self.plan));
                command
            }
            SubjectCommand::External { program, arguments } => {
                let mut command = Command::new(program);
                command.args(arguments);
                command
            }
        };
        let told = self.told(member);
        for (variable, value) in &told {
            command.env(variable, contract::text(value));
        }
        command
            .env(contract::FILE, self.contract_file(member, told)?)
            .env(RUN_VARIABLE, run_id())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(self.log(member)?)
            .process_group(0);
        command.spawn().map_err(|error| {
            let program = command.as_std().get_program().display();
            ChaosError::Subject(format!("cannot start {program} as {member}: {error}"))
        })
    }

    fn told(&self, member: MemberId) -> Map<String, Value> {
        contract::variables(&contract::Source {
            plan: &self.plan,
            names: &self.names,
            bootstraps: &self.bootstraps,
            sink: &self.sink,
            member,
        })
    }

    /// Writes what a member is told into a file, and returns its path.
    fn contract_file(
        &self,
        member: MemberId,
        told: Map<String, Value>,
    ) -> Result<PathBuf, ChaosError> {
        let path = self.logs.join(format!("{member}.json"));
        let path = std::path::absolute(&path).unwrap_or(path);
        fs::write(&path, format!("{:#}\n", Value::Object(told)))
            .map_err(|error| cannot_write(&path, &error))?;
        Ok(path)
    }

    /// Makes the error for a process that ended before it had joined the group.
    pub(crate) fn gave_up(&self, member: MemberId, status: Option<ExitStatus>) -> ChaosError {
        let how = status.map_or_else(|| "in an unknown way".into(), |status| status.to_string());
        let written = self.last_words(member);
        ChaosError::Subject(format!(
            "{member} ended before it had joined its group ({how}); {written}"
        ))
    }

    /// Makes the error for a run in which no member asked to join the group; `hidden` asked for a
    /// group protocol that is hidden.
    pub(crate) fn never_joined(&self, member: MemberId, hidden: Option<MemberId>) -> ChaosError {
        let mut text = "no member ever asked to join the group".to_owned();
        if let Some(hidden) = hidden {
            text += &format!(
                ": {hidden} asked for ConsumerGroupHeartbeat (KIP-848), which is hidden; use the \
                 classic protocol (`group.protocol=classic`)"
            );
        }
        let written = self.last_words(member);
        ChaosError::Subject(format!("{text}; {member} runs, and {written}"))
    }

    /// Returns the last lines of a member's standard error, as the end of a sentence.
    fn last_words(&self, member: MemberId) -> String {
        let written = fs::read_to_string(self.log_path(member)).unwrap_or_default();
        let lines: Vec<&str> = written.lines().rev().take(LAST_LINES).collect();
        if lines.is_empty() {
            return "it wrote nothing to standard error".into();
        }
        let lines = lines.iter().rev().map(|line| format!("\n  {line}"));
        format!("its standard error ends with:{}", lines.collect::<String>())
    }

    fn log_path(&self, member: MemberId) -> PathBuf {
        self.logs.join(format!("{member}.log"))
    }

    fn log(&self, member: MemberId) -> Result<File, ChaosError> {
        let path = self.log_path(member);
        let file = File::options().create(true).append(true).open(&path);
        file.map_err(|error| cannot_write(&path, &error))
    }
}

/// Writes the settings of a plan's consumers, for the environment of a member.
fn settings(plan: &Plan) -> String {
    let scenario = Scenario {
        settings: plan.settings.as_ref().clone(),
        workload: Workload::Drawn(Traffic::default()),
        faults: Vec::new(),
        seed: None,
    };
    scenario.to_toml()
}

fn cannot_write(path: &Path, error: &io::Error) -> ChaosError {
    ChaosError::Environment(format!("cannot write {}: {error}", path.display()))
}
