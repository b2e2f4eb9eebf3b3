//! `[network]`: how the network behaves when nothing is wrong.

use super::Distribution;
use std::time::Duration;

/// The network between clients and brokers, and among brokers.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The time of one message, one way. Messages of one connection and direction keep their order.
    pub latency: Distribution,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            latency: Distribution::even(Duration::from_micros(200), Duration::from_millis(2)),
        }
    }
}
