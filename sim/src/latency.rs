//! How long messages are on their way, and how long news wait at the other end.

use plimsoll_scenarios::Rng;
use plimsoll_scenarios::scenario::Distribution;
use std::time::Duration;

/// The network's latency in nanoseconds, ready to be drawn for every message.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    /// The shortest, where the link is not slow.
    pub(crate) min: u64,
    spread: u64,
    slow_share: f64,
    slow_min: u64,
    slow_spread: u64,
}

impl Latency {
    /// Takes a distribution as the language has it.
    pub(crate) fn new(distribution: Distribution) -> Self {
        let nanos = |duration: Duration| duration.as_nanos() as u64;
        let spread = |min: Duration, max: Duration| nanos(max.saturating_sub(min));
        Self {
            min: nanos(distribution.min),
            spread: spread(distribution.min, distribution.max),
            slow_share: distribution.slow_share,
            slow_min: nanos(distribution.slow_min),
            slow_spread: spread(distribution.slow_min, distribution.slow_max),
        }
    }

    /// Draws the time of one message.
    #[inline]
    pub(crate) fn sample(&self, rng: &mut Rng) -> u64 {
        if rng.chance(self.slow_share) {
            self.slow_min + rng.below(self.slow_spread + 1)
        } else {
            self.min + rng.below(self.spread + 1)
        }
    }
}

/// Draws the time, in nanoseconds, from when a broker has the controller's news until it has acted
/// upon them: the metadata of a broker are a log, which one thread reads and another one publishes
/// (`MetadataLoader.handleCommit`, `BrokerMetadataPublisher.onMetadataUpdate`). It is short; but
/// three brokers on a busy machine were seen to differ for 160 ms on which of them coordinates a
/// group.
pub(crate) fn publication(rng: &mut Rng) -> u64 {
    const SHORT: u64 = 10_000_000;
    const LONG: u64 = 160_000_000;
    let longest = if rng.chance(0.1) { LONG } else { SHORT };
    rng.below(longest)
}
