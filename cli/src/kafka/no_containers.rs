//! Says that this program starts no brokers in containers.

use super::INSTALL;
use crate::error::CliError;

/// Refuses to start a cluster.
///
/// # Errors
/// Always.
pub(crate) fn up() -> Result<String, CliError> {
    absent()
}

/// Refuses to remove a cluster.
///
/// # Errors
/// Always.
pub(crate) fn down() -> Result<String, CliError> {
    absent()
}

/// Refuses to look for a cluster.
///
/// # Errors
/// Always.
pub(crate) fn status() -> Result<(String, bool), CliError> {
    absent()
}

/// Refuses whatever needs them.
///
/// # Errors
/// Always.
pub(super) fn absent<T>() -> Result<T, CliError> {
    Err(CliError::usage(
        "this plimsoll is built without brokers in containers",
        format!(
            "It serves simulated ones itself (`--brokers embedded`), and takes a cluster that is \
             there already (`--bootstrap`). {INSTALL}"
        ),
    ))
}
