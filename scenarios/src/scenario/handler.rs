//! `[handler]`: how long handlers take and how they fail.

use crate::{Purpose, Rng};
use std::time::Duration;

/// How handlers behave.
#[derive(Clone, Debug, PartialEq)]
pub struct Handler {
    /// How long one attempt takes.
    pub time: Distribution,
    /// The share of attempts that fail, and may succeed when tried again.
    pub retryable: f64,
    /// The share of messages that fail at each attempt and say so.
    pub permanent: f64,
    /// The share of attempts that panic.
    pub panic: f64,
    /// The share of attempts that never come back.
    pub hang: f64,
    /// Messages whose fate does not depend on the seed (`[[handler.messages]]`):
    /// the message's number, and its fate.
    pub messages: Vec<(u32, Fate)>,
}

/// What becomes of one message in its handler, attempt by attempt.
///
/// Attempts are counted in the sink over the whole run, so the same message fails the same way on
/// every backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// Every attempt succeeds.
    #[default]
    Ok,
    /// The first so many attempts fail; [`Fate::ALWAYS`]: all of them.
    Retryable(u32),
    /// Every attempt fails, and says that it always will.
    Permanent,
    /// The first so many attempts panic.
    Panic(u32),
    /// The first so many attempts never come back.
    Hang(u32),
    /// The record cannot be decoded: a permanent failure before the handler does anything.
    Undecodable,
}

impl Fate {
    /// As a number of attempts: each one.
    pub const ALWAYS: u32 = u32::MAX;
}

/// A duration to draw: even between two bounds, with a slower share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distribution {
    /// The shortest.
    pub min: Duration,
    /// The longest of the usual ones.
    pub max: Duration,
    /// The share of slow ones, 0 to 1.
    pub slow_share: f64,
    /// The shortest of the slow ones.
    pub slow_min: Duration,
    /// The longest of the slow ones.
    pub slow_max: Duration,
}

impl Distribution {
    /// Even between two bounds, nothing slow.
    pub const fn even(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max,
            slow_share: 0.0,
            slow_min: Duration::ZERO,
            slow_max: Duration::ZERO,
        }
    }

    /// Draws one.
    #[inline]
    pub fn sample(&self, rng: &mut Rng) -> Duration {
        if rng.chance(self.slow_share) {
            rng.between(self.slow_min, self.slow_max)
        } else {
            rng.between(self.min, self.max)
        }
    }
}

impl Handler {
    /// How long attempt `attempt` (from 1) at message `message` takes under `seed`.
    pub fn duration(&self, seed: u64, message: crate::MessageId, attempt: u32) -> Duration {
        let id = u64::from(message.0) << 32 | u64::from(attempt);
        self.time
            .sample(&mut Rng::substream(seed, Purpose::HandlerTime, id))
    }
}

impl Default for Handler {
    fn default() -> Self {
        Self {
            time: Distribution::even(Duration::from_millis(1), Duration::from_millis(20)),
            retryable: 0.0,
            permanent: 0.0,
            panic: 0.0,
            hang: 0.0,
            messages: Vec::new(),
        }
    }
}
