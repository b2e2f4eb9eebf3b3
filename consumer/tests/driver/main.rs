//! The driver against a client whose events a test scripts.

mod client;
mod handlers;
mod metrics;
mod rebalances;
#[path = "../recorder/mod.rs"]
mod recorder;
mod shutdown;
