//! Whether tests can have real brokers, and a plan for those that need none.

#[cfg(feature = "containers")]
use crate::cluster;
#[cfg(test)]
use plimsoll_scenarios::{Plan, Scenario};

/// Looks for an engine and an image of Kafka, and returns why tests can have no brokers in
/// containers where one is missing. It asks on a thread of its own: the caller may be within a
/// runtime.
///
/// # Errors
/// Where one is missing.
#[cfg(feature = "containers")]
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

/// Draws a plan for one partition of the topic `orders`, two members, `messages` messages, these faults
/// and these lines of `[consumers]`.
#[cfg(test)]
pub(crate) fn plan(messages: u32, faults: &str, consumers: &str) -> Plan {
    let text = format!(
        r#"
description = "A little of everything."
duration = "60s"
faults = [{faults}]

[[topics]]
name = "orders"
partitions = 1

[workload]
messages = {messages}
rate = "1/s"

[consumers]
members = 2
{consumers}
"#
    );
    let scenario = Scenario::parse("little.toml", &text).expect("it is a scenario");
    Plan::draw(&scenario, 1)
}

/// The turns of tests that start brokers: two at once wait for most of their time, and many would
/// starve each other.
#[cfg(feature = "kafka-tests")]
static TURNS: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(2);

/// Waits until a test may start brokers, beside one other at most, and keeps its turn while the
/// permit lives.
#[cfg(feature = "kafka-tests")]
pub(crate) async fn brokers() -> tokio::sync::SemaphorePermit<'static> {
    TURNS.acquire().await.expect("it is never closed")
}

/// Waits until no other test of this crate has brokers, and keeps it so while the permit lives.
#[cfg(feature = "kafka-tests")]
pub(crate) async fn brokers_alone() -> tokio::sync::SemaphorePermit<'static> {
    TURNS.acquire_many(2).await.expect("it is never closed")
}
