//! The driver against a client whose events a test scripts.

mod client;
mod handlers;
mod rebalances;
mod shutdown;
