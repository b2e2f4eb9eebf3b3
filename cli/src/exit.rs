//! How the program ends: stable numbers that scripts may rely on.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every expectation was met.
    Met,
    /// Plimsoll itself failed.
    Internal,
    /// The command or a scenario has a mistake.
    Mistake,
    /// The environment lacks something.
    Environment,
    /// A property was violated, or another expectation of a scenario was not met.
    Violated,
}

/// The table that `--help` prints.
pub const HELP: &str = "\
Exit codes:
   0  every expectation was met
   1  Plimsoll itself failed
   2  the command or a scenario has a mistake
   3  the environment lacks something (a folder that cannot be written, a container engine, a
      broker that answers, ...), the subject cannot be started, or the backend cannot execute
      what was asked for
  10  a property was violated, or another expectation of a scenario was not met";

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Met => 0,
            Self::Internal => 1,
            Self::Mistake => 2,
            Self::Environment => 3,
            Self::Violated => 10,
        }
    }

    /// Of two results of one command, the one to end with: what makes the other doubtful first.
    pub fn or(self, other: Self) -> Self {
        if other.rank() > self.rank() {
            other
        } else {
            self
        }
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Met => 0,
            Self::Violated => 1,
            Self::Environment => 2,
            Self::Mistake => 3,
            Self::Internal => 4,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
