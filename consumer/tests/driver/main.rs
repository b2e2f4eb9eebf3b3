//! The driver against a client whose events a test scripts.

mod client;
mod handlers;
mod metrics;
mod rebalances;
mod shutdown;
