//! From measurements to the row of a table.

use super::formula::{Parameters, Prediction, predict};
use super::load;
use super::measure::Measured;
use super::measure::ownership::{Cause, Disruption};
use crate::args::Interval;
use plimsoll_oracle::Property;
use plimsoll_scenarios::Scenario;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// What one interval costs.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The interval.
    pub interval: Interval,
    /// The number of schedules.
    pub schedules: u64,
    /// The number of commits sent for each message that was acknowledged to the producer.
    pub commits_per_message: f64,
    /// The mean number of commits sent in a schedule.
    pub commits: f64,
    /// The number of commits that the group sent in a second.
    pub commits_per_second: f64,
    /// The time from a message's acknowledgement to its first effect, in seconds, of messages that
    /// waited in healthy time.
    pub healthy: Spread,
    /// The same of messages that waited through an outage.
    pub outage: Spread,
    /// The number of duplicates after each crash.
    pub crash: Spread,
    /// The number of duplicates after each graceful stop.
    pub stop: Spread,
    /// The number of duplicates after each rebalance.
    pub rebalance: Spread,
    /// The number of duplicates after a crash that the formula predicts.
    pub predicted: Prediction,
    /// The records a second that were produced to the member that crashed, the most of all.
    pub member_rate: f64,
    /// The mean time that a commit takes to the broker, in seconds.
    pub commit_way: f64,
    /// The records a second of a group that works a backlog off, where that was measured.
    pub throughput: Option<f64>,
    /// The number of effects that were repeated under the ownership that had written them.
    pub unexplained: u64,
    /// The number of records that were lost.
    pub lost: u64,
    /// The properties that were violated, each with the lowest seed.
    pub violations: BTreeMap<Property, u64>,
}

/// How numbers spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Spread {
    /// The number of values.
    pub count: usize,
    /// Their mean; 0 where there are none.
    pub mean: f64,
    /// The smallest value that 99 % of them do not exceed.
    pub p99: f64,
    /// The greatest value.
    pub max: f64,
}

impl Row {
    /// Summarises what was measured with an interval.
    pub(super) fn of(interval: Interval, scenario: &Scenario, measured: Measured) -> Self {
        let duplicates = |cause: Cause| {
            let of_cause = measured.disruptions.iter().filter(|d| d.cause == cause);
            Spread::of(of_cause.map(|d| d.duplicates as f64).collect())
        };
        let delays = |seconds: &[f32]| Spread::of(seconds.iter().copied().map(f64::from).collect());
        let schedules = measured.schedules.max(1) as f64;
        let parameters = parameters(interval, scenario, &measured);
        let crashes = || {
            measured
                .disruptions
                .iter()
                .filter(|d| d.cause == Cause::Crash)
        };
        let most = crashes().map(|crash| crash.taken.len()).max();
        Self {
            interval,
            schedules: measured.schedules,
            commits_per_message: measured.commits as f64 / measured.acknowledged.max(1) as f64,
            commits: measured.commits as f64 / schedules,
            commits_per_second: measured.commits as f64
                / measured.time.as_secs_f64().max(f64::MIN_POSITIVE),
            healthy: delays(&measured.healthy),
            outage: delays(&measured.outage),
            crash: duplicates(Cause::Crash),
            stop: duplicates(Cause::Stop),
            rebalance: duplicates(Cause::Rebalance),
            predicted: predicted(parameters, crashes()),
            member_rate: parameters.rate * most.unwrap_or_default() as f64,
            commit_way: parameters.commit_way.as_secs_f64(),
            throughput: None,
            unexplained: measured.unexplained,
            lost: measured.lost,
            violations: measured.violations,
        }
    }

    /// Returns the number of records that one crash repeats at worst: the most that any did, or the
    /// most that the formula predicts for any.
    pub(super) fn worst(&self) -> f64 {
        self.crash.max.max(self.predicted.most())
    }

    /// Tells whether a promise was broken with this interval.
    pub(super) fn is_broken(&self) -> bool {
        self.lost > 0 || !self.violations.is_empty()
    }
}

/// Returns what the formula needs to know: messages are spread evenly over the partitions.
fn parameters(interval: Interval, scenario: &Scenario, measured: &Measured) -> Parameters {
    let ways: Duration = measured.commit_ways.iter().sum();
    Parameters {
        rate: load::rate(scenario) / f64::from(load::partitions(scenario).max(1)),
        interval: interval.time(),
        commit_way: ways
            .checked_div(measured.commit_ways.len() as u32)
            .unwrap_or_default(),
    }
}

/// Predicts each crash by the formula, and returns the mean over all crashes and the greatest.
fn predicted<'a>(
    parameters: Parameters,
    crashes: impl Iterator<Item = &'a Disruption>,
) -> Prediction {
    let each: Vec<Prediction> = crashes.map(|crash| predict(parameters, crash)).collect();
    Prediction {
        mean: Spread::of(each.iter().map(|crash| crash.mean).collect()).mean,
        max: Spread::of(each.iter().map(|crash| crash.max).collect()).max,
    }
}

impl Spread {
    /// Computes the spread of these numbers.
    pub(super) fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let count = numbers.len();
        let Some(max) = numbers.last() else {
            return Self::default();
        };
        // The nearest rank: the smallest number with at least 99 % of all at or below it.
        let rank = (count * 99).div_ceil(100);
        Self {
            count,
            mean: numbers.iter().sum::<f64>() / count as f64,
            p99: numbers[rank - 1],
            max: *max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_of_a_hundred_numbers() {
        let numbers = (1..=100).rev().map(f64::from).collect();
        let expected = Spread {
            count: 100,
            mean: 50.5,
            p99: 99.0,
            max: 100.0,
        };
        assert_eq!(Spread::of(numbers), expected);
        assert_eq!(Spread::of(Vec::new()), Spread::default());
    }
}
