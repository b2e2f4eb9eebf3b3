//! What can go wrong with the backend, by whose mistake it is.

use plimsoll_scenarios::BackendError;
use thiserror::Error;

/// Why something could not be done on real Kafka.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ChaosError {
    /// The environment lacks something: no container engine, no image, a broker that does not
    /// answer.
    #[error("{0}")]
    Environment(String),
    /// The scenario asks for what this backend cannot do.
    #[error("{0}")]
    Scenario(String),
    /// The subject could not be started, or did what no subject may do.
    #[error("{0}")]
    Subject(String),
    /// Plimsoll itself failed.
    #[error("{0}")]
    Internal(String),
    /// Ctrl-C.
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
