//! How the program ends: stable numbers that scripts may rely on.

use std::process::ExitCode;

/// How the program ends.
///
/// A command with several results ends with the greatest of them: what makes the others doubtful
/// comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// No failure: every expectation was met.
    Met,
    /// Interrupted by a signal (Ctrl-C, SIGTERM, SIGHUP), and nothing was found by then.
    Interrupted,
    /// A violated property, or another expectation of a scenario that was not met.
    Violated,
    /// Something that the environment lacks, or that the backend cannot execute.
    Environment,
    /// A mistake in the command or in a scenario.
    Mistake,
    /// A fault of Plimsoll itself.
    Internal,
}

/// The table that `--help` prints; the README has it too.
pub(crate) const HELP: &str = "\
Exit codes:
   0  every expectation was met, or was not tried (see `run --strict`)
   1  Plimsoll itself failed
   2  the command or a scenario has a mistake
   3  the environment lacks something (a folder that can be written, a container engine, a broker
      that answers, ...), the subject cannot be started, or the backend cannot execute what was
      asked for
  10  a property was violated, or another expectation of a scenario was not met: a rare thing that
      never happened, a fault that never took effect, ...
 130  interrupted (Ctrl-C, SIGTERM, SIGHUP), and nothing was found by then";

impl Exit {
    /// Returns how a command ends that was interrupted, where it was: never as if all were done.
    pub(crate) fn or_interrupted(self, interrupted: bool) -> Self {
        match interrupted {
            true => self.max(Self::Interrupted),
            false => self,
        }
    }

    /// Returns the number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Met => 0,
            Self::Internal => 1,
            Self::Mistake => 2,
            Self::Environment => 3,
            Self::Violated => 10,
            // What a shell reports of a process that SIGINT ended.
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
