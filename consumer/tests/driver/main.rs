//! The driver against a client that says what a test wants.

mod client;
mod handlers;
mod rebalances;
mod shutdown;
