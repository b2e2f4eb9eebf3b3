//! Random choices of the arguments of one fault.

use super::RequestKind;
use crate::Rng;
use crate::scenario::Settings;
use std::time::Duration;

/// The random choices of one fault. Their order is a promise: a seed draws the same fault in every
/// version.
pub(crate) struct Dice<'a> {
    pub(super) settings: &'a Settings,
    rng: Rng,
    /// The fault's argument `request`, once it was drawn.
    pub(super) request: Option<RequestKind>,
}

impl<'a> Dice<'a> {
    /// Starts a stream of choices.
    pub(crate) fn new(settings: &'a Settings, rng: Rng) -> Self {
        Self {
            settings,
            rng,
            request: None,
        }
    }

    /// Draws one of these in proportion to its weight; `None` where no weight is above 0.
    pub(crate) fn weighted<T: Copy>(&mut self, weights: &[(T, f64)]) -> Option<T> {
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let mut left = self.rng.unit() * total;
        let mut chosen = None;
        for (choice, weight) in weights.iter().filter(|(_, weight)| *weight > 0.0) {
            chosen = Some(*choice);
            if left < *weight {
                break;
            }
            left -= weight;
        }
        chosen
    }

    /// Draws a time between two, in whole milliseconds, which people can read.
    pub(crate) fn time(&mut self, (min, max): (Duration, Duration)) -> Duration {
        let (low, high) = (min.as_millis() as u64, max.as_millis() as u64);
        let time = Duration::from_millis(low + self.rng.below(high - low + 1));
        time.clamp(min, max)
    }

    /// Draws a number between two, both included.
    pub(crate) fn whole(&mut self, (min, max): (u32, u32)) -> u32 {
        min + self.rng.below(u64::from(max - min) + 1) as u32
    }

    /// Draws a number below `bound`.
    pub(super) fn below(&mut self, bound: u32) -> u32 {
        self.rng.below(bound.into()) as u32
    }

    /// Draws yes or no, with equal chances.
    pub(super) fn coin(&mut self) -> bool {
        self.rng.chance(0.5)
    }

    /// Draws one of these, with equal chances.
    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.below(choices.len() as u64) as usize]
    }
}
