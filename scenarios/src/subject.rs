//! Who can stand trial, by name.

use std::fmt;

/// A consumer under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// Plimsoll's own consumer, the core.
    Plimsoll,
    /// Sarama, auto-commit off, `MarkMessage` on success, `continue` on failure.
    SaramaManualMark,
    /// The same with auto-commit on.
    SaramaAutoMark,
    /// Commits what was polled, on a timer.
    AutoCommit,
}

impl Subject {
    /// All of them, in the order of listings.
    pub const ALL: [Self; 4] = [
        Self::Plimsoll,
        Self::SaramaManualMark,
        Self::SaramaAutoMark,
        Self::AutoCommit,
    ];

    /// The word for it in scenario files and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plimsoll => "plimsoll",
            Self::SaramaManualMark => "sarama-manual-mark",
            Self::SaramaAutoMark => "sarama-auto-mark",
            Self::AutoCommit => "auto-commit",
        }
    }

    /// What it does, in one sentence.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Plimsoll => "Plimsoll's own consumer: commits the watermark, retries in place",
            Self::SaramaManualMark => {
                "Sarama with auto-commit off, marking on success: never commits anything"
            }
            Self::SaramaAutoMark => {
                "Sarama with auto-commit on, marking on success: commits past a skipped failure"
            }
            Self::AutoCommit => "commits what was polled, on a timer, whatever the handler says",
        }
    }

    /// The subject of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.name() == name)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
