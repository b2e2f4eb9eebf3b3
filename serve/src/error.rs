//! Why a cluster cannot be served.

use std::io;

/// Why a cluster cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address is taken, or not this machine's.
    #[error("cannot listen at {address}")]
    Listen {
        /// The address.
        address: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A broker's port would be beyond the last one.
    #[error("port {first} leaves no room for the ports of {brokers} brokers")]
    Ports {
        /// The first broker's port.
        first: u16,
        /// The number of brokers.
        brokers: u16,
    },
    /// The operating system gives no thread, timer or the like.
    #[error("cannot start")]
    Start(#[from] io::Error),
}
