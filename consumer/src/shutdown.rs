//! The signals that ask a process to stop.

/// Waits until the process gets SIGINT or SIGTERM (on Windows: Ctrl-C).
///
/// From the first call on, the signals do not end the process by themselves any more. Where they
/// cannot be watched, this waits for ever, and the signals end the process as before.
pub async fn signal() {
    if let Err(error) = wait().await {
        tracing::error!(%error, "cannot watch for signals: they will end the process at once");
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
async fn wait() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = interrupt.recv() => tracing::info!("SIGINT: finishing what is in flight"),
        _ = terminate.recv() => tracing::info!("SIGTERM: finishing what is in flight"),
    }
    Ok(())
}

#[cfg(not(unix))]
async fn wait() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
