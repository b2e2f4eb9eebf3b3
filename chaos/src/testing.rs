//! Whether tests can have real brokers.

use crate::cluster;

/// Looks for an engine and an image of Kafka, and returns why tests can have no brokers in
/// containers where one is missing. It asks on a thread of its own: the caller may be within a
/// runtime.
///
/// # Errors
/// Where one is missing.
#[doc(hidden)]
pub fn engine_for_tests() -> Result<(), String> {
    let ask = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        runtime
            .block_on(cluster::available())
            .map_err(|error| error.to_string())
    };
    std::thread::spawn(ask)
        .join()
        .unwrap_or_else(|_| Err("the thread that asks the container engine panicked".into()))
}

/// Waits until no other test of this crate has brokers, and keeps it so while the guard lives: many
/// brokers at once would starve each other.
#[cfg(feature = "kafka-tests")]
pub(crate) async fn brokers_alone() -> tokio::sync::MutexGuard<'static, ()> {
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ALONE.lock().await
}
