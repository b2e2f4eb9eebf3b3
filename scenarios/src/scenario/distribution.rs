//! Durations that are drawn: the usual ones behind one key, a slower share of them behind `slow`.

use super::errors::{Place, Problem};
use super::form::{Form, Inline};
use super::table::{Rules, table};
use super::units::{Share, Span};
use crate::Rng;
use schemars::{Schema, SchemaGenerator};
use serde::Deserializer;
use std::time::Duration;

/// A duration to draw: even between two bounds, with a slower share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distribution {
    /// The shortest of the usual ones.
    pub min: Duration,
    /// The longest of the usual ones.
    pub max: Duration,
    /// The share of the slow ones, 0 to 1.
    pub slow_share: f64,
    /// The shortest of the slow ones.
    pub slow_min: Duration,
    /// The longest of the slow ones.
    pub slow_max: Duration,
}

impl Distribution {
    /// Returns one that is even between two bounds, without slow ones.
    pub const fn even(min: Duration, max: Duration) -> Self {
        Self {
            min,
            max,
            slow_share: 0.0,
            slow_min: Duration::ZERO,
            slow_max: Duration::ZERO,
        }
    }

    /// Draws a duration.
    #[inline]
    pub fn sample(&self, rng: &mut Rng) -> Duration {
        if rng.chance(self.slow_share) {
            rng.between(self.slow_min, self.slow_max)
        } else {
            rng.between(self.min, self.max)
        }
    }
}

/// The usual times of a distribution.
pub(super) enum Usual {}

/// The slower share of a distribution, if it has one.
pub(super) enum Slower {}

table! {
    /// A share that takes longer.
    pub(super) struct Slow {
        /// The share that takes longer.
        share: f64 as Share;
        /// The time that it takes.
        time: (Duration, Duration) as Span<Duration>;
    }
}

impl Rules for Slow {}

impl Form<Distribution> for Usual {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut Distribution) -> Result<(), D::Error> {
        let mut usual = (place.min, place.max);
        Span::<Duration>::read(d, &mut usual)?;
        (place.min, place.max) = usual;
        Ok(())
    }

    fn write(value: &Distribution) -> Option<String> {
        Span::<Duration>::write(&(value.min, value.max))
    }

    fn describe(generator: &mut SchemaGenerator) -> Schema {
        <Span<Duration> as Form<_>>::describe(generator)
    }

    fn allows(value: &Distribution) -> bool {
        Span::<Duration>::allows(&(value.min, value.max))
    }
}

/// Distributions without a slower share are written without `slow`.
impl Form<Distribution> for Slower {
    fn read<'de, D: Deserializer<'de>>(d: D, place: &mut Distribution) -> Result<(), D::Error> {
        let mut slow = Slow::default();
        Inline::<Slow>::read(d, &mut slow)?;
        place.slow_share = slow.share;
        (place.slow_min, place.slow_max) = slow.time;
        Ok(())
    }

    fn write(value: &Distribution) -> Option<String> {
        let slow = Slow::of(value);
        Inline::<Slow>::write(&slow).filter(|_| slow != Slow::default())
    }

    fn describe(generator: &mut SchemaGenerator) -> Schema {
        <Inline<Slow> as Form<Slow>>::describe(generator)
    }

    fn check(value: &Distribution, at: &Place, key: &str, problems: &mut Vec<Problem>) {
        Inline::<Slow>::check(&Slow::of(value), at, key, problems);
    }
}

impl Slow {
    fn of(value: &Distribution) -> Self {
        Self {
            share: value.slow_share,
            time: (value.slow_min, value.slow_max),
        }
    }
}
