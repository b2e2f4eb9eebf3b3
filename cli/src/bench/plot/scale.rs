//! Where intervals and numbers stand in a picture.

use super::super::summary::Row;
use crate::args::Interval;
use crate::render::thousands;
use std::time::Duration;

/// The room of the labels beyond the outermost intervals.
const MARGIN: f64 = 44.0;

/// The distance of a commit after every record to the shortest interval.
const APART: f64 = 110.0;

/// Where intervals stand from left to right: by their logarithm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Across {
    every_record: f64,
    /// The ends of the axis, and the logarithms that stand there.
    ends: (f64, f64),
    logarithms: (f64, f64),
}

/// Where numbers stand from bottom to top: by their logarithm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Up {
    /// What is added to a number first: with 1, there is a place for 0.
    added: f64,
    /// The top and the bottom, and the powers of ten that stand there.
    ends: (f64, f64),
    powers: (i32, i32),
}

impl Across {
    /// Makes the axis of these rows, between two sides.
    pub(super) fn new(rows: &[Row], (left, right): (f64, f64)) -> Self {
        let has_record = rows.iter().any(|row| row.interval == Interval::EveryRecord);
        let times = || {
            let times = rows.iter().map(|row| row.interval.time());
            times.filter(|time| !time.is_zero())
        };
        let logarithm =
            |time: Option<Duration>| time.map_or(0.0, |time| time.as_secs_f64().log10());
        let first = left + MARGIN;
        let shift = if has_record { APART } else { 0.0 };
        Self {
            every_record: first,
            ends: (first + shift, right - MARGIN),
            logarithms: (logarithm(times().min()), logarithm(times().max())),
        }
    }

    /// Returns the place of a row's interval.
    pub(super) fn at(&self, row: &Row) -> f64 {
        let Interval::Every(interval) = row.interval else {
            return self.every_record;
        };
        let ((left, right), (low, high)) = (self.ends, self.logarithms);
        let share = match high > low {
            true => (interval.as_secs_f64().log10() - low) / (high - low),
            false => 0.5,
        };
        left + (right - left) * share
    }
}

impl Up {
    /// Makes an axis that begins with 0, between a top and a bottom.
    pub(super) fn from_zero(numbers: impl Iterator<Item = f64>, ends: (f64, f64)) -> Self {
        let most = numbers.fold(9.0, f64::max);
        Self {
            added: 1.0,
            ends,
            powers: (0, (most + 1.0).log10().ceil() as i32),
        }
    }

    /// Makes an axis that begins with the power of ten below the least of the numbers.
    pub(super) fn from_least(numbers: impl Iterator<Item = f64>, ends: (f64, f64)) -> Self {
        let (mut least, mut most) = (f64::INFINITY, 0.001);
        for number in numbers {
            (least, most) = (least.min(number), number.max(most));
        }
        let low = least.clamp(0.001, most).log10().floor() as i32;
        Self {
            added: 0.0,
            ends,
            powers: (low, (most.log10().ceil() as i32).max(low + 1)),
        }
    }

    /// Returns the place of a number.
    pub(super) fn at(&self, number: f64) -> f64 {
        let ((top, bottom), (low, high)) = (self.ends, self.powers);
        let (low, high) = (f64::from(low), f64::from(high));
        let power = (number + self.added)
            .max(f64::MIN_POSITIVE)
            .log10()
            .max(low);
        bottom - (bottom - top) * (power - low) / (high - low)
    }

    /// Returns the numbers to name, each as text, and its place.
    pub(super) fn ticks(&self) -> Vec<(String, f64)> {
        let zero = (self.added > 0.0).then_some(0.0);
        let powers = (self.powers.0..=self.powers.1).map(|power| 10f64.powi(power));
        let numbers = zero.into_iter().chain(powers);
        let fits = |number: &f64| self.at(*number) >= self.ends.0 - 0.5;
        let numbers = numbers.filter(fits);
        let named = numbers.map(|number| {
            let name = match number {
                ..1.0 => number.to_string(),
                _ => thousands(number as u64),
            };
            (name, self.at(number))
        });
        named.collect()
    }

    /// Returns its top.
    pub(super) const fn top(&self) -> f64 {
        self.ends.0
    }
}
