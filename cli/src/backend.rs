//! What executes plans: the simulator, or real Kafka.

use crate::args::{BackendArgs, BackendName, SeedRange};
use crate::error::CliError;
use crate::{interrupt, progress, shell};
use plimsoll_chaos::{ClusterSource, Kafka, Options, SubjectCommand};
use plimsoll_scenarios::{Backend, Plan};
use plimsoll_sim::Simulator;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What executes plans, as the command line chooses it; nothing is started yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The simulator.
    Sim,
    /// Real brokers and real processes.
    Kafka(Options),
}

impl Choice {
    /// Reads the choice from the arguments; `command` is the subject that stands after `--`.
    ///
    /// # Errors
    /// Where arguments do not go together, or the command does not exist.
    pub(crate) fn of(args: &BackendArgs, command: &[OsString]) -> Result<Self, CliError> {
        let source = match (args.backend, &args.bootstrap) {
            (BackendName::Kafka, None) => ClusterSource::Containers,
            (BackendName::Kafka, Some(servers)) => ClusterSource::Bootstrap(servers.clone()),
            (BackendName::Sim, Some(_)) => return Err(only_with_kafka("--bootstrap")),
            (BackendName::Sim, None) if !command.is_empty() => {
                return Err(only_with_kafka("a command after `--`"));
            }
            (BackendName::Sim, None) => return Ok(Self::Sim),
        };
        let subject = match command {
            [] => SubjectCommand::Own(this_program()?),
            [program, arguments @ ..] => SubjectCommand::External {
                program: find(program)?.into_os_string(),
                arguments: arguments.to_vec(),
            },
        };
        Ok(Self::Kafka(Options { source, subject }))
    }

    /// Returns its name on the command line.
    pub(crate) const fn name(&self) -> BackendName {
        match self {
            Self::Sim => BackendName::Sim,
            Self::Kafka(_) => BackendName::Kafka,
        }
    }

    /// Returns the seeds of a command that names none.
    pub(crate) const fn default_seeds(&self) -> SeedRange {
        let to = match self {
            Self::Sim => 1000,
            Self::Kafka(_) => 1,
        };
        SeedRange { from: 0, to }
    }

    /// Returns the program that stands trial instead of the scenarios' subjects, as words for a
    /// shell.
    pub(crate) fn command(&self) -> Option<String> {
        match self {
            Self::Kafka(Options {
                subject: SubjectCommand::External { program, arguments },
                ..
            }) => {
                let words = std::iter::once(program).chain(arguments);
                let words = words.map(|word| shell::quoted(&word.to_string_lossy()));
                Some(words.collect::<Vec<_>>().join(" "))
            }
            _ => None,
        }
    }

    /// Returns the end of a command line that makes this choice again.
    pub(crate) fn arguments(&self) -> String {
        let Self::Kafka(options) = self else {
            return String::new();
        };
        let mut text = String::from(" --backend kafka");
        if let ClusterSource::Bootstrap(servers) = &options.source {
            text += &format!(" --bootstrap {servers}");
        }
        if let Some(command) = self.command() {
            text += &format!(" -- {command}");
        }
        text
    }

    /// Returns the reason why the plan cannot be executed there, if there is one, before anything
    /// is started. The simulator needs no start, so it is asked when it runs the plan.
    pub(crate) fn refuses(&self, plan: &Plan) -> Option<String> {
        match self {
            Self::Sim => None,
            Self::Kafka(options) => options.refuses(plan).map(|refusal| refusal.reason),
        }
    }

    /// Starts the backend.
    ///
    /// # Errors
    /// Where the environment lacks something.
    pub(crate) fn start(&self) -> Result<StartedBackend, CliError> {
        let Self::Kafka(options) = self else {
            return Ok(StartedBackend::default());
        };
        let waiting = progress::waiting(match &options.source {
            ClusterSource::Containers => "starting a Kafka cluster",
            ClusterSource::Bootstrap(_) => "asking the Kafka cluster",
        });
        let kafka = Kafka::start(options.clone())?;
        waiting.finish_and_clear();
        let interrupted = kafka.clone();
        interrupt::on_request(move || interrupted.interrupt());
        Ok(StartedBackend::Kafka(kafka))
    }
}

fn only_with_kafka(what: &str) -> CliError {
    CliError::usage(
        format!("{what} needs --backend kafka"),
        "The simulator has its own cluster, and its own subjects (`plimsoll list --subjects`).",
    )
}

fn this_program() -> Result<PathBuf, CliError> {
    env::current_exe().map_err(|error| {
        CliError::Environment(format!("cannot tell where this program is: {error}"))
    })
}

/// Finds the file that a command names: a path, or a name to look up as a shell does.
fn find(program: &OsStr) -> Result<PathBuf, CliError> {
    let path = Path::new(program);
    let found = if path.components().count() > 1 || path.has_root() {
        is_executable(path).then(|| path.to_owned())
    } else {
        let folders = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&folders)
            .map(|folder| folder.join(path))
            .find(|file| is_executable(file))
    };
    found.ok_or_else(|| {
        CliError::usage(
            format!("there is no program `{}`", path.display()),
            "After `--` stands the command that starts one member of the group.",
        )
    })
}

#[cfg(unix)]
fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(file: &Path) -> bool {
    file.is_file()
}

/// What executes plans, started. Each thread has one of its own.
#[derive(Debug)]
pub(crate) enum StartedBackend {
    /// The simulator.
    Sim(Box<Simulator>),
    /// A real cluster, which all threads share.
    Kafka(Kafka),
}

impl StartedBackend {
    /// Makes one for another thread, or in place of one that panicked half-way.
    pub(crate) fn another(&self) -> Self {
        match self {
            Self::Sim(_) => Self::default(),
            Self::Kafka(kafka) => Self::Kafka(kafka.clone()),
        }
    }

    /// Returns the backend itself.
    pub(crate) fn get(&mut self) -> &mut dyn Backend {
        match self {
            Self::Sim(simulator) => simulator.as_mut(),
            Self::Kafka(kafka) => kafka,
        }
    }

    /// Returns the number of events that it has simulated.
    pub(crate) fn events(&self) -> u64 {
        match self {
            Self::Sim(simulator) => simulator.events(),
            Self::Kafka(_) => 0,
        }
    }

    /// Tells whether its runs take real time, and can never be had again.
    pub(crate) const fn is_real(&self) -> bool {
        matches!(self, Self::Kafka(_))
    }

    /// Removes what was started.
    pub(crate) fn shut_down(self) {
        if let Self::Kafka(kafka) = self {
            kafka.shut_down();
        }
    }
}

impl Default for StartedBackend {
    fn default() -> Self {
        Self::Sim(Box::default())
    }
}
