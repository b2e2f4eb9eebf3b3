//! Backend `kafka`: the same plans as in the simulator, against real brokers and real processes,
//! judged by the same checkers.

mod error;

pub use error::ChaosError;

use plimsoll_scenarios::{Backend, BackendError, Plan, Refusal, Trace};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Where the brokers come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterSource {
    /// Three brokers in containers, for as long as the backend lives.
    Containers,
    /// A cluster that is there already, by its bootstrap servers; its brokers cannot be broken.
    Bootstrap(String),
}

/// What is run as a member of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectCommand {
    /// Plimsoll's own consumer: this program, which runs [`member_main`] when it is called with
    /// the one argument `member`.
    Own(PathBuf),
    /// Any program that keeps to the contract of external subjects.
    External {
        /// What is executed.
        program: OsString,
        /// With these arguments.
        arguments: Vec<OsString>,
    },
}

/// What a backend needs to know before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where the brokers come from.
    pub source: ClusterSource,
    /// Who stands trial.
    pub subject: SubjectCommand,
}

impl Options {
    /// Why no backend with these options can execute the plan, before anything is started.
    pub fn refuses(&self, _plan: &Plan) -> Option<Refusal> {
        None
    }
}

/// The backend `kafka`: one cluster, on which plans run one after the other or side by side.
///
/// Cheap to clone; every clone runs on the same cluster.
#[derive(Clone, Debug)]
pub struct Kafka {}

impl Kafka {
    /// Starts the cluster, or attaches to one.
    ///
    /// # Errors
    /// Where there is no container engine, no image, or no broker that answers.
    pub fn start(options: Options) -> Result<Self, ChaosError> {
        let _ = options;
        Err(ChaosError::Environment("not built yet".into()))
    }

    /// Ends all runs soon, as if by Ctrl-C.
    pub fn interrupt(&self) {}

    /// Removes what was started.
    pub fn shut_down(self) {}
}

impl Backend for Kafka {
    fn name(&self) -> &'static str {
        "kafka"
    }

    fn refuses(&self, _plan: &Plan) -> Option<Refusal> {
        None
    }

    fn run(&mut self, _plan: &Plan, _trace: &mut Trace) -> Result<(), BackendError> {
        Err(BackendError::Internal("not built yet".into()))
    }
}

/// What `plimsoll member` does: one member of the group with Plimsoll's own consumer, configured
/// by its environment.
pub fn member_main() -> ExitCode {
    ExitCode::FAILURE
}
