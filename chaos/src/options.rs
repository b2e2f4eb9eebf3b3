//! What a user of the backend chooses.

use crate::known::Declared;
use std::ffi::OsString;
use std::path::PathBuf;

/// The source of the brokers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterSource {
    /// Three brokers in containers: those of the kept cluster if there is one, else new ones for as
    /// long as the backend lives.
    Containers,
    /// A cluster that is there already, by its bootstrap servers; its brokers cannot be broken.
    Bootstrap(String),
}

/// The program that runs as a member of the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectCommand {
    /// Plimsoll's own consumer: this program, which runs [`crate::member_main`] when it is called
    /// with the one argument `member`.
    Own(PathBuf),
    /// Any program that keeps to the contract of external subjects.
    External {
        /// The program's name or path.
        program: OsString,
        /// The program's arguments.
        arguments: Vec<OsString>,
    },
}

/// What a backend needs to know before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The source of the brokers.
    pub source: ClusterSource,
    /// The consumer under test.
    pub subject: SubjectCommand,
    /// The settings that are declared of a subject which is not Plimsoll's own consumer.
    pub declared: Declared,
}
