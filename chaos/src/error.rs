//! The errors of the backend, by what is at fault: the environment, the scenario, the subject or
//! Plimsoll itself.

use plimsoll_scenarios::BackendError;
use thiserror::Error;

/// Why something could not be done on real Kafka.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChaosError {
    /// A lack of the environment: no container engine, no image, a broker that does not answer.
    #[error("{0}")]
    Environment(String),
    /// A scenario that asks for what this backend cannot do.
    #[error("{0}")]
    Scenario(String),
    /// A subject that could not be started, or did what no subject may do.
    #[error("{0}")]
    Subject(String),
    /// A failure of Plimsoll itself.
    #[error("{0}")]
    Internal(String),
    /// An interruption by Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl From<ChaosError> for BackendError {
    fn from(error: ChaosError) -> Self {
        match error {
            ChaosError::Environment(text) | ChaosError::Scenario(text) => Self::Environment(text),
            ChaosError::Subject(text) => Self::Subject(text),
            ChaosError::Internal(text) => Self::Internal(text),
            ChaosError::Interrupted => Self::Interrupted,
        }
    }
}
