//! Whether tests can have real brokers.

use crate::cluster;
use std::env;
use std::io::{self, Write as _};
use std::sync::Once;

/// The environment variable that makes a test fail that would be skipped for want of Kafka.
const REQUIRE: &str = "PLIMSOLL_REQUIRE_KAFKA";

/// Returns whether a test can have brokers in containers: an engine answers and has an image. Where
/// it cannot, prints one line that says that such tests are skipped, and why.
///
/// # Panics
/// Where it cannot and `PLIMSOLL_REQUIRE_KAFKA=1` is set.
#[doc(hidden)]
pub fn kafka_for_tests() -> bool {
    let Err(error) = available() else {
        return true;
    };
    assert!(
        env::var(REQUIRE).as_deref() != Ok("1"),
        "{REQUIRE} is set, but {error}"
    );
    // Once for all tests of a binary, and not by `eprintln`, which tests that pass keep to
    // themselves.
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let _ = writeln!(io::stderr(), "*** SKIPPED, tests on real Kafka: {error}");
    });
    false
}

/// Waits until no other test of this crate has brokers, and keeps it so while the guard lives: many
/// brokers at once would starve each other.
#[cfg(test)]
pub(crate) async fn brokers_alone() -> tokio::sync::MutexGuard<'static, ()> {
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ALONE.lock().await
}

/// Looks for an engine and an image, on a thread of its own: the caller may be within a runtime.
fn available() -> Result<(), String> {
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
