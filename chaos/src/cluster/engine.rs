//! The container engine: where it is, and what it says when it refuses.

use crate::error::ChaosError;
use bollard::Docker;
use bollard::errors::Error as DockerError;
use std::env;
use std::path::Path;
use std::time::Duration;
use tokio::time::timeout;

/// The time limit for the engine to answer that it is there.
const ENGINE: Duration = Duration::from_secs(10);

/// Connects to the container engine.
///
/// # Errors
/// Where no engine answers.
pub(super) async fn connect() -> Result<Docker, ChaosError> {
    let host = host();
    let none = |why: String| {
        ChaosError::Environment(format!(
            "no Docker engine answers at {host}: start it, or give --brokers embedded or \
             --bootstrap ({why})"
        ))
    };
    let client = Docker::connect_with_host(&host).map_err(|error| none(error.to_string()))?;
    match timeout(ENGINE, client.negotiate_version()).await {
        Ok(Ok(docker)) => Ok(docker),
        Ok(Err(error)) => Err(none(error.to_string())),
        Err(_) => Err(none(format!("silent for {} s", ENGINE.as_secs()))),
    }
}

/// Returns the address of the engine: the one that `DOCKER_HOST` names, else the first socket that
/// is there, of an engine that runs as root and of those that do not.
pub(super) fn host() -> String {
    if let Ok(host) = env::var("DOCKER_HOST")
        && !host.is_empty()
    {
        return host;
    }
    const ROOT: &str = "/var/run/docker.sock";
    let below = |variable: &str, path: &str| {
        let folder = env::var_os(variable)?;
        Some(Path::new(&folder).join(path).display().to_string())
    };
    let sockets = [
        Some(ROOT.to_owned()),
        below("XDG_RUNTIME_DIR", "docker.sock"),
        below("HOME", ".docker/run/docker.sock"),
        below("HOME", ".docker/desktop/docker.sock"),
    ];
    let mut sockets = sockets.into_iter().flatten();
    let socket = sockets.find(|socket| Path::new(socket).exists());
    format!("unix://{}", socket.as_deref().unwrap_or(ROOT))
}

/// Makes the error for what the engine did not do.
pub(super) fn failed(what: &str, name: &str, why: impl std::fmt::Display) -> ChaosError {
    ChaosError::Environment(format!("Docker did not {what} {name}: {why}"))
}

/// Returns whether the engine says that there is no such thing.
pub(super) fn is_missing(error: &DockerError) -> bool {
    matches!(
        error,
        DockerError::DockerResponseServerError {
            status_code: 404,
            ..
        }
    )
}

/// Returns whether the engine says that there is no such thing, or that something else removes it
/// already.
pub(super) fn is_going(error: &DockerError) -> bool {
    matches!(error, DockerError::DockerResponseServerError { status_code: 409, message }
        if message.contains("already in progress"))
        || is_missing(error)
}
