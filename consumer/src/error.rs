//! What can go wrong, by whose mistake it is.

use std::io;

/// Why a consumer did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting is not one that a consumer can keep to.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The operating system refused a thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
    /// The client cannot go on.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A setting that is missing, refused or out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting `{name}`: {problem}")]
pub struct SettingError {
    /// The setting, as it is written in code or in librdkafka's configuration.
    pub name: String,
    /// What is wrong, and what to do instead.
    pub problem: String,
}

#[cfg(feature = "librdkafka")]
impl SettingError {
    pub(crate) fn new(name: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            problem: problem.into(),
        }
    }
}

/// Why a client cannot go on. What was finished and not committed will be handled again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The client says that nothing can help but a new one: a static member whose
    /// `group.instance.id` somebody else uses, for example.
    #[error("the Kafka client cannot go on: {reason}")]
    Fatal {
        /// In the client's words.
        reason: String,
    },
    /// The client ended without being asked to.
    #[error("the Kafka client has ended unexpectedly")]
    Ended,
}
