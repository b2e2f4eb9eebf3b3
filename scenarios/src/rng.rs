//! Random choices that stay the same: in every process, on every machine, in every version of
//! every library.
//!
//! A generator of our own (SplitMix64, Steele, Lea and Flood 2014) because a regression file must
//! replay byte for byte for years, and general libraries do not promise a stable stream.

use plimsoll_oracle::FaultId;
use std::time::Duration;

/// What a substream is for: two purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// When messages are produced, and what they are.
    Workload = 1,
    /// What becomes of a message in its handler.
    Fate,
    /// The time that a handler takes.
    HandlerTime,
    /// The latency of a link.
    Link,
    /// Which faults are drawn.
    Faults,
    /// The order of simultaneous events.
    Ties,
    /// Jitter of retries.
    Jitter,
    /// Choices of a client.
    Client,
    /// Where partitions lie.
    Placement,
    /// Results of handlers that were cancelled.
    Late,
    /// The time that a process takes to begin.
    Start,
    /// The time that a client takes until its first request.
    Bootstrap,
    /// The time between a process that ends and the next one.
    Absence,
    /// The time for which a process has run when a run begins.
    Age,
}

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
}

impl Rng {
    /// Returns the substream of `seed` for one purpose and one id: deleting another id does not
    /// shift it.
    pub fn substream(seed: u64, purpose: Purpose, id: u64) -> Self {
        let state = mix(mix(seed ^ mix(purpose as u64)) ^ id.wrapping_mul(GOLDEN));
        Self { state }
    }

    /// Returns the substream by which an `error` fault chooses among requests, apart from the one by
    /// which the fault itself was drawn.
    pub fn of_requests(seed: u64, fault: FaultId) -> Self {
        Self::substream(seed, Purpose::Faults, 1 << 32 | u64::from(fault.0))
    }

    /// Draws the next 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// Draws a number below `bound`; 0 where `bound` is 0.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Draws a number from 0 up to, not including, 1.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Draws true with the probability `share`.
    #[inline]
    pub fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.unit() < share
    }

    /// Draws a duration from `min` to `max`, both included.
    #[inline]
    pub fn between(&mut self, min: Duration, max: Duration) -> Duration {
        if min >= max {
            return min;
        }
        let spread = (max - min).as_nanos() as u64;
        min + Duration::from_nanos(self.below(spread + 1))
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
