//! What can go wrong: a setting, the operating system, or the client.

use std::io;

/// The reason why a consumer did not start, or did not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A setting that a consumer cannot keep to.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A thread that the operating system refused.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
    /// A client that cannot go on.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// A setting that is missing, refused or out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("setting `{name}`: {problem}")]
pub struct SettingError {
    /// The name of the setting, as it is written in code or in librdkafka's configuration.
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

/// The reason why a client cannot go on. What was finished and not committed will be handled again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// An error after which only a new client helps: another member with the same
    /// `group.instance.id`, for example.
    #[error("the Kafka client cannot go on: {reason}")]
    Fatal {
        /// The error, in the client's words.
        reason: String,
    },
    /// An unexpected end of the client.
    #[error("the Kafka client has ended unexpectedly")]
    Ended,
}
