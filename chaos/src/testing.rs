//! Whether tests can have real brokers.

use crate::cluster;
use std::env;
use std::io::{self, Write as _};
use std::sync::Once;

/// What makes a test fail that would be skipped for want of Kafka.
const REQUIRE: &str = "PLIMSOLL_REQUIRE_KAFKA";

/// Whether a test can have brokers in containers: an engine answers and has an image. Where not,
/// it says in one line that such tests are skipped, and why.
///
/// # Panics
/// Instead of that, where `PLIMSOLL_REQUIRE_KAFKA=1`.
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
        let _ = writeln!(io::stderr(), "*** SKIPPED, what needs Kafka: {error}");
    });
    false
}

/// Held by a test of this crate for as long as it has brokers: many at once would starve each other.
#[cfg(test)]
pub(crate) async fn brokers_alone() -> tokio::sync::MutexGuard<'static, ()> {
    static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    ALONE.lock().await
}

/// On a thread of its own, since the caller may be within a runtime.
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
        .unwrap_or_else(|_| Err("the engine could not be asked".into()))
}
